import { newId } from '#lib/base/id.ts'
import type { Change, ChangeDetail, Fact } from '#lib/core/change/change.ts'
import { openDatabase } from '#lib/store/client.ts'
import type { AttemptRow, ChangeRow, DeliveryRow, EventRow } from '#lib/store/schema.ts'
import { indexChange, indexErrors } from '#lib/store/search/index-write.ts'
import { newChange, toChange } from '#lib/store/tables/changes.ts'
import { httpClassOf, newDelivery } from '#lib/store/tables/deliveries.ts'
import { type FixtureName, fixture } from '../fixtures.ts'

const minute = 60_000

/** A change to write into a test's store; times are in minutes ago. */
export interface Seed {
  ago: number
  kind: Change['kind']
  subject: string
  title: string
  version?: number
  actor?: string | null
  danger?: boolean
  settling?: boolean
  events?: FixtureName[]
  detail?: Partial<ChangeDetail>
  deliveries?: SeedDelivery[]
}

export interface SeedDelivery {
  target: string
  status: DeliveryRow['status']
  failures?: number
  rule?: string
  reason?: string
  /** In minutes. */
  nextIn?: number
  attempts?: Pick<AttemptRow, 'outcome' | 'status_code' | 'duration_ms' | 'reason' | 'request' | 'response'>[]
}

export interface Seeded {
  changeId: string
  deliveryIds: string[]
  eventIds: string[]
}

/** Writes changes with their events, deliveries and attempts straight into a store. */
export async function seedStore(url: string, seeds: Seed[], now: number): Promise<Seeded[]> {
  const db = await openDatabase(url)
  const seeded: Seeded[] = []
  for (const seed of seeds) {
    const at = now - seed.ago * minute
    const change = changeRow(seed, at, now)
    const events = (seed.events ?? []).map((name) => eventRow(seed, name, change.id, at))
    const deliveries = (seed.deliveries ?? []).map((one) => deliveryRow(one, seed, change.id, at, now))
    const attempts = (seed.deliveries ?? []).flatMap((one, i) =>
      attemptRows(one, deliveries[i]?.id ?? '', at),
    )
    await db.insertInto('changes').values(change).execute()
    if (!seed.settling) await indexChange(db, toChange(change), [])
    if (events.length > 0) await db.insertInto('events').values(events).execute()
    if (deliveries.length > 0) await db.insertInto('deliveries').values(deliveries).execute()
    if (attempts.length > 0) await db.insertInto('attempts').values(attempts).execute()
    await indexErrors(db, [change.id])
    seeded.push({
      changeId: change.id,
      deliveryIds: deliveries.map(({ id }) => id),
      eventIds: events.map(({ id }) => id),
    })
  }
  await db.destroy()
  return seeded
}

function changeRow(seed: Seed, at: number, now: number): ChangeRow {
  const isSettling = seed.settling === true
  const row = newChange({
    now: at,
    openKey: isSettling ? `prompt clproj ${seed.subject}` : null,
    kind: seed.kind,
    projectId: 'cm1q7ayx2000008l2g7rz3v5k',
    subject: seed.subject,
    version: seed.version ?? null,
    title: seed.title,
    actor: seed.actor ?? null,
    danger: seed.danger === true,
    detail: seed.detail ?? {},
    eventCount: Math.max(1, seed.events?.length ?? 1),
    dueAt: at + 2000,
    ...(!isSettling && { isSettled: true }),
  })
  // Far in the future, so that the app's loop leaves it alone.
  return isSettling ? { ...row, next_at: now + 600 * minute } : row
}

function eventRow(seed: Seed, name: FixtureName, changeId: string, at: number): EventRow {
  const body = fixture(name)
  const id = newId('evt', at)
  return {
    id,
    source: 'langfuse-webhook',
    dedupe_key: id,
    twin_key: null,
    change_id: changeId,
    type: 'prompt-version',
    action: 'updated',
    project_id: 'cm1q7ayx2000008l2g7rz3v5k',
    subject: seed.subject,
    version: seed.version ?? null,
    occurred_at: at,
    received_at: at,
    headers: JSON.stringify({ 'content-type': 'application/json', 'user-agent': 'Langfuse/1.0' }),
    signature: 'v1',
    secret_hint: 'c0de',
    size: body.byteLength,
    body,
  }
}

function deliveryRow(one: SeedDelivery, seed: Seed, changeId: string, at: number, now: number): DeliveryRow {
  const hasEnded = ['delivered', 'failed', 'skipped', 'cancelled'].includes(one.status)
  const fact: Fact | undefined = seed.detail?.facts?.[0]
  return {
    ...newDelivery(
      { id: changeId, target: one.target, now: at },
      { status: one.status, rule: one.rule ?? 'all changes to Slack', fact: JSON.stringify(fact ?? null) },
    ),
    attempt: one.attempts?.length ?? 0,
    failures: one.failures ?? 0,
    next_at: hasEnded ? null : now + (one.nextIn ?? 0) * minute,
    reason: one.reason ?? null,
    created_at: at + 2000,
    finished_at: hasEnded ? at + 3000 : null,
    http_class: one.attempts ? httpClassOf(one.attempts.at(-1)?.status_code ?? null) : null,
  }
}

const attemptRows = (one: SeedDelivery, deliveryId: string, at: number): AttemptRow[] =>
  (one.attempts ?? []).map((attempt, i) => ({
    ...attempt,
    delivery_id: deliveryId,
    number: i + 1,
    started_at: at + 2000 + i * 5000,
  }))

/** The detail of a label that moved, as in most changes. */
export function move(label: string, from: number, to: number): Partial<ChangeDetail> {
  return {
    facts: [{ kind: to > from ? 'promoted' : 'rolled-back', label, from, to }],
    prompt: {
      version: to,
      labels: ['latest', label],
      labelsBefore: ['latest'],
      tags: ['support', 'tier-1'],
      promptType: 'text',
      commitMessage: 'Say sorry first, then refund',
      createdBy: 'clu_maya',
      eventId: null,
    },
  }
}
