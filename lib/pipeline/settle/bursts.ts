import { createHash } from 'node:crypto'
import { addToBurst, type Burst, describeBurst } from '../../core/change/burst.ts'
import type { ChangeDetail } from '../../core/change/change.ts'
import type { BurstFact, BurstKind } from '../../core/change/kinds.ts'
import {
  burstKind,
  burstName,
  isObserved,
  type ObservationEvent,
  type ObservedRow,
  rowOf,
  type ScoreEvent,
} from '../../core/change/observed.ts'
import type { Rule } from '../../core/rules/rules.ts'
import { matchesRow } from '../../core/rules/rules.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { growBurst, lastToldBurst, openBurst } from '../../store/tables/bursts.ts'
import { newChange } from '../../store/tables/changes.ts'
import type { Arrival } from '../arrival.ts'
import type { Interpretation } from './interpret.ts'

/** How traces and scores of one name are grouped. */
export interface Bursts {
  /** After a burst was reported, what follows within this time is the next burst, reported at its end; milliseconds. */
  coolDownMs: number
  rules: readonly Rule[]
  /** What the operator calls the project with this id; absent: nothing. */
  nameOf?: (projectId: string) => string | null
  /** Number of events stored for one burst; further ones are only counted, unless they are the first for a rule. */
  maxKept: number
}

/** The arrival of a trace, another observation, or a score. */
type ObservedArrival = Arrival & { event: ObservationEvent | ScoreEvent }

const isOfBurst = (arrival: Arrival): arrival is ObservedArrival => isObserved(arrival.event)

const factAlone = (event: ObservationEvent | ScoreEvent, row: ObservedRow): BurstFact =>
  addToBurst(null, { kind: burstKind(event), name: burstName(event), row, isFirst: true }).fact

/** The rules that match an event on its own. */
export function rulesFor(
  { rules, nameOf }: Pick<Bursts, 'rules' | 'nameOf'>,
  event: ObservationEvent | ScoreEvent,
): Rule[] {
  const row = rowOf(event)
  const fact = factAlone(event, row)
  const { projectId } = event
  const projectName = nameOf?.(projectId) ?? null
  return rules.filter((rule) => matchesRow(rule, { projectId, projectName, fact, row }))
}

interface Group {
  kind: BurstKind
  projectId: string
  name: string
  openKey: string
  arrivals: ObservedArrival[]
}

function groupsOf(arrivals: ObservedArrival[]): Group[] {
  const groups = Map.groupBy(arrivals, ({ event, test, signedFor }) =>
    // `undefined` would leave a null behind: the keys of open bursts must not change with an update.
    JSON.stringify([
      ...[burstKind(event), event.projectId, burstName(event), test],
      ...(signedFor === undefined ? [] : [signedFor]),
    ]),
  )
  return [...groups].flatMap(([key, members]) => {
    const event = members[0]?.event
    if (!event) return []
    const openKey = `burst:${createHash('sha256').update(key).digest('hex')}`
    const { projectId } = event
    return [{ kind: burstKind(event), projectId, name: burstName(event), openKey, arrivals: members }]
  })
}

/**
 * Adds arrivals to the open bursts of their names, in the caller's transaction. Returns the change of each arrival that is
 * to be stored as an event. The first burst of a name settles at once, a further one after its cool-down.
 */
export async function addToBursts(
  trx: Db,
  arrivals: Arrival[],
  bursts: Bursts,
  now: number,
): Promise<Map<Arrival, string>> {
  const kept = new Map<Arrival, string>()
  // Sorted, so that two instances never deadlock.
  for (const group of groupsOf(arrivals.filter(isOfBurst)).toSorted((a, b) =>
    a.openKey < b.openKey ? -1 : 1,
  )) {
    const row = openRow(group, now)
    // A test is to be reported at once, however many were sent before.
    const last = row.test === 1 ? null : await lastToldBurst(trx, row)
    const dueAt = Math.max(now, (last ?? Number.NEGATIVE_INFINITY) + bursts.coolDownMs)
    const open = await openBurst(trx, { ...row, due_at: dueAt, next_at: dueAt })
    const grown = grow(group, open, bursts)
    for (const one of grown.kept) kept.set(one, open.id)
    await growBurst(trx, open.id, {
      detail: JSON.stringify(grown.detail),
      event_count: open.event_count + grown.kept.length,
      title: describeBurst(grown.burst.fact, grown.burst.rows).title,
    })
  }
  return kept
}

const openRow = ({ kind, projectId, name, openKey, arrivals }: Group, now: number): ChangeRow =>
  newChange({ now, kind, projectId, subject: name, openKey, test: arrivals[0]?.test === true })

function grow(
  { kind, name, arrivals }: Group,
  open: Pick<ChangeRow, 'detail' | 'event_count'>,
  { rules, maxKept, nameOf }: Bursts,
): { burst: Burst; kept: Arrival[]; detail: ChangeDetail } {
  const before = JSON.parse(open.detail) as ChangeDetail
  let burst = burstOf(before)
  const kept: Arrival[] = []
  for (const arrival of arrivals) {
    const { event } = arrival
    const row = rowOf(event)
    const { projectId } = event
    const fact = factAlone(event, row)
    const project = { projectId, projectName: arrival.signedFor ?? nameOf?.(projectId) ?? null }
    const rows: ObservedRow[] = burst?.rows ?? []
    const isFirst = rules.some(
      (rule) =>
        matchesRow(rule, { ...project, fact, row }) &&
        !rows.some((one) => matchesRow(rule, { ...project, fact, row: one })),
    )
    burst = addToBurst(burst, { kind, name, row, isFirst })
    if (open.event_count + kept.length < maxKept || isFirst) kept.push(arrival)
  }
  if (!burst) throw new Error('A burst without rows')
  return { burst, kept, detail: { ...before, facts: [burst.fact], observed: burst.rows } }
}

function burstOf({ facts, observed = [] }: ChangeDetail): Burst | null {
  const [fact] = facts
  return fact === undefined ? null : { fact: fact as BurstFact, rows: observed }
}

/** Null: it has no rows. */
export function interpretBurst(row: ChangeRow): Interpretation | null {
  const detail = JSON.parse(row.detail) as ChangeDetail
  const burst = burstOf(detail)
  if (!burst) return null
  const environments = [...new Set(burst.rows.flatMap(({ environment }) => environment ?? []))]
  const described = describeBurst(burst.fact, burst.rows)
  return { ...described, actor: null, version: null, detail: { ...detail, environments } }
}
