import type { PromptEvent } from './event.ts'
import type { ObservedRow } from './observed.ts'

/** Who brought a fact about, where it was not the change's actor. */
interface Authorship {
  /** Absent: the change's actor; null: not known. */
  by?: string | null
  /** It was true before, and an unrelated edit showed it: no event says who did it, or when. */
  revealed?: true
}

/**
 * One thing that is true of a change. A change has one or more: a new version that takes `production` is
 * `version-created` and `promoted` at once. Rules match facts. `omitted`: how many names are left out of its lists.
 */
export type Fact =
  | ({ kind: 'version-created'; version: number; labels: string[]; omitted?: number } & Authorship)
  /** A label moved to a higher version. */
  | ({ kind: 'promoted'; label: string; from: number; to: number } & Authorship)
  /** A label moved to a lower version. */
  | ({ kind: 'rolled-back'; label: string; from: number; to: number } & Authorship)
  /** A label that no known version had. */
  | ({ kind: 'label-added'; label: string; to: number } & Authorship)
  /**
   * A label left a version. `now` absent: no version has it, because Langfuse's API says so or no other version can
   * exist. `unknown`: it may have moved to a version whose event is missing. `newer`: there must be a newer version that
   * is not known.
   */
  | ({ kind: 'label-removed'; label: string; from: number; now?: 'unknown' | 'newer' } & Authorship)
  | ({ kind: 'tags-changed'; added: string[]; removed: string[]; omitted?: number } & Authorship)
  /** `labels`: those of the deleted versions. `whole`: no known version is left. */
  | ({ kind: 'deleted'; versions: number[]; labels: string[]; whole: boolean; omitted?: number } & Authorship)
  /** The earlier state is unknown, so this says what is, not what changed. */
  | ({ kind: 'first-seen'; version: number; labels: string[]; omitted?: number } & Authorship)
  /** Nothing visible changed; kept, not sent. */
  | { kind: 'unchanged' }
  /** `monitorId`: Langfuse's own id of the monitor, the same in an alert and its recovery. */
  | { kind: 'alert'; severity: string; monitorId: string }
  | { kind: 'recovered'; severity: string; monitorId: string }
  | { kind: 'notification'; eventType: string; severity: string }
  | { kind: 'unrecognised' }
  /** Traces and observations with one name within a short time. `firstAt`, `lastAt`: epoch milliseconds. */
  | {
      kind: 'error-trace' | 'trace'
      name: string
      count: number
      firstAt: number
      lastAt: number
      isLeast?: true
      rows?: number[]
    }
  /** Scores with one name within a short time. `lowest`, `highest`: of those that are numbers. */
  | {
      kind: 'score'
      name: string
      count: number
      firstAt: number
      lastAt: number
      lowest: number | null
      highest: number | null
      /** `count` is a lower bound: not all of them could be checked. */
      isLeast?: true
      /** Indexes of the change's observed rows that a rule matched; absent: all. */
      rows?: number[]
    }
  /**
   * Someone asked for a look at a trace, one of its observations, or a session. `confirmed`: Langfuse's API knows it (never
   * without API keys). `withheld`: the API does not know it, or did not answer; then no rule matches.
   */
  | {
      kind: 'trace-callback'
      traceId: string | null
      observationId: string | null
      sessionId: string | null
      confirmed: boolean
      withheld?: 'not-found' | 'no-answer'
    }
  /** Prompts that were not as they were known when a project was first compared with Langfuse. `names`: the first of them. */
  | { kind: 'corrected'; prompts: number; names: string[] }
  /** Deliveries to a target that are not retried any more. */
  | { kind: 'given-up'; target: string; count: number }
  /** Events signed with a webhook secret of one project (its name) that name another (its id). They changed nothing. */
  | { kind: 'wrong-project'; signedFor: string; named: string; events: number }
  /** Events that could not be interpreted after this many tries. */
  | { kind: 'undescribed'; failures: number; events: number }
  /**
   * Something is wrong around the relay, and its end: no signed event although prompts changed, signatures of an unknown
   * secret, a target that keeps failing, a secret that signs for a second project, changes that do not settle; API keys of
   * another project, many deletions at once, webhooks that do not come. `since`: epoch milliseconds, the same in both.
   */
  | {
      kind: 'trouble' | 'trouble-over'
      what: 'quiet' | 'signatures' | 'target' | 'secret' | 'overdue' | 'project' | 'deletions' | 'webhooks'
      target: string | null
      since: number
      /** With `secret`: its last four characters, the project that used it, and the one it signs for now. */
      secret?: { hint: string; projectId: string; otherId: string }
      /**
       * With `project`, `deletions` and `webhooks`: the project by its name in the configuration, and its id and automations
       * in Langfuse. `otherId`: the project of its keys. `versions`: how many are gone. `missed`: how many changes; `some`:
       * webhooks of others come.
       */
      project?: {
        name: string
        isOnly?: boolean
        id: string | null
        url: string | null
        otherId?: string
        versions?: number
        missed?: number
        some?: boolean
      }
    }

export type FactKind = Fact['kind']

/** What is known of one version of a prompt, without its text, which may be megabytes. */
export interface VersionState {
  version: number
  promptId: string | null
  labels: string[]
  tags: string[]
  promptType: string | null
  commitMessage: string | null
  createdBy: string | null
  /** Of the newest event folded in, epoch milliseconds; null: only events in the flat form mentioned it. */
  updatedAt: number | null
  deleted: boolean
  /** Its deletion was inferred; a later event of this version refutes it. */
  presumed?: true
  /** Labels that moved from it to a version that is not known. */
  strayed?: string[]
  /** When Langfuse's API last said that it is so, epoch milliseconds; absent: only webhooks have said so. */
  readAt?: number
}

/** One version as a comparison compared it. Null instead: there is none, or none was known. */
export interface ReconciledState {
  labels: string[]
  tags: string[]
}

/** A prompt event with its id in the store. */
export type StoredPromptEvent = Omit<PromptEvent, 'text' | 'config'> & {
  eventId: string
  occurredAt: number
  /** An answer of Langfuse's API in the form of an event. It overrules a deletion. */
  isRead?: true
  /** It was found by a comparison (`reconciled`), but later changes of the prompt have settled since. */
  isOvertaken?: true
}

/** What changed in a prompt's text and config, small enough to be stored with the change and shown in a message. */
export interface DifferenceSummary {
  fromVersion: number
  toVersion: number
  /** The first changed lines with their context; `cutLines` counts the others. */
  lines: { sign: '+' | '-' | ' '; text: string }[]
  cutLines: number
  /** Names of `{{name}}` variables, and `placeholder:<name>`; `cutVariables` counts those left out of both lists. */
  variablesAdded: string[]
  variablesRemoved: string[]
  cutVariables?: number
  /** Config keys as dotted paths, with their JSON; null: the key is missing. `cutConfig` counts the other keys. */
  config: { key: string; before: string | null; after: string | null }[]
  cutConfig?: number
  /** Characters. */
  sizeBefore: number
  sizeAfter: number
  /** The texts were too large for a line-by-line difference within the time limit. */
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
  /** Not all were read, so there are no sums. */
  isLeast?: true
  /** Epoch milliseconds. */
  startedAt: number | null
}

/** The alert that a recovery ended. */
export interface EndedAlert {
  /** The first known change of the alert, which may have been repeated since, with other severities. */
  changeId: string
  title: string
  /** When its monitor first saw it, epoch milliseconds. */
  since: number
  forMs: number
}

/** How many facts, and names in the lists of `prompt`, are left out (`bounds.ts`). Absent: none. */
export interface Omitted {
  facts?: number
  labels?: number
  labelsBefore?: number
  tags?: number
}

/** What a change says beyond its columns; stored as JSON. */
export interface ChangeDetail {
  facts: Fact[]
  /** The version that the change is mostly about, as it is afterwards. Null: the change is not about a prompt. */
  prompt: {
    version: number
    labels: string[]
    labelsBefore: string[] | null
    tags: string[]
    promptType: string | null
    commitMessage: string | null
    createdBy: string | null
    /** The event of this change with the version's text; null: none has it. */
    eventId: string | null
  } | null
  /** Null: not compared. A string: why there is none. */
  difference: DifferenceSummary | string | null
  /** The text of an alert or notification (Markdown). */
  message: string | null
  links: { label: string; url: string }[]
  environments: string[]
  /** The operator's name for its project, where only the secret of its events showed it, since its id was not known. */
  project?: string
  /** The whole name of a prompt, where `subject` is only its form in an index. */
  name?: string
  /** Why a signed body was not recognised. */
  problems: string[]
  /** The traces, observations or scores of a burst: the first 20, and the first for each rule. */
  observed?: ObservedRow[]
  /** What Langfuse's API says of a callback's trace. */
  trace?: TraceFacts
  /** The alert that a recovery ended, where it is known. */
  alert?: EndedAlert
  /** What several people did in turn, where the outcome (`facts`) does not show it; each with `by`. */
  steps?: Fact[]
  /** `production` is back on a version: the newest change that said that no version has it, or is known to. */
  ends?: { changeId: string; title: string }
  /** While it settles: the change of the same prompt that must settle first. */
  behind?: string
  /** It was found by comparing with Langfuse: no webhook came. */
  reconciled?: {
    /** It happened between these, epoch milliseconds; null: not known since when. */
    from: number | null
    to: number
    /** What the relay knew, and what Langfuse says; `omitted` counts further ones. */
    versions?: { version: number; before: ReconciledState | null; after: ReconciledState | null }[]
    omitted?: number
    /**
     * Its webhook came after all, and says who did it (null: not that) and when. `isPartial`: it is about another fact than
     * the main one. `changeId`: the change of that webhook.
     */
    late?: { by: string | null; at: number; changeId: string; isPartial?: true }
  }
  /** Its webhooks came late: a comparison with Langfuse had found what they say, which is this change. */
  foundBefore?: { changeId: string; title: string }
  /** The W3C trace context of its settling; absent where tracing is off. */
  traceparent?: string
  /** Ids of events older than the known state, which changed nothing. */
  stale: string[]
  omitted?: Omitted
  /** Of a change that could not be described: the change that its events became later. */
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
  /** Prompt name, monitor title, resource, …: at most 600 characters, a longer name as `indexable` shortens it. */
  subject: string
  version: number | null
  /** A sentence: "Maya promoted support/refund-reply v7 to production, was v6". */
  title: string
  actor: string | null
  /** Someone should look: no version has `production`, or an alert fired. */
  danger: boolean
  test: boolean
  detail: ChangeDetail
  eventCount: number
  /** Epoch milliseconds. */
  openedAt: number
  dueAt: number
  settledAt: number | null
}

/** The whole name of what a change is about. */
export const wholeName = ({ subject, detail }: Pick<Change, 'subject' | 'detail'>): string =>
  detail.name ?? subject

/** Who brought a fact about; null: not known. */
export function authorOf(fact: Fact, { actor }: Pick<Change, 'actor'>): string | null {
  if ('revealed' in fact && fact.revealed === true) return null
  return 'by' in fact && fact.by !== undefined ? fact.by : actor
}

/** Everyone who did something in a change, the author of its first fact first; empty: no one is known. */
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
