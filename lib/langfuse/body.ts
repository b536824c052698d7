import { z } from 'zod'
import { type JsonObject, readJsonObject } from '../base/json.ts'
import {
  type AlertEvent,
  alertBody,
  flatBody,
  flatNames,
  type NotificationEvent,
  notificationBody,
  type PromptAction,
  type PromptEvent,
  promptBody,
  type SourceEvent,
  type UnrecognisedEvent,
} from '../core/change/event.ts'
import {
  type ObservationBody,
  type ObservationEvent,
  type ObservedName,
  observationBody,
  observationNames,
  type ScoreBody,
  type ScoreEvent,
  scoreBody,
  scoreNames,
} from '../core/change/observed.ts'

type User = z.output<typeof promptBody>['user']

const person = (user: User): PromptEvent['user'] =>
  user ? { name: user.name ?? null, email: user.email ?? null } : null

/** Links appear on pages and in messages, where `javascript:` and the like must not. */
const link = (url: string | undefined): string | null =>
  url !== undefined && /^https?:/i.test(url) && URL.canParse(url) ? url : null

function fromPrompt({ action, user, prompt }: z.output<typeof promptBody>): PromptEvent {
  return {
    type: 'prompt-version',
    action,
    projectId: prompt.projectId,
    name: prompt.name,
    version: prompt.version,
    promptId: prompt.id,
    labels: prompt.labels,
    tags: prompt.tags,
    promptType: prompt.type,
    text: prompt.prompt,
    config: prompt.config,
    commitMessage: prompt.commitMessage,
    createdBy: prompt.createdBy,
    user: person(user),
    updatedAt: Date.parse(prompt.updatedAt),
    createdAt: Date.parse(prompt.createdAt),
  }
}

const flatActions = {
  'prompt.created': 'created',
  'prompt.updated': 'updated',
  'prompt.deleted': 'deleted',
} as const satisfies Record<z.output<typeof flatBody>['event'], PromptAction>

/** Its `timestamp` is when it was sent, which says nothing about the order of edits: `updatedAt` stays unknown. */
function fromFlat({ event, data }: z.output<typeof flatBody>): PromptEvent {
  return {
    type: 'prompt-version',
    action: flatActions[event],
    projectId: data.projectId,
    name: data.promptName,
    version: data.promptVersion,
    labels: data.labels,
    tags: data.tags,
    promptType: data.type,
    text: data.prompt,
    config: data.config,
    commitMessage: data.commitMessage,
    createdBy: data.createdBy,
    user: person(data.user),
  }
}

/** Only these filter operators name whole values, unlike `contains` or `none of`. */
const environmentFilter = z.object({
  column: z.literal('environment'),
  operator: z.enum(['=', 'any of', 'all of']),
  value: z.union([z.string().transform((one) => [one]), z.array(z.string())]),
})

function environmentsOf(filters: unknown[]): string[] {
  return [...new Set(filters.flatMap((filter) => environmentFilter.safeParse(filter).data?.value ?? []))]
}

function fromAlert({ payload }: z.output<typeof alertBody>): AlertEvent {
  return {
    type: 'monitor-alert',
    projectId: payload.projectId,
    monitorId: payload.monitorId,
    title: payload.message.title,
    body: payload.message.body,
    severity: payload.severity,
    url: link(payload.permalink),
    dataUrl: link(payload.dataPermalink),
    environments: environmentsOf(payload.filters),
    at: Date.parse(payload.timestamp),
  }
}

function fromNotification({ event }: z.output<typeof notificationBody>): NotificationEvent {
  return {
    type: 'project-notification',
    projectId: event.projectId,
    projectName: event.projectName ?? null,
    eventType: event.eventType,
    severity: event.severity,
    resource: event.resourceName ?? event.resourceId ?? null,
    message: event.message,
    url: link(event.url),
  }
}

const actionOf = (event: ObservedName): 'created' | 'updated' =>
  event.endsWith('.updated') ? 'updated' : 'created'

const types = {
  'trace.created': 'trace',
  'trace.updated': 'trace',
  'generation.created': 'generation',
  'observation.created': 'observation',
} as const satisfies Record<ObservationBody['event'], ObservationEvent['type']>

export function fromObservation({ event, timestamp, data }: ObservationBody): ObservationEvent {
  return {
    type: types[event],
    action: actionOf(event),
    projectId: data.projectId,
    traceId: data.traceId,
    id: data.observationId ?? data.traceId,
    observationType: data.type ?? null,
    name: data.name ?? null,
    traceName: data.traceName ?? null,
    environment: data.environment ?? null,
    level: data.level ?? null,
    statusMessage: data.statusMessage ?? null,
    model: data.model ?? null,
    latencyMs: data.latency == null ? null : Math.round(data.latency * 1000),
    cost: data.totalCost ?? null,
    tokens: {
      input: data.inputTokens ?? null,
      output: data.outputTokens ?? null,
      total: data.totalTokens ?? null,
    },
    userId: data.userId ?? null,
    sessionId: data.sessionId ?? null,
    promptName: data.promptName ?? null,
    promptVersion: data.promptVersion ?? null,
    at: Date.parse(timestamp),
  }
}

export function fromScore({ event, timestamp, data }: ScoreBody): ScoreEvent {
  return {
    type: 'score',
    action: actionOf(event),
    projectId: data.projectId,
    id: data.scoreId,
    name: data.name,
    value: data.value ?? null,
    dataType: data.dataType ?? null,
    source: data.source ?? null,
    comment: data.comment ?? null,
    environment: data.environment ?? null,
    traceId: data.traceId ?? null,
    observationId: data.observationId ?? null,
    sessionId: data.sessionId ?? null,
    at: Date.parse(timestamp),
  }
}

const maxProblems = 20

const unrecognised = (problems: string[]): UnrecognisedEvent => ({
  type: 'unrecognised',
  projectId: null,
  problems: problems.map((problem) => problem.slice(0, 300)),
})

/** Which field is wrong, and why, as a sentence. */
export const problemOf = ({ path, message }: z.core.$ZodIssue): string =>
  `\`${z.core.toDotPath(path)}\`: ${message.replace(/^Invalid input: /, '')}`

const reader =
  <Schema extends z.ZodType>(schema: Schema, read: (body: z.output<Schema>) => SourceEvent) =>
  (body: JsonObject): SourceEvent => {
    const parsed = schema.safeParse(body)
    // Cut before the sentences are made: an array with a million wrong items has a million issues.
    return parsed.success
      ? read(parsed.data)
      : unrecognised(parsed.error.issues.slice(0, maxProblems).map(problemOf))
  }

/** A `Map`, since the key comes from outside: every object has `__proto__` and `constructor`. */
const enveloped = new Map<unknown, (body: JsonObject) => SourceEvent>([
  ['prompt-version', reader(promptBody, fromPrompt)],
  ['monitor-alert', reader(alertBody, fromAlert)],
  ['project-notification', reader(notificationBody, fromNotification)],
])
const flat = new Map<unknown, (body: JsonObject) => SourceEvent>([
  ...flatNames.map((name) => [name, reader(flatBody, fromFlat)] as const),
  ...observationNames.map((name) => [name, reader(observationBody, fromObservation)] as const),
  ...scoreNames.map((name) => [name, reader(scoreBody, fromScore)] as const),
])

/** The body's own property: inherited ones were not sent. */
export const own = (body: JsonObject, key: string): unknown =>
  Object.hasOwn(body, key) ? body[key] : undefined

/** Whether a body has the form that tutorials show, which has no `type`. */
export const isFlat = (body: JsonObject): boolean =>
  !Object.hasOwn(body, 'type') && typeof own(body, 'event') === 'string'

/**
 * Text columns cannot hold everything that JSON can: Postgres refuses NUL, and UTF-8 has no lone surrogates. Neither can
 * Langfuse's own database, so this changes no real name.
 */
export function storable<T>(value: T): T
export function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.map(storable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, storable(item)]))
}

/** The event in a JSON object from Langfuse. The text and config of a prompt are kept exactly. */
export function toEvent(body: JsonObject): SourceEvent {
  const [key, known] = isFlat(body) ? (['event', flat] as const) : (['type', enveloped] as const)
  const given = own(body, key)
  const read = known.get(given)
  if (!read) {
    const got = given === undefined ? 'nothing' : JSON.stringify(given)
    return storable(
      unrecognised([`\`${key}\`: expected one of ${[...known.keys()].join(', ')}, received ${got}`]),
    )
  }
  const event = read(body)
  if (event.type !== 'prompt-version') return storable(event)
  const { text, config, ...rest } = event
  return { ...storable(rest), text, config }
}

/** The event of a stored body: the same one that `openWebhook` returned when it arrived. */
export function parseBody(rawBody: Uint8Array): SourceEvent {
  const json = readJsonObject(rawBody)
  return json.ok ? toEvent(json.value) : { type: 'unrecognised', projectId: null, problems: [json.message] }
}
