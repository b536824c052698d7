import { createHash } from 'node:crypto'
import { type JsonObject, readJsonObject } from '../base/json.ts'
import type { VersionState } from '../core/change/change.ts'
import {
  type PromptAction,
  type PromptEvent,
  type Reconciled,
  reconciledBody,
  type UnrecognisedEvent,
} from '../core/change/event.ts'
import type { VersionRead } from './api/read-prompt.ts'
import { problemOf, storable } from './body.ts'
import { type OpenedEvent, subjectOf } from './opened-event.ts'

/** One version that is not as it was known, and that no webhook explains. */
export interface ReconciledVersion {
  projectId: string
  /** The whole name. */
  name: string
  action: PromptAction
  /** As Langfuse has it; if it is gone, as it was last known. */
  version: VersionRead
  reconciled: Reconciled
  /** Tells apart two comparisons that find the same state: it may have changed to and fro between them. */
  look: number
}

/** A version that is gone, as it was last known. */
export const lastKnown = (state: VersionState): VersionRead => ({
  version: state.version,
  labels: state.labels,
  tags: state.tags,
  promptType: state.promptType,
  updatedAt: state.updatedAt,
  createdAt: null,
  promptId: state.promptId,
  commitMessage: state.commitMessage,
  createdBy: state.createdBy,
  row: null,
})

/** The row as Langfuse gave it, with the labels and tags that all requests together showed. What is not known is left out. */
function promptOf({ projectId, name, version: { row, ...read } }: ReconciledVersion): JsonObject {
  const { promptType, promptId, updatedAt, createdAt, commitMessage, createdBy, ...rest } = read
  return {
    ...row,
    ...rest,
    projectId,
    name,
    ...(promptId !== null && { id: promptId, commitMessage }),
    ...(createdBy !== null && { createdBy }),
    ...(promptType !== null && { type: promptType }),
    ...(createdAt !== null && { createdAt: new Date(createdAt).toISOString() }),
    ...(updatedAt !== null && { updatedAt: new Date(updatedAt).toISOString() }),
  }
}

/** An event as if Langfuse had sent it, with its body. It has no twin: a webhook that comes late opens a change of its own. */
export function openReconciled(found: ReconciledVersion): OpenedEvent & { body: Uint8Array } {
  const { projectId, name, action, version, reconciled, look } = found
  const body = { type: 'prompt-version', action, prompt: promptOf(found), reconciled }
  const bytes = Buffer.from(JSON.stringify(body))
  const event = parseReconciled(bytes)
  const key = [projectId, name, version.version, action, version.promptId, version.updatedAt, look]
  return {
    event,
    body: bytes,
    dedupeKey: `reconcile:${createHash('sha256').update(JSON.stringify(key)).digest('hex')}`,
    twinKey: null,
    projectId: event.projectId,
    subject: subjectOf(event, body),
    occurredAt: reconciled.readAt,
  }
}

const timeOf = (iso: string | null | undefined): number | undefined =>
  iso == null ? undefined : Date.parse(iso)

/** The event of a stored body: the same one that `openReconciled` returned. */
export function parseReconciled(rawBody: Uint8Array): PromptEvent | UnrecognisedEvent {
  const json = readJsonObject(rawBody)
  if (!json.ok) return { type: 'unrecognised', projectId: null, problems: [json.message] }
  const read = reconciledBody.safeParse(json.value)
  if (!read.success)
    return { type: 'unrecognised', projectId: null, problems: read.error.issues.slice(0, 20).map(problemOf) }
  const { action, prompt, reconciled } = read.data
  const updatedAt = timeOf(prompt.updatedAt)
  const createdAt = timeOf(prompt.createdAt)
  const state = storable({
    projectId: prompt.projectId,
    name: prompt.name,
    ...(prompt.id != null && { promptId: prompt.id }),
    ...(prompt.labels && { labels: prompt.labels }),
    ...(prompt.tags && { tags: prompt.tags }),
    ...(prompt.type != null && { promptType: prompt.type }),
    ...(prompt.commitMessage !== undefined && { commitMessage: prompt.commitMessage }),
    ...(prompt.createdBy != null && { createdBy: prompt.createdBy }),
  })
  return {
    type: 'prompt-version',
    action,
    version: prompt.version,
    ...state,
    ...('prompt' in prompt && { text: prompt.prompt, config: prompt.config }),
    user: null,
    ...(updatedAt !== undefined && { updatedAt }),
    ...(createdAt !== undefined && { createdAt }),
    reconciled: { readAt: reconciled.readAt, knownAt: reconciled.knownAt },
  }
}
