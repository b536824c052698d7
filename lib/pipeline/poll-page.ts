import { newId } from '../base/id.ts'
import { isObserved } from '../core/change/observed.ts'
import { asUpdate, type FlatBody, hashOf, keyOf, type Usage, usageOf } from '../core/polling/rows.ts'
import type { Rule } from '../core/rules/rules.ts'
import { openPolled, type PolledEvent } from '../langfuse/polled.ts'
import type { EventSource } from '../langfuse/stored.ts'
import { chunksOf } from '../store/chunks.ts'
import type { Db } from '../store/client.ts'
import type { EventRow, PolledRow } from '../store/schema.ts'
import { insertEvents, parametersOfEvent, storedEvents } from '../store/tables/events.ts'
import { addUsage, polledRows, savePolled } from '../store/tables/polls.ts'
import { addToBursts, type BurstEntry, rulesFor } from './settle/bursts.ts'

/** Events that are kept of one burst. */
const maxKept = 100

interface PageDeps {
  rules: readonly Rule[]
  now: () => number
  coolDownMs: number
}

interface Seen {
  row: PolledRow
  /** Null: nothing to tell. */
  event: PolledEvent | null
  counted: { usage: Usage; sign: 1 | -1 }[]
}

/**
 * Stores one page in the caller's transaction: what is new or changed is counted, and becomes an event where a rule
 * wants it. What was read before changes nothing.
 */
export async function storePage(
  trx: Db,
  bodies: FlatBody[],
  { rules, now, coolDownMs }: PageDeps,
): Promise<void> {
  // Newest first on the page; told in the order in which it happened.
  const byKey = new Map(bodies.toReversed().map((body) => [keyOf(body), body]))
  const known = await polledRows(trx, [...byKey.keys()])
  const seen = [...byKey].flatMap(([key, body]) => look(key, body, known.get(key), rules) ?? [])
  await savePolled(
    trx,
    seen.map(({ row }) => row),
  )
  const [first] = bodies
  if (first)
    await addUsage(
      trx,
      first.data.projectId,
      seen.flatMap(({ counted }) => counted),
    )
  const events = seen.flatMap(({ event }) => event ?? [])
  for (const some of chunksOf(events, parametersOfEvent))
    await storeEvents(trx, some, { rules, coolDownMs, maxKept }, now())
}

/** Null: nothing about it is new. */
function look(
  key: string,
  body: FlatBody,
  known: PolledRow | undefined,
  rules: readonly Rule[],
): Seen | null {
  const hash = hashOf(body)
  if (known?.hash === hash) return null
  const usage = usageOf(body)
  const before = known?.usage ? (JSON.parse(known.usage) as Usage) : null
  const event = eventOf(body, known, rules)
  const told =
    known?.told === 1 || (event !== null && isObserved(event.parsed) && event.parsed.action === 'created')
  return {
    row: {
      key,
      at: Date.parse(body.timestamp),
      hash,
      told: told ? 1 : 0,
      usage: usage && JSON.stringify(usage),
    },
    event,
    counted: [
      ...(before ? [{ usage: before, sign: -1 as const }] : []),
      ...(usage ? [{ usage, sign: 1 as const }] : []),
    ],
  }
}

/** A row that no rule wanted before is told for the first time when one does: an error may come with an update. */
function eventOf(body: FlatBody, known: PolledRow | undefined, rules: readonly Rule[]): PolledEvent | null {
  const wanted = (one: FlatBody | null): PolledEvent | null => {
    const event = one && openPolled(one)
    return event && isObserved(event.parsed) && rulesFor(rules, event.parsed).length > 0 ? event : null
  }
  return (known?.told === 1 ? null : wanted(body)) ?? (known ? wanted(asUpdate(body)) : null)
}

async function storeEvents(
  trx: Db,
  events: PolledEvent[],
  bursts: { rules: readonly Rule[]; coolDownMs: number; maxKept: number },
  now: number,
): Promise<void> {
  // The same may have come through the signed door.
  const dedupeKeys = events.map(({ dedupeKey }) => dedupeKey)
  const { events: stored } = await storedEvents(trx, { dedupeKeys, twinKeys: [] })
  const wanted = events.flatMap((of): BurstEntry<PolledEvent>[] =>
    isObserved(of.parsed) && !stored.has(of.dedupeKey) ? [{ of, event: of.parsed, test: false }] : [],
  )
  const changes = await addToBursts(trx, wanted, bursts, now)
  const rows = [...changes].map(([event, changeId]) => eventRow(event, changeId, now))
  if (rows.length > 0) await insertEvents(trx, rows)
}

const eventRow = (event: PolledEvent, changeId: string, now: number): EventRow => ({
  id: newId('evt', now),
  source: 'langfuse-api' satisfies EventSource,
  dedupe_key: event.dedupeKey,
  twin_key: null,
  change_id: changeId,
  type: event.parsed.type,
  action: isObserved(event.parsed) ? event.parsed.action : null,
  project_id: event.parsed.projectId,
  subject: event.subject,
  version: null,
  occurred_at: event.occurredAt,
  received_at: now,
  headers: '{}',
  signature: '',
  secret_hint: '',
  size: event.body.byteLength,
  body: event.body,
})
