import { z } from 'zod'
import { maxName } from './indexable.ts'
import type { ObservationEvent, ScoreEvent } from './observed.ts'

/**
 * The bodies that Langfuse sends, from its source (v4.16.0): `packages/shared/src/domain/webhooks.ts`,
 * `…/features/monitors/types.ts`, `…/server/notifications/types.ts`. Unknown keys are kept everywhere: Langfuse adds fields
 * without notice, and an event that is refused is lost for good.
 */

const text = z.string().min(1)
/** Part of several index keys, beside names. Langfuse's own ids have 25 characters. */
const projectId = text.max(200)
const promptName = text.max(maxName)
const time = z.iso.datetime({ offset: true })

const user = z.looseObject({ name: z.string().nullish(), email: z.string().nullish() })

const prompt = z.looseObject({
  id: text,
  name: promptName,
  /** 32 bits, as in the columns of Langfuse and of the relay. */
  version: z.int32().min(1),
  projectId,
  createdBy: z.string().optional(),
  labels: z.array(z.string()),
  /**
   * Text prompts: a string. Chat prompts: an array of messages (`{role, content}`) and placeholders
   * (`{type: 'placeholder', name}`). Langfuse's own schema allows any JSON.
   */
  prompt: z.unknown(),
  type: z.string(),
  config: z.unknown(),
  commitMessage: z.string().nullish(),
  tags: z.array(z.string()).default([]),
  createdAt: time,
  updatedAt: time,
})

const envelope = { id: text, timestamp: time, apiVersion: z.string().optional() }

export const promptAction = z.enum(['created', 'updated', 'deleted'])

export const promptBody = z.looseObject({
  ...envelope,
  type: z.literal('prompt-version'),
  action: promptAction,
  user: user.nullish(),
  prompt,
})

export const alertBody = z.looseObject({
  ...envelope,
  type: z.literal('monitor-alert'),
  payload: z.looseObject({
    monitorId: text,
    projectId,
    permalink: z.string().optional(),
    dataPermalink: z.string().optional(),
    message: z.looseObject({ title: z.string(), body: z.string() }),
    severity: z.string(),
    timestamp: time,
    fromTimestamp: time.optional(),
    toTimestamp: time.optional(),
    view: z.string().optional(),
    filters: z.array(z.unknown()).default([]),
    window: z.string().optional(),
  }),
})

export const notificationBody = z.looseObject({
  ...envelope,
  type: z.literal('project-notification'),
  event: z.looseObject({
    eventType: text,
    severity: z.string(),
    projectId,
    projectName: z.string().optional(),
    resourceId: z.string().optional(),
    resourceName: z.string().optional(),
    message: z.string(),
    url: z.string().optional(),
  }),
})

export const flatNames = ['prompt.created', 'prompt.updated', 'prompt.deleted'] as const

/** The form that tutorials show. Langfuse never sent it, but people have written senders for it. */
export const flatBody = z.looseObject({
  event: z.enum(flatNames),
  timestamp: time,
  data: z.looseObject({
    promptName,
    promptVersion: z.int32().min(1),
    projectId,
    labels: z.array(z.string()).optional(),
    tags: z.array(z.string()).optional(),
    prompt: z.unknown().optional(),
    type: z.string().optional(),
    config: z.unknown().optional(),
    commitMessage: z.string().nullish(),
    user: user.nullish(),
    createdBy: z.string().optional(),
  }),
})

export type PromptAction = z.infer<typeof promptAction>

/**
 * What the relay writes down of a version that differs from what it knew, in the form of a webhook. `prompt` is the row as
 * Langfuse gave it, or as far as a listing shows it: without its id, text, config and author. Times in epoch milliseconds.
 */
export const reconciledBody = z.looseObject({
  type: z.literal('prompt-version'),
  action: promptAction,
  prompt: z.looseObject({
    name: promptName,
    version: z.int32().min(1),
    projectId,
    id: z.string().nullish(),
    createdBy: z.string().nullish(),
    labels: z.array(z.string()).optional(),
    tags: z.array(z.string()).optional(),
    prompt: z.unknown().optional(),
    type: z.string().nullish(),
    config: z.unknown().optional(),
    commitMessage: z.string().nullish(),
    createdAt: time.nullish(),
    updatedAt: time.nullish(),
  }),
  reconciled: z.looseObject({ readAt: z.number(), knownAt: z.number().nullable() }),
})

/** When the relay read a state that no webhook reported, and when the state before was last known to be true. */
export type Reconciled = Pick<z.output<typeof reconciledBody>['reconciled'], 'readAt' | 'knownAt'>

/**
 * What one event says about one version of a prompt. `undefined`: it does not say (the flat form leaves most things out);
 * `null`: it says "none".
 */
export interface PromptEvent {
  type: 'prompt-version'
  action: PromptAction
  projectId: string
  name: string
  version: number
  promptId?: string
  labels?: string[]
  tags?: string[]
  promptType?: string
  /** A string (text prompt), an array of messages and placeholders (chat prompt), or any JSON. */
  text?: unknown
  config?: unknown
  commitMessage?: string | null
  createdBy?: string
  /** Who did it. Null for changes through the public API, SDKs or MCP server, for which Langfuse names no one. */
  user: { name: string | null; email: string | null } | null
  /** Epoch milliseconds; it orders the events of one version. The flat form does not have it. */
  updatedAt?: number
  createdAt?: number
  /** No webhook reported it: it was found by comparing with Langfuse. */
  reconciled?: Reconciled
}

export interface AlertEvent {
  type: 'monitor-alert'
  projectId: string
  monitorId: string
  title: string
  /** Markdown, as Langfuse wrote it. Only it holds the measured value. */
  body: string
  /** In practice `ALERT`, `WARNING`, `OK`, `NO_DATA`. */
  severity: string
  url: string | null
  dataUrl: string | null
  environments: string[]
  /** When the monitor ran, epoch milliseconds: the same for every automation that sends the alert. */
  at: number
}

export interface NotificationEvent {
  type: 'project-notification'
  projectId: string
  projectName: string | null
  /** `blob-export-failed`, `posthog-export-failed`, `evaluator-blocked`, or a newer one. */
  eventType: string
  severity: string
  resource: string | null
  message: string
  url: string | null
}

/** Someone pressed the button of a trace, observation or session. At least one id is set; none is verified. */
export interface TraceCallbackEvent {
  type: 'trace-callback'
  projectId: string
  traceId: string | null
  observationId: string | null
  sessionId: string | null
  /** It came without a token, so anyone may have sent it. */
  isAnonymous?: true
  /** No target is notified before Langfuse's API has confirmed it, even if the API keys have been removed since. */
  mustBeConfirmed?: true
}

/** Signed JSON of an unknown shape: stored and acknowledged, never acted on. */
export interface UnrecognisedEvent {
  type: 'unrecognised'
  projectId: null
  /** What is wrong with it, one sentence each, naming the field. */
  problems: string[]
}

export type SourceEvent =
  | ObservationEvent
  | ScoreEvent
  | PromptEvent
  | AlertEvent
  | NotificationEvent
  | TraceCallbackEvent
  | UnrecognisedEvent
