import { createHash } from 'node:crypto'
import type { ObservationBody, ScoreBody } from '../change/observed.ts'

/** A row of Langfuse's API as the flat event of a new row. */
export type FlatBody = ObservationBody | ScoreBody

/** One page of rows. */
export type PolledPage =
  | {
      ok: true
      bodies: FlatBody[]
      /** The cursor of the next page; null: this was the last one. */
      next: string | null
      /** Langfuse's time, epoch milliseconds. */
      at: number | null
    }
  | { ok: false; status: number | null; retryAfterMs: number | null; message: string }

/** `from`: included; `to`: excluded, null: no end. Epoch milliseconds of Langfuse's clock. */
export interface PageRequest {
  from: number
  to: number | null
  cursor: string | null
  /** Use the endpoints from before Langfuse v4. */
  old: boolean
}

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** Identifies a row. Ids of observations are unique within their trace only. */
export const keyOf = ({ data }: FlatBody): string =>
  'scoreId' in data
    ? sha256(['score', data.projectId, data.scoreId])
    : sha256(['observation', data.projectId, data.traceId, data.observationId])

/** Changes with the content of a row. Ingestion alone changes `updatedAt`, so it is left out. */
export const hashOf = ({ data: { updatedAt: _, ...content } }: FlatBody): string => sha256(content)

/** The row as an update; null: updates of it are not reported. */
export function asUpdate(body: FlatBody): FlatBody | null {
  if (body.event === 'trace.created') return { ...body, event: 'trace.updated' }
  if (body.event === 'score.created') return { ...body, event: 'score.updated' }
  return null
}

/** The usage of one generation. */
export interface Usage {
  /** `2026-08-21`, UTC, of its start. */
  day: string
  model: string
  environment: string
  input: number
  output: number
  total: number
  /** Millionths of a thousandth of a dollar (1e-9 USD), so that sums stay whole. */
  nanoUsd: number
}

/** Null: it is not a generation, and has no model or no numbers. */
export function usageOf({ timestamp, data }: FlatBody): Usage | null {
  if ('scoreId' in data) return null
  const { model, type, inputTokens, outputTokens, totalTokens, totalCost, environment } =
    data as ObservationBody['data']
  const used = inputTokens ?? outputTokens ?? totalTokens ?? totalCost ?? null
  if (type !== 'GENERATION' && (!model || used === null)) return null
  const [input, output] = [Math.round(inputTokens ?? 0), Math.round(outputTokens ?? 0)]
  return {
    day: new Date(timestamp).toISOString().slice(0, 10),
    model: model ? model.slice(0, 200).toWellFormed() : 'unknown',
    environment: (environment ?? 'default').slice(0, 100).toWellFormed(),
    input,
    output,
    total: Math.round(totalTokens ?? input + output),
    nanoUsd: Math.round((totalCost ?? 0) * 1e9),
  }
}
