import { createHash } from 'node:crypto'
import { z } from 'zod'
import { type JsonRefusal, readJsonObject } from '../base/json.ts'
import type { TraceCallbackEvent } from '../core/change/event.ts'
import { problemOf } from './body.ts'

/** Names of projects and sessions are free, so any script is allowed, but nothing invisible and no line break. */
const id = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u, { error: 'contains a character that cannot be printed' })

const item = z
  .object({
    projectId: id,
    traceId: id.nullish(),
    observationId: id.nullish(),
    sessionId: id.nullish(),
  })
  .refine(({ traceId, observationId, sessionId }) => traceId ?? observationId ?? sessionId, {
    error: 'names no trace, observation or session',
  })

/**
 * Both forms: what Langfuse's server sends when someone presses the button of a web callout, one item with `sessionId`
 * (`web/src/features/web-callouts`, v4.16.0), and what a browser sends according to the draft of web callbacks
 * (https://github.com/langfuse/langfuse-docs/pull/2973).
 */
const body = z.object({ version: z.literal(1), items: z.array(item).min(1).max(100) })

/** One item of a callback, stored with a body of its own. */
export interface CallbackItem {
  event: TraceCallbackEvent
  /** A hash of project and ids. */
  key: string
  body: Uint8Array
}

export interface CallbackRefusal {
  ok: false
  status: 400
  reason: 'wrong-shape' | JsonRefusal['reason']
  /** Names the field. */
  message: string
}

const maxNamed = 5

function itemOf({
  projectId,
  traceId = null,
  observationId = null,
  sessionId = null,
}: z.output<typeof item>) {
  const ids = { projectId, traceId, observationId, sessionId }
  const bytes = Buffer.from(JSON.stringify({ version: 1, items: [ids] }))
  return {
    event: { type: 'trace-callback' as const, ...ids },
    key: createHash('sha256').update(bytes).digest('hex'),
    body: bytes,
  }
}

/** The items of a callback without duplicates, or which field is wrong. Whether such traces exist is not checked here. */
export function openCallback(rawBody: Uint8Array): { ok: true; items: CallbackItem[] } | CallbackRefusal {
  const json = readJsonObject(rawBody)
  if (!json.ok) return { ...json, status: 400 }
  const parsed = body.safeParse(json.value)
  if (!parsed.success) {
    const message = parsed.error.issues.slice(0, maxNamed).map(problemOf).join('; ').slice(0, 1000)
    return { ok: false, status: 400, reason: 'wrong-shape', message }
  }
  const items = new Map(parsed.data.items.map((one) => [itemOf(one).key, itemOf(one)]))
  return { ok: true, items: [...items.values()] }
}
