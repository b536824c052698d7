import type { Incident } from '../core/change/incident.ts'
import type { HttpClass } from '../core/list/filter.ts'

/**
 * The tables, in the one form that SQLite and Postgres share: text ids, times as epoch milliseconds,
 * JSON as text, raw bodies as bytes (`\u0000` and lone surrogates break `text` and `jsonb`), flags as 0 or 1.
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
  target_limits: TargetLimitRow
  /** SQLite only. */
  search_words: { word: string }
}

/**
 * The names of all columns of a row: one that is missing here does not compile. They are read in place of `*`, because a
 * statement that Postgres has prepared breaks ("cached plan must not change result type") when a newer version adds a
 * column to the table.
 */
const all = <Row>(columns: Record<keyof Row & string, 1>) => Object.keys(columns) as (keyof Row & string)[]

export interface EventRow {
  id: string
  source: string
  /** Unique. The source's own id of the event, or a hash of what makes it one. */
  dedupe_key: string
  /** The same edit as told through another automation has the same key (§1.4 of Langfuse's facts). */
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
  /** JSON, allow-listed names only; never a signature. */
  headers: string
  /** How it was signed (`v1`, `bare`) and the last four characters of the secret that matched. */
  signature: string
  secret_hint: string
  size: number
  body: Uint8Array
}

export interface ChangeRow {
  id: string
  /** Unique while the change is open, so that one prompt has one open change; null once settled. */
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
  /** The end of the quiet window: settles then at the latest. */
  due_at: number
  /** When settle looks at it next; null once settled. */
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

/** A change that failed to settle, until some time after it settled. */
export interface SettleFailureRow {
  change_id: string
  /** How often in a row. */
  failures: number
  first_at: number
  last_at: number
  /** The newest error, in its own words. */
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
  /** 1: no event told its deletion; null: an older version wrote the row and may have inferred it. */
  presumed?: number | null
  /** JSON, as `VersionState.strayed`; null: none. */
  strayed?: string | null
  /** JSON `{text, config}` as UTF-8 bytes; null when no event has told it. */
  content: Uint8Array | null
  /** The event in whose body the text still is, newer than `content`; null: it is copied. */
  content_event: string | null
  /** Since when pruning knows that it is deleted, epoch milliseconds; null: it is not, or pruning has not seen it yet. */
  deleted_at: number | null
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
})

export type DeliveryStatus =
  | 'queued'
  | 'sending'
  | 'retrying'
  | 'delivered'
  | 'failed'
  | 'skipped'
  /** It would have gone out, but the relay runs dry. */
  | 'dry-run'
  | 'cancelled'

export interface DeliveryRow {
  /** Also the idempotency key at targets that take one. */
  id: string
  change_id: string
  target: string
  status: DeliveryStatus
  /** The rule that wanted it, or the clause that said no. */
  rule: string
  /** JSON: the fact that the rule matched (`null` for none), which is what the target tells. */
  fact: string
  /** Counts every claim, for ever: a result is only taken from the newest. */
  attempt: number
  /** Counts failures since it was queued (again): the place in the retry schedule. */
  failures: number
  /** Due then; while `sending`, the end of the lease; null when nothing more will happen. */
  next_at: number | null
  reason: string | null
  created_at: number
  finished_at: number | null
  /** Of the newest attempt; `none`: no answer came. Null: not tried yet. */
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
  /** What was sent and what came back, first few KB. */
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
  /** A sentence with its numbers: "412 s old, limit 300 s". */
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

/** What is known at run time of a target, across all instances. */
export interface TargetRow {
  name: string
  /** Temporary failures in a row. */
  failures: number
  /** Circuit open until then; null: closed. */
  open_until: number | null
  /** How often it opened in a row: doubles the wait. */
  opened: number
  /** The next free place in its pace. */
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

/** What a target leaves to be sent to it since it asked for time (`rate-limit.ts`). No row: what comes. */
interface TargetLimitRow {
  target: string
  since: number | null
  until: number | null
  waits: number
  send_window: number
}

/** The place of a delivery among those to its target that open and end the same incident (`incident.ts`). */
export interface DeliveryOrderRow {
  delivery_id: string
  target: string
  key: string
  /** `follows`: only the order matters, whatever was delivered after it. */
  role: Incident['role'] | 'follows'
  /** When it happened, epoch milliseconds; of equal ones the id tells. */
  at: number
}

export const deliveryOrderColumns = all<DeliveryOrderRow>({
  delivery_id: 1,
  target: 1,
  key: 1,
  role: 1,
  at: 1,
})

/** What a settled change is found by in lists (`facets.ts`). */
export interface ChangeFacetRow {
  facet: string
  change_id: string
}

/** A replay of all changes that match a filter, worked off by the loop. */
export interface ReplayRow {
  id: string
  /** The filter of the list, as an address tells it. */
  filter: string
  mode: 'as-it-was' | 'todays-rules'
  /** How many changes matched when it was asked for, and the newest of them. */
  total: number
  until: string
  /** How far it is: the last change that was dealt with. */
  after: string
  done: number
  /** Deliveries that were queued, and those that were left as they are. */
  queued: number
  left: number
  created_at: number
  /** Due then; while it is worked on, the end of the lease; null once it has ended. */
  next_at: number | null
  /** Counts every claim: only the newest goes on. */
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

/** How far the reading of Langfuse's API is. */
export interface PollRow {
  name: string
  /** Due then; while it is read, the end of the lease. */
  next_at: number
  /** Counts every claim: only the newest goes on. */
  claim: number
  /** JSON `PollState`. */
  state: string
}

/** An observation or score that was read, for as long as it may be read again. */
export interface PolledRow {
  /** A hash of its ids. */
  key: string
  /** When it began. */
  at: number
  /** Of what was told of it. */
  hash: string
  /** 1: a rule wanted it, and it became an event. */
  told: number
  /** JSON `Usage`, as it was counted; null: not counted. */
  usage: string | null
}

export const polledColumns = all<PolledRow>({ key: 1, at: 1, hash: 1, told: 1, usage: 1 })

/** What generations used, for each day, model and environment. */
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
 * A delivery that was given up and that somebody dismissed: it counts as an open failure no longer. Holds for that
 * `attempt` of the delivery only: replayed and given up again, it is open again.
 */
export interface DismissalRow {
  delivery_id: string
  attempt: number
  at: number
  /** Null: not known. */
  actor: string | null
}

/** What the write probe wrote last, to see whether the store takes writes. One row. */
interface WriteProbeRow {
  name: string
  at: number
  body: Uint8Array
}

/** How much an address, an item, or all with or without the token called back lately. */
export interface CallbackPaceRow {
  key: string
  /** Counted until then. */
  until: number
  count: number
  /** Of an item: when it was last stored; 0: not yet. */
  taken_at: number
}

/** The requests of one project to Langfuse, in the minute that began with the first of them. */
export interface RequestBudgetRow {
  /** Of its keys. */
  name: string
  /** The end of the minute. */
  until: number
  requests: number
  /** Of these, for callbacks that did not show the token. */
  strangers: number
}

export interface LoginFailureRow {
  id: string
  address: string
  at: number
}

/** A session that was logged out of before its cookie expires. */
export interface EndedSessionRow {
  id: string
  expires_at: number
}
