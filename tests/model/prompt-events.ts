import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'

export const maya = { name: 'Maya Okonkwo', email: 'maya@acme.example' }

/** A stored version; its id follows from its number, and its last update is at 100. */
export const v = (
  version: number,
  labels: string[] = [],
  more: Partial<VersionState> = {},
): VersionState => ({
  version,
  promptId: `p${version}`,
  labels,
  tags: ['support'],
  promptType: 'text',
  commitMessage: null,
  createdBy: 'maya-id',
  updatedAt: 100,
  deleted: false,
  ...more,
})

let count = 0
/** An event at 200 about the version with this number, created at 50 by default. */
const event = (
  action: StoredPromptEvent['action'],
  version: number,
  labels?: string[],
  more: Partial<StoredPromptEvent> = {},
): StoredPromptEvent => ({
  type: 'prompt-version',
  projectId: 'project',
  name: 'support/refund-reply',
  action,
  version,
  labels,
  eventId: `evt-${String(++count).padStart(4, '0')}`,
  occurredAt: (more.updatedAt ?? 200) + 400,
  promptId: `p${version}`,
  tags: ['support'],
  promptType: 'text',
  commitMessage: null,
  createdBy: 'maya-id',
  user: maya,
  createdAt: action === 'created' ? 200 : 50,
  updatedAt: 200,
  ...more,
})
type Rest = [version: number, labels?: string[], more?: Partial<StoredPromptEvent>]
export const created = (...rest: Rest): StoredPromptEvent => event('created', ...rest)
export const updated = (...rest: Rest): StoredPromptEvent => event('updated', ...rest)
export const deleted = (...rest: Rest): StoredPromptEvent => event('deleted', ...rest)

/** The form of tutorials: no id, no times of the version, and what the sender left out is unknown. */
export const flat = (
  action: StoredPromptEvent['action'],
  version: number,
  occurredAt: number,
  labels?: string[],
): StoredPromptEvent => ({
  type: 'prompt-version',
  projectId: 'project',
  name: 'support/refund-reply',
  action,
  version,
  labels,
  user: null,
  eventId: `evt-${++count}`,
  occurredAt,
})
