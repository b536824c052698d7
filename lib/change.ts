import type { PromptEvent } from './event.ts'

/**
 * One thing that is true of a change. A change has one or more: a new version that takes `production`
 * is `version-created` and `promoted` at once. Rules match facts.
 */
export type Fact =
  | { kind: 'version-created'; version: number; labels: string[] }
  /** A label moved to a higher version. */
  | { kind: 'promoted'; label: string; from: number; to: number }
  /** A label moved to a lower version. */
  | { kind: 'rolled-back'; label: string; from: number; to: number }
  /** A label that no known version carried. */
  | { kind: 'label-added'; label: string; to: number }
  /** Nothing carries the label now. */
  | { kind: 'label-removed'; label: string; from: number }
  | { kind: 'tags-changed'; added: string[]; removed: string[] }
  /** `labels`: what the deleted versions carried. `whole`: no known version is left. */
  | { kind: 'deleted'; versions: number[]; labels: string[]; whole: boolean }
  /** The state before was unknown: says what is, claims nothing about before. */
  | { kind: 'first-seen'; version: number; labels: string[] }
  /** Nothing visible changed; kept, not sent. */
  | { kind: 'unchanged' }
  | { kind: 'alert'; severity: string }
  | { kind: 'recovered'; severity: string }
  | { kind: 'notification'; eventType: string; severity: string }
  | { kind: 'unrecognised' }
  /** The relay's own trouble: deliveries to a target that will not be tried again by themselves. */
  | { kind: 'given-up'; target: string; count: number }

export type FactKind = Fact['kind']

/** Most telling first: a change takes the kind of its first fact in this order. */
export const factKinds = [
  'deleted',
  'version-created',
  'promoted',
  'rolled-back',
  'label-removed',
  'label-added',
  'tags-changed',
  'first-seen',
  'alert',
  'recovered',
  'notification',
  'given-up',
  'unchanged',
  'unrecognised',
] as const satisfies readonly FactKind[]

/** What is known of one version of a prompt, without its text (which may be megabytes). */
export interface VersionState {
  version: number
  promptId: string | null
  labels: string[]
  tags: string[]
  promptType: string | null
  commitMessage: string | null
  createdBy: string | null
  /** Epoch milliseconds of the newest event folded in; null when only the flat form spoke of it. */
  updatedAt: number | null
  deleted: boolean
}

/** A prompt event with the id under which it is stored. */
export type StoredPromptEvent = Omit<PromptEvent, 'text' | 'config'> & { eventId: string; occurredAt: number }

/** What was changed in the text, kept small enough to be stored with the change and put into a message. */
export interface DifferenceSummary {
  fromVersion: number
  toVersion: number
  /** Changed lines, `sign` first, cut at `cut` further lines. */
  lines: { sign: '+' | '-' | ' '; text: string }[]
  cutLines: number
  /** Names of `{{name}}` variables, and `placeholder:<name>`; `cutVariables` counts what is left out of both. */
  variablesAdded: string[]
  variablesRemoved: string[]
  cutVariables?: number
  /** Config keys by dotted path, with their JSON; null: the key is missing. `cutConfig` counts further keys. */
  config: { key: string; before: string | null; after: string | null }[]
  cutConfig?: number
  /** Characters. */
  sizeBefore: number
  sizeAfter: number
  /** True where the texts were too large for a line-by-line difference within the time bound. */
  coarse: boolean
}

/** Everything a change says beyond its columns; stored as JSON. */
export interface ChangeDetail {
  facts: Fact[]
  /** The version the change is mostly about, after it. Null for what is not about prompts. */
  prompt: {
    version: number
    labels: string[]
    labelsBefore: string[] | null
    tags: string[]
    promptType: string | null
    commitMessage: string | null
    createdBy: string | null
    /** The event that carried this version's text; null when no event of the change did. */
    eventId: string | null
  } | null
  /** Null: not compared. A sentence: why there is none. */
  difference: DifferenceSummary | string | null
  /** Alerts and notifications: their own words (Markdown) and links. */
  message: string | null
  links: { label: string; url: string }[]
  environments: string[]
  /** What a signed body of unknown shape did not fit. */
  problems: string[]
  /** Ids of events older than the known state, which therefore changed nothing. */
  stale: string[]
}

export const emptyDetail: ChangeDetail = {
  facts: [],
  prompt: null,
  difference: null,
  message: null,
  links: [],
  environments: [],
  problems: [],
  stale: [],
}

export interface Change {
  id: string
  kind: FactKind
  /** `settling` while more events of the same edit may come. */
  status: 'settling' | 'settled'
  projectId: string | null
  /** Prompt name, monitor title, resource, … */
  subject: string
  version: number | null
  /** A sentence that a person would say: "Maya promoted support/refund-reply v7 to production, was v6". */
  title: string
  actor: string | null
  /** Someone should look: production without a version, a deleted production version, an alert. */
  danger: boolean
  test: boolean
  detail: ChangeDetail
  eventCount: number
  /** Epoch milliseconds. */
  openedAt: number
  dueAt: number
  settledAt: number | null
}
