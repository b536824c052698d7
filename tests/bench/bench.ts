import { setTimeout as sleep } from 'node:timers/promises'
import type { BodyPlan, PlannedEvent } from './bodies.ts'
import type { LoadResult, LoadTask } from './load.ts'
import type { Results } from './results.ts'
import type { Engine } from './stores.ts'
import type { SubjectName } from './subjects.ts'
import type { Arrival, TargetsAnswer, TargetsTask } from './targets.ts'
import type { Worker } from './worker.ts'

/** What every part of the bench works with. */
export interface Bench {
  results: Results
  load: Worker<LoadTask, LoadResult>
  targets: Worker<TargetsTask, TargetsAnswer>
  /** Slack and GitHub, as the environment of an app names them. */
  targetEnv: Record<string, string>
  /** Those that answer on this machine. */
  subjects: SubjectName[]
  engines: Engine[]
  /** From 0. */
  round: number
  /** Below 1 for a quick run: shortens what is measured for a time. */
  scale: number
}

/** Each round begins with another one, so that no place in the order is always the same subject's. */
export const rotated = <T>(items: readonly T[], round: number): T[] => {
  const first = items.length === 0 ? 0 : round % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}

/** The first version of a prompt: no other event of its edit is to be waited for. */
export const firstVersion: PlannedEvent = { action: 'created', version: 1, labels: ['latest'] }

/** About a new prompt: which version had `latest` is unknown, so its whole quiet window passes. */
export const strangeVersion: PlannedEvent = { action: 'created', version: 7, labels: ['latest'] }

let tags = 0
/** Bodies that no other plan of this process has. */
export const planFor = (count: number, ...events: PlannedEvent[]): BodyPlan => ({
  tag: `${(++tags).toString(36)}x`,
  count: Math.ceil(count),
  events,
})

/** Throws unless every answer was 2xx: numbers of refused requests say nothing. */
export function mustSucceed(result: LoadResult, what: string): LoadResult {
  const bad = Object.entries(result.statuses).filter(([status]) => !status.startsWith('2'))
  if (bad.length > 0) throw new Error(`${what}: ${bad.map(([status, n]) => `${n} × ${status}`).join(', ')}`)
  return result
}

/** What came at the stand-ins, once it is `count` and no more is to come; throws after a minute. */
export async function untilArrived(
  { targets }: Bench,
  count: number,
  isMeant: (arrival: Arrival) => boolean,
): Promise<Arrival[]> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    if ((await targets.ask({ kind: 'count' })).count >= count) {
      const arrivals = (await targets.ask({ kind: 'arrivals' })).arrivals.filter(isMeant)
      if (arrivals.length >= count) return arrivals
    }
    await sleep(20)
  }
  throw new Error(`Fewer than ${count} messages came within a minute`)
}
