import { z } from 'zod'
import { type Circuit, failingSince } from '../delivery/circuit.ts'
import { learnProjects, type ProjectSeen, projectTroubles, projectWatch } from './project-watch.ts'
import type { Trouble, TroubleFact } from './trouble.ts'

/** The projects whose events a secret signed. The secret is known by its last four characters. */
const secretProjects = z.object({ hint: z.string(), projectIds: z.array(z.string()) })
type SecretProjects = z.output<typeof secretProjects>

/** A secret that had signed for one project only, and now signs for another. Times in epoch milliseconds. */
const foreignSigner = z.object({
  hint: z.string(),
  projectId: z.string(),
  otherId: z.string(),
  since: z.number(),
  lastAt: z.number(),
})
type ForeignSigner = z.output<typeof foreignSigner>

/** What the watch knows of the world around the relay; one for the store. Times in epoch milliseconds. */
export const watchState = z.object({
  /** Null: it has never run. */
  startedAt: z.number().nullable(),
  /** The time of its last run, and the newest signed event by then. */
  lookedAt: z.number(),
  lastSignedAt: z.number().nullable(),
  /** When Langfuse was last asked whether prompts changed without an event, and the time of the change that it named. */
  askedAt: z.number().nullable(),
  changedAt: z.number().nullable(),
  /** When Langfuse last answered that question. Older versions do not keep it. */
  answeredAt: z.number().nullable().default(null),
  /** The first of the consecutive runs that found overdue changes. */
  overdueFrom: z.number().nullable().default(null),
  /** When signatures of an unknown secret were last reported. */
  signaturesAt: z.number().nullable().default(null),
  /** Null: not read yet. */
  secrets: z.array(secretProjects).nullable().default(null),
  foreign: z.array(foreignSigner).default([]),
  projects: z.array(projectWatch).default([]),
  /** When no instance watched, the last time. */
  away: z.object({ from: z.number(), to: z.number() }).nullable().default(null),
  /** Reported, and not over. */
  troubles: z.array(
    z.object({
      what: z.enum([
        'quiet',
        'signatures',
        'target',
        'secret',
        'overdue',
        'project',
        'deletions',
        'webhooks',
      ]),
      target: z.string().nullable(),
      since: z.number(),
      secret: z.object({ hint: z.string(), projectId: z.string(), otherId: z.string() }).optional(),
      project: z
        .object({
          name: z.string(),
          isOnly: z.boolean().optional(),
          id: z.string().nullable(),
          url: z.string().nullable(),
          otherId: z.string().optional(),
          versions: z.number().optional(),
          missed: z.number().optional(),
          some: z.boolean().optional(),
        })
        .optional(),
    }),
  ),
})
export type WatchState = z.output<typeof watchState>

export const freshWatch: WatchState = {
  startedAt: null,
  lookedAt: 0,
  lastSignedAt: null,
  askedAt: null,
  changedAt: null,
  signaturesAt: null,
  secrets: null,
  foreign: [],
  projects: [],
  away: null,
  answeredAt: null,
  overdueFrom: null,
  troubles: [],
}

export interface Signer {
  hint: string
  projectId: string
}

/** What one run of the watch found. */
export interface Findings {
  now: number
  /** When the newest signed event since the previous run came; null: none came. */
  signedAt: number | null
  /** Which secrets signed the newest events, and for which projects. */
  signers: readonly Signer[]
  /** When requests came that are probably Langfuse's, but are signed with an unknown secret; within `mismatchMs`. */
  mismatches: readonly number[]
  /** Since when the oldest overdue change should have settled; null: none is overdue. */
  overdueSince: number | null
  /** The configured targets. */
  circuits: readonly (Circuit & { name: string })[]
  /** The configured projects that are compared with Langfuse. */
  projects: readonly ProjectSeen[]
}

/**
 * Overdue changes are reported once every run has found some for this long: after a stop of all instances, what came
 * before it is overdue for a moment.
 */
const overdueToReportMs = 10 * 60_000
const gapMs = 5 * 60_000
/** The watch runs once a minute: after longer, no instance was there for a while. */
const restartMs = 100_000
export const mismatchMs = 10 * 60_000
/** Langfuse tries a delivery four times. */
const mismatchesToReport = 4
/** Anyone who knows a project's id can send such requests, so they are reported once in this time. */
const signaturesAgainMs = 24 * 3_600_000
/** The webhook of a change may still be on its way, and clocks differ. */
const marginMs = 10 * 60_000
const askAgainMs = 3_600_000

/** When no instance watched, the last time by now, a restart included; null: not lately. */
export const awayAfter = (state: WatchState, now: number): WatchState['away'] =>
  state.startedAt !== null && now - state.lookedAt > restartMs
    ? { from: state.lookedAt, to: now }
    : state.away

/** The state after a run, without what Langfuse's API says. */
export function withFindings(state: WatchState, findings: Findings): WatchState {
  const { now, signedAt, signers, overdueSince } = findings
  // A time in the future was written before the clock was set back. It would hide every event until then.
  const newest = Math.max(Math.min(state.lastSignedAt ?? 0, now), signedAt ?? 0)
  const lastSignedAt = newest === 0 ? null : newest
  const isNew = signedAt !== null && signedAt > (state.lastSignedAt ?? 0)
  const changedAt = isNew ? null : state.changedAt
  const isGap = now - state.lookedAt > gapMs || now < state.lookedAt
  const overdueFrom = overdueSince === null ? null : ((isGap ? null : state.overdueFrom) ?? now)
  return {
    ...state,
    ...learnSigners(state.secrets, state.foreign, { signers, now }),
    away: awayAfter(state, now),
    projects: learnProjects(state.projects, findings.projects, now),
    startedAt: state.startedAt ?? now,
    lookedAt: now,
    lastSignedAt,
    changedAt,
    overdueFrom,
  }
}

/** The span of time for which Langfuse is to be asked whether prompts changed; null: there is no reason to ask. */
export function spanToAskAbout(
  state: WatchState,
  { now, quietMs }: { now: number; quietMs: number },
): { from: number; to: number } | null {
  const lastEventAt = state.lastSignedAt ?? state.startedAt ?? now
  if (quietMs === 0 || now - lastEventAt < quietMs || state.changedAt !== null) return null
  if (state.askedAt !== null && now - state.askedAt < askAgainMs) return null
  return { from: lastEventAt + marginMs, to: now - marginMs }
}

/** Whether Langfuse is asked for the first time since events stopped coming. */
export const isFirstAsk = ({ askedAt, lastSignedAt, startedAt }: WatchState): boolean =>
  askedAt === null || askedAt < (lastSignedAt ?? startedAt ?? 0)

/** What is wrong now. */
function presentTroubles(
  { lastSignedAt, changedAt, signaturesAt, overdueFrom, foreign, troubles, projects }: WatchState,
  { now, mismatches, overdueSince, circuits, projects: seen }: Findings,
): Trouble[] {
  const ofProjects = projectTroubles(projects, seen, troubles)
  // What comparing shows says the same, and earlier.
  const isQuiet =
    changedAt !== null &&
    (troubles.some(({ what }) => what === 'quiet') || !ofProjects.some(({ what }) => what === 'webhooks'))
  const signedAt = lastSignedAt ?? 0
  const wrong = mismatches.filter((at) => at > signedAt)
  const reported = troubles.find(({ what }) => what === 'signatures')
  const mayReport = signaturesAt === null || now - signaturesAt >= signaturesAgainMs
  const isRotated = lastSignedAt !== null && wrong.length >= mismatchesToReport && mayReport
  const isStuck = troubles.some(({ what }) => what === 'overdue')
  // An automation that Langfuse switched off sends nothing more, so only a valid signature ends it.
  const goesOn = reported !== undefined && signedAt <= reported.since
  return [
    ...(isQuiet ? [{ what: 'quiet' as const, target: null, since: changedAt }] : []),
    ...ofProjects,
    ...(goesOn ? [reported] : []),
    ...(isRotated && !goesOn
      ? [{ what: 'signatures' as const, target: null, since: Math.min(...wrong) }]
      : []),
    ...foreign.map(troubleOfSecret),
    ...(overdueSince !== null && (isStuck || now - (overdueFrom ?? now) >= overdueToReportMs)
      ? [{ what: 'overdue' as const, target: null, since: overdueSince }]
      : []),
    ...circuits.flatMap((circuit) => {
      const since = failingSince(circuit, now)
      return since === null ? [] : [{ what: 'target' as const, target: circuit.name, since }]
    }),
  ]
}

const troubleOfSecret = ({ since, hint, projectId, otherId }: ForeignSigner): Trouble => ({
  what: 'secret',
  target: null,
  since,
  secret: { hint, projectId, otherId },
})

const isSame = (a: Trouble, b: Trouble): boolean =>
  a.what === b.what &&
  a.target === b.target &&
  a.secret?.hint === b.secret?.hint &&
  a.secret?.otherId === b.secret?.otherId &&
  a.project?.name === b.project?.name &&
  a.project?.otherId === b.project?.otherId &&
  a.project?.some === b.project?.some

/** What began and what ended since the last run, each reported once. */
export function compareTroubles(
  state: WatchState,
  findings: Findings,
): { state: WatchState; began: TroubleFact[]; ended: TroubleFact[] } {
  const present = presentTroubles(state, findings)
  const known = state.troubles.filter((one) => present.some((other) => isSame(one, other)))
  const fresh = present.filter((one) => !known.some((other) => isSame(one, other)))
  const isConfigured = ({ target, project }: Trouble) =>
    (target === null || findings.circuits.some(({ name }) => name === target)) &&
    (project === undefined || findings.projects.some(({ name }) => name === project.name))
  const over = state.troubles.filter((one) => !known.includes(one) && isConfigured(one))
  return {
    state: {
      ...state,
      signaturesAt: fresh.some(({ what }) => what === 'signatures') ? findings.now : state.signaturesAt,
      troubles: [...known, ...fresh],
    },
    began: fresh.map((one) => ({ kind: 'trouble', ...one })),
    ended: over.map((one) => ({ kind: 'trouble-over', ...one })),
  }
}

const maxSecrets = 50
const maxProjects = 20
/** After this long without an event of the other project, it is over. */
const overAfterMs = 24 * 3_600_000

/** Adds the newest signers. `known`: null at the first run, where all that is found counts as having always been so. */
function learnSigners(
  known: readonly SecretProjects[] | null,
  foreign: readonly ForeignSigner[],
  { signers, now }: { signers: readonly Signer[]; now: number },
): { secrets: SecretProjects[]; foreign: ForeignSigner[] } {
  const byHint = new Map((known ?? []).map(({ hint, projectIds }) => [hint, projectIds]))
  const seen = Map.groupBy(signers, ({ hint }) => hint)
  const fresh: ForeignSigner[] = []
  for (const [hint, of] of seen) {
    const before = byHint.get(hint) ?? []
    const others = [...new Set(of.map(({ projectId }) => projectId))].filter((id) => !before.includes(id))
    const [own] = before
    // A secret of two projects, or one first seen with two, was never the secret of one.
    if (own !== undefined && before.length === 1)
      for (const otherId of others) fresh.push({ hint, projectId: own, otherId, since: now, lastAt: now })
    byHint.set(hint, [...before, ...others].slice(0, maxProjects))
  }
  const isSeen = ({ hint, otherId }: ForeignSigner) =>
    signers.some((one) => one.hint === hint && one.projectId === otherId)
  const going = foreign
    .map((one) => (isSeen(one) ? { ...one, lastAt: now } : one))
    .filter(({ lastAt }) => now - lastAt < overAfterMs)
  return {
    secrets: [...byHint].slice(0, maxSecrets).map(([hint, projectIds]) => ({ hint, projectIds })),
    foreign: [...going, ...fresh].slice(0, maxSecrets),
  }
}

/** Refused requests with the same bytes. */
export interface SameBytes {
  projectId: string | null
  /** When each came, epoch milliseconds. */
  at: readonly number[]
}

/**
 * When requests came that no known secret signed and that are probably Langfuse's. Anyone can post with a wrong
 * signature, but Langfuse names a project that it has signed for before, and sends the same bytes again.
 */
export const likelyLangfuse = (refused: readonly SameBytes[], projectIds: readonly string[]): number[] =>
  refused
    .filter(({ projectId, at }) => projectId !== null && projectIds.includes(projectId) && at.length > 1)
    .flatMap(({ at }) => at)
