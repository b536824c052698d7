import { z } from 'zod'
import { maxIndexed } from './indexable.ts'
import type { BurstKind } from './kinds.ts'

/**
 * Langfuse has no webhook for traces, generations and scores, so the relay reads them from its API and turns each into a
 * flat body of its own. The webhook endpoint accepts the same form.
 */

const text = z.string().min(1)
/** As in `event.ts`: part of several index keys. */
const projectId = text.max(200)
/** Looked up through an index. */
const scoreName = text.max(maxIndexed)
const time = z.iso.datetime({ offset: true })
const amount = z.number().nonnegative()

export const observationNames = [
  'trace.created',
  'trace.updated',
  'generation.created',
  'observation.created',
] as const
export const scoreNames = ['score.created', 'score.updated'] as const
export type ObservedName = (typeof observationNames)[number] | (typeof scoreNames)[number]

/** Langfuse's own words, of which there may be more to come. Levels from the least to the worst. */
export const levels = ['DEBUG', 'DEFAULT', 'WARNING', 'ERROR']
export const scoreSources = ['API', 'ANNOTATION', 'EVAL']
export const scoreDataTypes = ['NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT', 'CORRECTION']

/** `trace`: a trace's root observation. `observation`: any other that is not a generation. */
export const observationBody = z.looseObject({
  event: z.enum(observationNames),
  timestamp: time,
  data: z.looseObject({
    projectId,
    traceId: text,
    observationId: text.nullish(),
    /** Langfuse's own type: `GENERATION`, `SPAN`, `AGENT`, … */
    type: z.string().nullish(),
    name: z.string().nullish(),
    traceName: z.string().nullish(),
    environment: z.string().nullish(),
    level: z.string().nullish(),
    statusMessage: z.string().nullish(),
    model: z.string().nullish(),
    /** Seconds. */
    latency: amount.nullish(),
    /** USD. */
    totalCost: amount.nullish(),
    inputTokens: amount.nullish(),
    outputTokens: amount.nullish(),
    totalTokens: amount.nullish(),
    userId: z.string().nullish(),
    sessionId: z.string().nullish(),
    promptName: z.string().nullish(),
    promptVersion: z.number().nullish(),
    updatedAt: time.nullish(),
  }),
})

export const scoreBody = z.looseObject({
  event: z.enum(scoreNames),
  timestamp: time,
  data: z.looseObject({
    projectId,
    scoreId: text,
    name: scoreName,
    /** By `dataType`: a number, a boolean, or text. */
    value: z.union([z.number(), z.boolean(), z.string()]).nullish(),
    dataType: z.string().nullish(),
    source: z.string().nullish(),
    comment: z.string().nullish(),
    environment: z.string().nullish(),
    traceId: z.string().nullish(),
    observationId: z.string().nullish(),
    sessionId: z.string().nullish(),
    updatedAt: time.nullish(),
  }),
})

export type ObservationBody = z.output<typeof observationBody>
export type ScoreBody = z.output<typeof scoreBody>

/** One trace, generation or other observation, as one event describes it. */
export interface ObservationEvent {
  type: 'trace' | 'generation' | 'observation'
  action: 'created' | 'updated'
  projectId: string
  traceId: string
  /** The observation's; the trace's where the body names no observation. */
  id: string
  /** Langfuse's own type: `GENERATION`, `SPAN`, `AGENT`, … */
  observationType: string | null
  name: string | null
  traceName: string | null
  environment: string | null
  level: string | null
  statusMessage: string | null
  model: string | null
  latencyMs: number | null
  /** USD. */
  cost: number | null
  tokens: { input: number | null; output: number | null; total: number | null }
  userId: string | null
  sessionId: string | null
  promptName: string | null
  promptVersion: number | null
  /** When it began, epoch milliseconds. */
  at: number
}

export interface ScoreEvent {
  type: 'score'
  action: 'created' | 'updated'
  projectId: string
  id: string
  name: string
  value: number | boolean | string | null
  dataType: string | null
  source: string | null
  comment: string | null
  environment: string | null
  traceId: string | null
  observationId: string | null
  sessionId: string | null
  /** Epoch milliseconds. */
  at: number
}

/** One trace, observation or score as a change keeps it: what rules match and readers see. */
export interface ObservedRow {
  event: ObservedName
  id: string
  traceId: string | null
  observationId: string | null
  /** A trace whose root is a generation is both. */
  isGeneration: boolean
  name: string | null
  /** Epoch milliseconds. */
  at: number
  environment: string | null
  level: string | null
  /** The beginning of the status message or of a score's comment. */
  message: string | null
  model: string | null
  latencyMs: number | null
  /** USD. */
  cost: number | null
  promptName: string | null
  value: number | boolean | string | null
  dataType: string | null
  source: string | null
}

const maxText = 200
const short = (value: string | null): string | null => value?.slice(0, maxText).toWellFormed() ?? null

const noScore = { value: null, dataType: null, source: null }
const noObservation = { level: null, model: null, latencyMs: null, cost: null, promptName: null }

export function rowOf(event: ObservationEvent | ScoreEvent): ObservedRow {
  const { id, traceId, environment, at } = event
  const base = { id, traceId, environment: short(environment), at }
  if (event.type === 'score') {
    const { value } = event
    return {
      ...base,
      ...noObservation,
      event: `score.${event.action}`,
      observationId: event.observationId,
      isGeneration: false,
      name: short(event.name),
      message: short(event.comment),
      value: typeof value === 'string' ? short(value) : value,
      dataType: event.dataType,
      source: event.source,
    }
  }
  const isTrace = event.type === 'trace'
  return {
    ...base,
    ...noScore,
    event: isTrace
      ? `trace.${event.action}`
      : event.type === 'generation'
        ? 'generation.created'
        : 'observation.created',
    observationId: id === traceId ? null : id,
    isGeneration: event.type === 'generation' || event.observationType === 'GENERATION',
    name: short(event.name),
    level: event.level,
    message: short(event.statusMessage),
    model: short(event.model),
    latencyMs: event.latencyMs,
    cost: event.cost,
    promptName: short(event.promptName),
  }
}

/** Booleans count as 1 and 0. */
export function numberOf(value: ObservedRow['value']): number | null {
  if (typeof value === 'boolean') return value ? 1 : 0
  return typeof value === 'number' ? value : null
}

/** The name that the rows of a burst share: the trace's or the score's. At most 600 characters. */
export function burstName(event: ObservationEvent | ScoreEvent): string {
  const name = event.type === 'score' ? event.name : event.traceName || event.name || 'a trace without a name'
  return name.slice(0, 600).toWellFormed()
}

export function burstKind(event: ObservationEvent | ScoreEvent): BurstKind {
  if (event.type === 'score') return 'score'
  return event.level === 'ERROR' ? 'error-trace' : 'trace'
}

/** Whether an event belongs to a burst. */
export const isObserved = <T extends { type: string }>(
  event: T,
): event is Extract<T, ObservationEvent | ScoreEvent> => observedTypes.has(event.type)

const observedTypes: ReadonlySet<string> = new Set(['trace', 'generation', 'observation', 'score'] satisfies (
  | ObservationEvent
  | ScoreEvent
)['type'][])
