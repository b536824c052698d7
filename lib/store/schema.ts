import type { Incident } from '../core/change/incident.ts'
import type { HttpClass } from '../core/list/filter.ts'
import type { CountedKind } from '../core/reconcile/state.ts'

/**
 * The tables, in the one form that SQLite and Postgres share: text ids, times as epoch milliseconds, JSON as text, raw
 * bodies as bytes (`\u0000` and lone surrogates break `text` and `jsonb`), flags as 0 or 1. Not here: `search`, which
 * differs by engine, and `migrations`.
 */
export interface Database {
  events: EventRow
  changes: ChangeRow
  prompt_versions: PromptVersionRow
  settle_failures: SettleFailureRow
  deliveries: DeliveryRow
  attempts: AttemptRow
  rejections: RejectionRow
  targets: TargetRow
  callback_pace: CallbackPaceRow
  request_budget: RequestBudgetRow
  login_failures: LoginFailureRow
  ended_sessions: EndedSessionRow
  change_facets: ChangeFacetRow
  replays: ReplayRow
  polls: PollRow
  polled: PolledRow
  usage: UsageRow
  dismissals: DismissalRow
  write_probe: WriteProbeRow
  delivery_orders: DeliveryOrderRow
  gathered_deliveries: GatheredDeliveryRow
  target_limits: TargetLimitRow
  looks: LookRow
  prompt_looks: PromptLookRow
  reconcile_counts: ReconcileCountRow
  /** SQLite only. */
  search_words: { word: string }
}

/**
 * The names of all columns of a row; a missing one does not compile. Read in place of `*`, because a statement that Postgres
 * has prepared breaks ("cached plan must not change result type") when a newer version adds a column to the table.
 */
const all = <Row>(columns: Record<keyof Row & string, 1>) => Object.keys(columns) as (keyof Row & string)[]

export interface EventRow {
  id: string
  source: string
  /** Unique: the source's own id of the event, or a hash of what identifies it. */
  dedupe_key: string
  /** Two automations that send the same edit give their events different ids, but the same twin key. */
  twin_key: string | null
  change_id: string
  type: string
  action: string | null
  project_id: string | null
  subject: string
  version: number | null
  /** The source's time of the event. */
  occurred_at: number
  received_at: number
  /** JSON: allow-listed headers only, never the signature. */
  headers: string
  /**
   * How the request was authenticated (of webhooks: `v1` or `bare`, as `signedForOf` reads it), and the last four characters
   * of the secret that matched.
   */
  signature: string
  secret_hint: string
  size: number
  body: Uint8Array
}

export interface ChangeRow {
  id: string
  /** Unique, so that one prompt has one open change; null once settled. */
  open_key: string | null
  kind: string
  status: 'settling' | 'settled'
  project_id: string | null
  subject: string
  version: number | null
  title: string
  actor: string | null
  danger: number
  test: number
  /** JSON `ChangeDetail`. */
  detail: string
  event_count: number
  opened_at: number
  /** The end of the quiet window, when it settles at the latest. */
  due_at: number
  /** When settling looks at it next; null once settled. */
  next_at: number | null
  settled_at: number | null
}

export const changeColumns = all<ChangeRow>({
  id: 1,
  open_key: 1,
  kind: 1,
  status: 1,
  project_id: 1,
  subject: 1,
  version: 1,
  title: 1,
  actor: 1,
  danger: 1,
  test: 1,
  detail: 1,
  event_count: 1,
  opened_at: 1,
  due_at: 1,
  next_at: 1,
  settled_at: 1,
})

/** A change that failed to settle. Pruning deletes the row some time after the change settled. */
export interface SettleFailureRow {
  change_id: string
  /** Consecutive. */
  failures: number
  first_at: number
  last_at: number
  /** The message of the newest error. */
  reason: string
}

export interface PromptVersionRow {
  project_id: string
  name: string
  version: number
  prompt_id: string | null
  labels: string
  tags: string
  prompt_type: string | null
  commit_message: string | null
  created_by: string | null
  updated_at: number | null
  deleted: number
  /**
   * 1: its deletion was inferred, not reported by an event; null: an older version wrote the row and may have inferred it.
   */
  presumed?: number | null
  /** JSON, as `VersionState.strayed`; null: none. */
  strayed?: string | null
  /** JSON `{text, config}` as UTF-8 bytes; null: no event contained it. */
  content: Uint8Array | null
  /** The event whose body has a newer text than `content`, until it is copied; null: nothing to copy. */
  content_event: string | null
  /**
   * When pruning first saw that it is deleted, epoch milliseconds; null: it is not deleted, or pruning has not run since.
   */
  deleted_at: number | null
  /** When Langfuse's API last said that it is so, epoch milliseconds; null: only webhooks have said so. */
  read_at: number | null
}

export const promptVersionColumns = all<PromptVersionRow>({
  project_id: 1,
  name: 1,
  version: 1,
  prompt_id: 1,
  labels: 1,
  tags: 1,
  prompt_type: 1,
  commit_message: 1,
  created_by: 1,
  updated_at: 1,
  deleted: 1,
  presumed: 1,
  strayed: 1,
  content: 1,
  content_event: 1,
  deleted_at: 1,
  read_at: 1,
})

export type DeliveryStatus =
  | 'queued'
  | 'sending'
  | 'retrying'
  | 'delivered'
  | 'failed'
  | 'skipped'
  /** It would have been sent, but the relay runs dry. */
  | 'dry-run'
  | 'cancelled'

export interface DeliveryRow {
  /** Also the idempotency key for targets that take one. */
  id: string
  change_id: string
  target: string
  status: DeliveryStatus
  /** The rule that matched, or the clause of the rule that did not. */
  rule: string
  /** JSON: the fact that the rule matched, which the message is about; `null`: none. */
  fact: string
  /** Counts every claim and is never reset: only the result of the newest attempt is accepted. */
  attempt: number
  /** Failures since it was last queued: the position in the retry schedule. */
  failures: number
  /** When it is due; while `sending`, the end of the lease; null: it has ended. */
  next_at: number | null
  reason: string | null
  created_at: number
  finished_at: number | null
  /** Of the newest attempt; `none`: there was no answer. Null: not tried yet. */
  http_class: HttpClass | null
}

export const deliveryColumns = all<DeliveryRow>({
  id: 1,
  change_id: 1,
  target: 1,
  status: 1,
  rule: 1,
  fact: 1,
  attempt: 1,
  failures: 1,
  next_at: 1,
  reason: 1,
  created_at: 1,
  finished_at: 1,
  http_class: 1,
})

export type AttemptOutcome = 'delivered' | 'retry' | 'wait' | 'failed' | 'dry-run'

export interface AttemptRow {
  delivery_id: string
  number: number
  started_at: number
  duration_ms: number
  outcome: AttemptOutcome
  status_code: number | null
  reason: string | null
  /** The first few KB of each. */
  request: string | null
  response: string | null
}

export const attemptColumns = all<AttemptRow>({
  delivery_id: 1,
  number: 1,
  started_at: 1,
  duration_ms: 1,
  outcome: 1,
  status_code: 1,
  reason: 1,
  request: 1,
  response: 1,
})

export interface RejectionRow {
  id: string
  at: number
  door: string
  status_code: number
  reason: string
  /** A sentence with the numbers: "412 s old, limit 300 s". */
  message: string
  method: string
  address: string | null
  user_agent: string | null
  size: number
  /** The first 2 KB. */
  head: Uint8Array
}

export const rejectionColumns = all<RejectionRow>({
  id: 1,
  at: 1,
  door: 1,
  status_code: 1,
  reason: 1,
  message: 1,
  method: 1,
  address: 1,
  user_agent: 1,
  size: 1,
  head: 1,
})

/** The state of a target, shared by all instances. */
export interface TargetRow {
  name: string
  /** Consecutive temporary failures. */
  failures: number
  /** The circuit is open until then; null: closed. */
  open_until: number | null
  /** How often it opened since it last closed: each time doubles the wait. */
  opened: number
  /** The next free slot of its pace. */
  next_slot_at: number
  announced_at: number | null
}

export const targetColumns = all<TargetRow>({
  name: 1,
  failures: 1,
  open_until: 1,
  opened: 1,
  next_slot_at: 1,
  announced_at: 1,
})

/** How much may be sent to a target that answered with a rate limit (`rate-limit.ts`). No row: no limit. */
interface TargetLimitRow {
  target: string
  since: number | null
  until: number | null
  waits: number
  send_window: number
}

/** The position of a delivery among those to its target that open and end the same incident (`incident.ts`). */
export interface DeliveryOrderRow {
  delivery_id: string
  target: string
  key: string
  /** `follows`: it only has to keep its order; what was delivered after it does not contradict it. */
  role: Incident['role'] | 'follows'
  /** When it happened, epoch milliseconds; ties are ordered by id. */
  at: number
}

/** A delivery of a reconciled change, which goes out with others where there are many (`storm.ts`). */
interface GatheredDeliveryRow {
  delivery_id: string
}

export const deliveryOrderColumns = all<DeliveryOrderRow>({
  delivery_id: 1,
  target: 1,
  key: 1,
  role: 1,
  at: 1,
})

/** By which a filtered list finds a settled change (`facets.ts`). */
export interface ChangeFacetRow {
  facet: string
  change_id: string
}

/** A replay of all changes that match a filter, done in the background. */
export interface ReplayRow {
  id: string
  /** The list's filter, as in an address. */
  filter: string
  mode: 'as-it-was' | 'todays-rules'
  /** How many changes matched when the replay was requested, and the newest of them. */
  total: number
  until: string
  /** The last change that is done. */
  after: string
  done: number
  /** Deliveries that were queued, and those that were left as they are. */
  queued: number
  left: number
  created_at: number
  /** When it is due; while an instance works on it, the end of the lease; null: it has ended. */
  next_at: number | null
  /** Counts every claim; only the newest continues. */
  claim: number
  finished_at: number | null
  cancelled: number
}

export const replayColumns = all<ReplayRow>({
  id: 1,
  filter: 1,
  mode: 1,
  total: 1,
  until: 1,
  after: 1,
  done: 1,
  queued: 1,
  left: 1,
  created_at: 1,
  next_at: 1,
  claim: 1,
  finished_at: 1,
  cancelled: 1,
})

/** The progress of work that one instance at a time does: reading Langfuse's API, the watch. */
export interface PollRow {
  name: string
  /** When it is due; while an instance works on it, the end of the lease. */
  next_at: number
  /** Counts every claim; only the newest continues. */
  claim: number
  /** JSON: `PollState` or `WatchState`. */
  state: string
}

/** An observation or score that was read, kept for as long as it may be read again. */
export interface PolledRow {
  /** A hash of its ids. */
  key: string
  /** Its start. */
  at: number
  /** Of its reported content. */
  hash: string
  /** 1: a rule matched it, and it became an event. */
  told: number
  /** JSON `Usage`, as it was counted; null: not counted. */
  usage: string | null
}

export const polledColumns = all<PolledRow>({ key: 1, at: 1, hash: 1, told: 1, usage: 1 })

/** The usage of generations by day, model and environment. */
export interface UsageRow {
  project_id: string
  /** `2026-08-21`, UTC. */
  day: string
  model: string
  environment: string
  generations: number
  input: number
  output: number
  total: number
  /** 1e-9 USD. */
  nano_usd: number
}

/**
 * A failed delivery that someone dismissed, so that it no longer counts as an open failure. Valid for that `attempt` only:
 * if it is replayed and fails again, it is open again.
 */
export interface DismissalRow {
  delivery_id: string
  attempt: number
  at: number
  /** Null: not known. */
  actor: string | null
}

/** What the store probe wrote last. One row. */
interface WriteProbeRow {
  name: string
  at: number
  body: Uint8Array
}

/** Recent callbacks of an address, about an item, or of all callers with or without the token. */
export interface CallbackPaceRow {
  key: string
  /** The end of the counted period. */
  until: number
  count: number
  /** For an item: when an event about it was last stored; 0: never. */
  taken_at: number
}

/** Requests to Langfuse for one project, in the minute that began with the first of them. */
export interface RequestBudgetRow {
  /** Of the project's keys. */
  name: string
  /** The end of the minute. */
  until: number
  requests: number
  /** Of these, requests for callbacks without the token. */
  strangers: number
}

export interface LoginFailureRow {
  id: string
  address: string
  at: number
}

/** A session that was logged out, until its cookie expires. */
export interface EndedSessionRow {
  id: string
  expires_at: number
}

/** Comparing one project with Langfuse. Its lease is in `polls`. */
export interface LookRow {
  base_url: string
  project_id: string
  /** JSON `LookState`, written by the instance that compares; the other columns are written by any. */
  state: string
  /** JSON `LookRequest`: a full look is wanted; null: none is. */
  requested: string | null
  /** When a person last confirmed that many versions are gone. */
  confirmed_at: number | null
  /** JSON `Outage`: when the endpoint last answered with a server error; null: never, or long ago. */
  outage: string | null
}

export const lookColumns = all<LookRow>({
  base_url: 1,
  project_id: 1,
  state: 1,
  requested: 1,
  confirmed_at: 1,
  outage: 1,
})

/** What looks know of one prompt beyond its versions. */
export interface PromptLookRow {
  project_id: string
  name: string
  /** Null: the same as `name`, which is `indexable`. */
  full_name: string | null
  /** The numbers of the look that last listed it, and of the listing of a label that did. 0: none. */
  seen: number
  labelled: number
  /** JSON `Doubt`; null: none. */
  doubt: string | null
  /** When the doubt is to be settled; null: there is none. */
  due_at: number | null
}

/** How many differences looks found on one day; they outlive the changes that reported them. */
export interface ReconcileCountRow {
  project_id: string
  /** `2026-11-27`, UTC. */
  day: string
  what: CountedKind
  count: number
  /** Of what was found: when it happened, as far as that is known. */
  first_at: number
  last_at: number
}
