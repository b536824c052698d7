import { z } from 'zod'
import type { Trouble } from './trouble.ts'

/**
 * Changes whose webhook did not come, between two signed events. `until`: the event after them; null: none has come since.
 */
const gap = z.object({ until: z.number().nullable(), lastAt: z.number(), count: z.number() })

/** What the watch keeps of one project. Times in epoch milliseconds. */
export const projectWatch = z.object({
  name: z.string(),
  /** All changes by then whose webhook should have come and did not. */
  missed: z.number(),
  /** When signed events came, the newest of each run, oldest first. */
  signed: z.array(z.number()),
  gaps: z.array(gap),
  /** Since when its keys belong to another project; null: they do not. */
  otherSince: z.number().nullable(),
})
export type ProjectWatch = z.output<typeof projectWatch>

/** What a run finds of one project. */
export interface ProjectSeen {
  name: string
  /** There is no other, so that it need not be named. */
  isOnly: boolean
  id: string | null
  /** Its automations in Langfuse; null: the address is not known. */
  url: string | null
  /** When the newest event signed for it since the previous run came; null: none. */
  signedAt: number | null
  /** As in `ProjectWatch`, and when the newest of them happened. */
  missed: number
  missedAt: number | null
  /** When the endpoint last failed, or nothing ran: what happened then is explained. */
  away: readonly { from: number; to: number }[]
  /** The project that its keys belong to, if that is not the one they belonged to before. */
  otherId: string | null
  /** Deletions that someone has to confirm. */
  held: { versions: number; since: number } | null
}

const windowMs = 24 * 3_600_000
const maxSigned = 100
const maxGaps = 50
/** Clocks differ, and an answer comes a little after the edit. */
const marginMs = 60_000
/** One lost webhook may be bad luck. */
const missesToReport = 2
const filteredToReport = 3

const isExplained = (at: number, { away }: ProjectSeen): boolean =>
  away.some(({ from, to }) => at >= from - marginMs && at <= to + marginMs)

/** Of the window that ends now; what was noted while the clock was ahead is left out too. */
const isRecent = (at: number, now: number): boolean => at > now - windowMs && at <= now + marginMs

/** The projects after a run. One that is seen for the first time has missed nothing yet. */
export function learnProjects(
  known: readonly ProjectWatch[],
  seen: readonly ProjectSeen[],
  now: number,
): ProjectWatch[] {
  return seen.map((one) => {
    const before = known.find(({ name }) => name === one.name)
    return before ? learn(before, one, now) : fresh(one, now)
  })
}

const fresh = ({ name, missed, signedAt, otherId }: ProjectSeen, now: number): ProjectWatch => ({
  ...{ name, missed, gaps: [] },
  signed: signedAt === null ? [] : [signedAt],
  otherSince: otherId === null ? null : now,
})

function learn(before: ProjectWatch, seen: ProjectSeen, now: number): ProjectWatch {
  const { name, missed, missedAt, signedAt, otherId } = seen
  const last = before.signed.at(-1) ?? Number.NEGATIVE_INFINITY
  const isNew = signedAt !== null && signedAt > last
  const signed = [...before.signed, ...(isNew ? [signedAt] : [])].slice(-maxSigned)
  const closed = before.gaps.map((one) =>
    one.until === null && isNew && signedAt >= one.lastAt ? { ...one, until: signedAt } : one,
  )
  const count = missed - before.missed
  const isFound = count > 0 && missedAt !== null && !isExplained(missedAt, seen)
  const gaps = isFound ? withMissed(closed, { count, at: missedAt, signed }) : closed
  return {
    name,
    missed,
    signed,
    gaps: gaps.filter(({ lastAt }) => isRecent(lastAt, now)).slice(-maxGaps),
    otherSince: otherId === null ? null : (before.otherSince ?? now),
  }
}

/** Adds them to the gap that they fall into, by the signed event after them. */
function withMissed(
  gaps: ProjectWatch['gaps'],
  { count, at, signed }: { count: number; at: number; signed: readonly number[] },
): ProjectWatch['gaps'] {
  const until = signed.find((one) => one >= at) ?? null
  const same = gaps.find((one) => one.until === until)
  if (!same) return [...gaps, { until, lastAt: at, count }]
  return gaps.map((one) =>
    one === same ? { until, lastAt: Math.max(one.lastAt, at), count: one.count + count } : one,
  )
}

/** What is wrong with the projects now. `troubles`: reported, and not over. */
export function projectTroubles(
  states: readonly ProjectWatch[],
  seen: readonly ProjectSeen[],
  troubles: readonly Trouble[],
): Trouble[] {
  return seen.flatMap((one) => {
    const state = states.find(({ name }) => name === one.name)
    if (!state) return []
    const { name, isOnly, id, url, otherId, held } = one
    const project = { name, ...(isOnly && { isOnly }), id, url }
    const about = { target: null } as const
    return [
      ...(otherId === null || state.otherSince === null
        ? []
        : [
            { ...about, what: 'project' as const, since: state.otherSince, project: { ...project, otherId } },
          ]),
      ...(held === null
        ? []
        : [
            {
              ...about,
              what: 'deletions' as const,
              since: held.since,
              project: { ...project, versions: held.versions },
            },
          ]),
      ...missing(state, isFiltered(troubles, name)).map(({ since, ...how }) => ({
        ...{ ...about, what: 'webhooks' as const, since },
        project: { ...project, ...how },
      })),
    ]
  })
}

const isFiltered = (troubles: readonly Trouble[], name: string): boolean =>
  troubles.some(({ what, project }) => what === 'webhooks' && project?.name === name && project.some === true)

/**
 * `some`: webhooks come in between, so that a filter is the likely cause. Two gaps show it; once reported (`goesOn`), it is
 * over when none is left.
 */
function missing(
  { gaps, signed }: ProjectWatch,
  goesOn: boolean,
): { since: number; missed: number; some: boolean }[] {
  const total = gaps.reduce((sum, { count }) => sum + count, 0)
  const [first] = gaps
  if (first && (goesOn || (gaps.length > 1 && total >= filteredToReport)))
    return [{ since: first.lastAt, missed: total, some: true }]
  const open = gaps.find(({ until }) => until === null)
  if (!open || open.count < missesToReport) return []
  return [{ since: signed.at(-1) ?? open.lastAt, missed: open.count, some: false }]
}
