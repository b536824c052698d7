import type {
  AttemptRow,
  ChangeRow,
  DeliveryOrderRow,
  DeliveryRow,
  PolledRow,
  PromptVersionRow,
  RejectionRow,
  ReplayRow,
  TargetRow,
} from './schema.ts'

/** All columns of a row: the compiler misses one that is not here. */
const all = <Row>(columns: Record<keyof Row & string, 1>) => Object.keys(columns) as (keyof Row & string)[]

/**
 * What is read where a whole row is wanted, in place of `*`: a statement that Postgres has prepared breaks ("cached plan
 * must not change result type") when a newer version adds a column to the table.
 */
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
export const deliveryOrderColumns = all<DeliveryOrderRow>({
  delivery_id: 1,
  target: 1,
  key: 1,
  role: 1,
  at: 1,
})
export const polledColumns = all<PolledRow>({ key: 1, at: 1, hash: 1, told: 1, usage: 1 })
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
export const targetColumns = all<TargetRow>({
  name: 1,
  failures: 1,
  open_until: 1,
  opened: 1,
  next_slot_at: 1,
  announced_at: 1,
})
