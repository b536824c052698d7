import { createHash } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import { monitorName } from '../core/change/describe.ts'
import type { SourceEvent } from '../core/change/event.ts'
import { indexable, maxIndexed } from '../core/change/indexable.ts'
import { burstName, isObserved } from '../core/change/observed.ts'
import type { FlatBody } from '../core/polling/rows.ts'
import { isFlat, own, storable, toEvent } from './body.ts'

/** An event from Langfuse with the keys and names that the store knows it by. */
export interface OpenedEvent {
  event: SourceEvent
  /** At most 209 characters of printable ASCII. */
  dedupeKey: string
  twinKey: string | null
  /** Safe to show. */
  projectId: string | null
  /** Prompt name, monitor title, resource, or the `type` that is not known. May be empty. */
  subject: string
  /** Epoch milliseconds: of an alert, when its monitor ran; else the body's `timestamp`, else `now`. */
  occurredAt: number
}

/** The event of a trusted body, which was signed or read from Langfuse's API. */
export function openEvent(
  body: JsonObject,
  { rawBody, timestamp, now }: { rawBody: Uint8Array; timestamp: number | null; now: number },
): OpenedEvent {
  const event = toEvent(body)
  return {
    event,
    dedupeKey: dedupeKeyOf(event, body, rawBody),
    twinKey: twinKeyOf(event, body),
    projectId: event.projectId,
    subject: subjectOf(event, body),
    occurredAt: 'at' in event ? event.at : (timestamp ?? now),
  }
}

/** A row of Langfuse's API as an event with its body, as if it had been sent to the webhook endpoint. */
export function openPolled(body: FlatBody): OpenedEvent & { body: Uint8Array } {
  const rawBody = Buffer.from(JSON.stringify(body))
  const timestamp = Date.parse(body.timestamp)
  return { ...openEvent(body, { rawBody, timestamp, now: timestamp }), body: rawBody }
}

const sha256 = (value: string | Uint8Array): string => createHash('sha256').update(value).digest('hex')

/** `JSON.stringify` keeps the parts apart, and lone surrogates distinct; joining them would not. */
const hashOf = (parts: unknown[]): string => sha256(JSON.stringify(parts))

const keyOfId = (id: string): string =>
  /^[\x21-\x7e]{1,200}$/.test(id) ? `langfuse:${id}` : `langfuse:sha256:${hashOf([id])}`

/**
 * Identifies an event. Langfuse's `id` is the same for all tries and re-runs of a delivery, while `timestamp` and signature
 * change with a re-run. The flat form has no id.
 */
export function dedupeKeyOf(event: SourceEvent, body: JsonObject, rawBody: Uint8Array): string {
  if (isObserved(event)) {
    const { updatedAt } = body.data as { updatedAt?: unknown }
    // Without the time of the update, different content is a different event.
    return `flat:${hashOf([body.event, event.projectId, event.traceId, event.id, updatedAt ?? sha256(rawBody)])}`
  }
  if (isFlat(body) && event.type === 'prompt-version')
    return `flat:${hashOf([body.event, body.timestamp, event.projectId, event.name, event.version])}`
  const id = own(body, 'id')
  return typeof id === 'string' && id !== '' ? keyOfId(id) : `body:${sha256(rawBody)}`
}

/**
 * The same for two events about one edit, alert or notification that two automations sent under different ids. Null if
 * unknown. The `timestamp` of a notification is when it was created; that of a prompt's event, when it was sent.
 */
export function twinKeyOf(event: SourceEvent, body: JsonObject): string | null {
  switch (event.type) {
    case 'prompt-version': {
      if (event.updatedAt === undefined) return null
      const { promptId, action, updatedAt, labels = [], tags = [] } = event
      return hashOf([promptId, action, updatedAt, labels.toSorted(), tags.toSorted()])
    }
    case 'monitor-alert':
      return hashOf([event.type, event.projectId, event.monitorId, event.severity, event.at])
    case 'project-notification': {
      const { type, projectId, eventType, severity, resource, message } = event
      return hashOf([type, projectId, eventType, severity, resource, message, own(body, 'timestamp')])
    }
    default:
      return null
  }
}

/**
 * What the event is about, as a person would name it, in at most 600 characters, since an index holds it. Two prompts never
 * have the same subject.
 */
export function subjectOf(event: SourceEvent, body: JsonObject): string {
  const name = nameOf(event, body)
  const subject = event.type === 'prompt-version' ? indexable(name) : name.slice(0, maxIndexed)
  return subject.toWellFormed()
}

function nameOf(event: SourceEvent, body: JsonObject): string {
  switch (event.type) {
    case 'prompt-version':
      return event.name
    case 'monitor-alert':
      return monitorName(event.title)
    case 'project-notification':
      return event.resource ?? event.eventType
    case 'trace':
    case 'generation':
    case 'observation':
    case 'score':
      return burstName(event)
    case 'trace-callback':
      return event.traceId ?? event.sessionId ?? event.observationId ?? ''
    case 'unrecognised': {
      const type = own(body, 'type')
      return typeof type === 'string' ? storable(type.slice(0, 200)) : ''
    }
  }
}
