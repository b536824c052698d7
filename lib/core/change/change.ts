import type { PromptEvent } from './event.ts'
import type { ObservedRow } from './observed.ts'

/** Whose doing a fact is, where it is not the change's actor. */
interface Deed {
  /** Who did it, where somebody else than the change's actor did; null: not known. */
  by?: string | null
  /** An edit showed it that did not bring it about: it was so before, and nobody told who did it, or when. */
  revealed?: true
}

/**
 * One thing that is true of a change. A change has one or more: a new version that takes `production`
 * is `version-created` and `promoted` at once. Rules match facts. `omitted`: so many names are left out of its lists.
 */
export type Fact =
  | ({ kind: 'version-created'; version: number; labels: string[]; omitted?: number } & Deed)
  /** A label moved to a higher version. */
  | ({ kind: 'promoted'; label: string; from: number; to: number } & Deed)
  /** A label moved to a lower version. */
  | ({ kind: 'rolled-back'; label: string; from: number; to: number } & Deed)
  /** A label that no known version carried. */
  | ({ kind: 'label-added'; label: string; to: number } & Deed)
  /**
   * A label left a version. Where `now` is absent, nothing carries it, as far as Langfuse's API says or other versions
   * cannot be; `unknown`: it may have gone to a version whose event is missing; `newer`: there must be a newer version
   * that is not known.
   */
  | ({ kind: 'label-removed'; label: string; from: number; now?: 'unknown' | 'newer' } & Deed)
  | ({ kind: 'tags-changed'; added: string[]; removed: string[]; omitted?: number } & Deed)
  /** `labels`: what the deleted versions carried. `whole`: no known version is left. */
  | ({ kind: 'deleted'; versions: number[]; labels: string[]; whole: boolean; omitted?: number } & Deed)
  /** The state before was unknown: says what is, claims nothing about before. */
  | ({ kind: 'first-seen'; version: number; labels: string[]; omitted?: number } & Deed)
  /** Nothing visible changed; kept, not sent. */
  | { kind: 'unchanged' }
  /** `monitorId`: Langfuse's own id of the monitor, the same in an alert and its recovery. */
  | { kind: 'alert'; severity: string; monitorId: string }
  | { kind: 'recovered'; severity: string; monitorId: string }
  | { kind: 'notification'; eventType: string; severity: string }
  | { kind: 'unrecognised' }
  /** Traces and observations of one name within a short time. Times of the first and last, epoch milliseconds. */
  | {
      kind: 'error-trace' | 'trace'
      name: string
      count: number
      firstAt: number
      lastAt: number
      isLeast?: true
      rows?: number[]
    }
  /** Scores of one name within a short time; `lowest` and `highest` of those that are numbers. */
  | {
      kind: 'score'
      name: string
      count: number
      firstAt: number
      lastAt: number
      lowest: number | null
      highest: number | null
      /** More may have matched than could be looked at. */
      isLeast?: true
      /** Places among the change's observed rows that a rule matched; absent: all. */
      rows?: number[]
    }
  /**
   * Somebody asked to look at a trace, an observation of it, or a session. `confirmed`: Langfuse's API knows it; without
   * API keys nobody was asked. `withheld`: it was asked and knows nothing of it, or never answered; no rule holds then.
   */
  | {
      kind: 'trace-callback'
      traceId: string | null
      observationId: string | null
      sessionId: string | null
      confirmed: boolean
      withheld?: 'not-found' | 'no-answer'
    }
  /** The relay's own trouble: deliveries to a target that will not be tried again by themselves. */
  | { kind: 'given-up'; target: string; count: number }
  /** The relay's own trouble too: its events could not be interpreted, in so many tries. */
  | { kind: 'undescribed'; failures: number; events: number }
  /**
   * What goes wrong around the relay, and the end of it: no signed event although prompts changed, signatures of an
   * unknown secret, a target that keeps failing, a secret that signs for a second project, changes that do not settle.
   * `since`: epoch milliseconds, the same in both.
   */
  | {
      kind: 'trouble' | 'trouble-over'
      what: 'quiet' | 'signatures' | 'target' | 'secret' | 'overdue'
      target: string | null
      since: number
      /** Of `secret`: its last four characters, the project it was used for, and the one it signs for now. */
      secret?: { hint: string; projectId: string; otherId: string }
    }

export type FactKind = Fact['kind']

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
  /** Deleted, but no event said so: a later event of it shows that it is not. */
  presumed?: true
  /** Labels that left it for a version that is not known. */
  strayed?: string[]
}

/** A prompt event with the id under which it is stored. */
export type StoredPromptEvent = Omit<PromptEvent, 'text' | 'config'> & {
  eventId: string
  occurredAt: number
  /** No event, but what Langfuse's API answered: it overrules a deletion. */
  isRead?: true
}

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

/** What Langfuse's API says of a trace, or of the traces of a session. */
export interface TraceFacts {
  name: string | null
  user: string | null
  environment: string | null
  /** The worst of its observations: `DEBUG`, `DEFAULT`, `WARNING`, `ERROR`. */
  level: string | null
  /** From the start of the first observation to the end of the last. */
  latencyMs: number | null
  /** USD. */
  cost: number | null
  observations: number
  /** There are more than were read, so that nothing can be summed up. */
  isLeast?: true
  /** Epoch milliseconds. */
  startedAt: number | null
}

/** The alert that a recovery ended. */
export interface EndedAlert {
  /** The first change of the alert that is known; it may have been repeated and have changed its severity since. */
  changeId: string
  title: string
  /** When its monitor first saw it, epoch milliseconds. */
  since: number
  forMs: number
}

/** How many facts, and names of the lists of `prompt`, are left out (`detail-bounds.ts`). Absent: none. */
export interface Omitted {
  facts?: number
  labels?: number
  labelsBefore?: number
  tags?: number
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
  /** The whole name of a prompt, where `subject` is only what stands for it in an index. */
  name?: string
  /** What a signed body of unknown shape did not fit. */
  problems: string[]
  /** Traces, observations or scores that the change tells of: the first 20, and the first for each rule. */
  observed?: ObservedRow[]
  /** Of a callback, as far as Langfuse's API confirmed it. */
  trace?: TraceFacts
  /** Of a recovery, where its alert is known. */
  alert?: EndedAlert
  /** What several people did one after another, where the outcome (`facts`) does not show it; each with `by`. */
  steps?: Fact[]
  /** A version carries `production` again: the newest change that said that none does, or that none is known to. */
  ends?: { changeId: string; title: string }
  /** While it settles: the change of the same prompt that settles before it. */
  behind?: string
  /** The W3C trace context of its settling; absent where tracing is off. */
  traceparent?: string
  /** Ids of events older than the known state, which therefore changed nothing. */
  stale: string[]
  omitted?: Omitted
  /** Of one that could not be described: the change that its events were interpreted as later. */
  reinterpretedAs?: string
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
  /** Prompt name, monitor title, resource, …: at most 600 characters. Of a longer name, what `indexable` gives. */
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

/** What a change is about, by its whole name. */
export const wholeName = ({ subject, detail }: Pick<Change, 'subject' | 'detail'>): string =>
  detail.name ?? subject

/** Whose doing a fact is; null: not known. Of a change by several people, each fact has its own. */
export function authorOf(fact: Fact, { actor }: Pick<Change, 'actor'>): string | null {
  if ('revealed' in fact && fact.revealed === true) return null
  return 'by' in fact && fact.by !== undefined ? fact.by : actor
}

/** All who did something in a change, the one of its first fact first; empty: nobody is known. */
export function authorsOf({
  actor,
  detail,
}: Pick<Change, 'actor'> & { detail: Pick<Change['detail'], 'facts' | 'steps'> }): string[] {
  const all = [...detail.facts, ...(detail.steps ?? [])].map((fact) => authorOf(fact, { actor }))
  return [...new Set([actor, ...all].flatMap((one) => one ?? []))]
}

/** The labels that a fact is about. */
export function labelsOf(fact: Fact): readonly string[] {
  if ('label' in fact) return [fact.label]
  return 'labels' in fact ? fact.labels : []
}
