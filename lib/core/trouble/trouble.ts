import { z } from 'zod'
import { longDuration } from '../../base/duration.ts'
import type { Fact } from '../change/change.ts'
import { type Circuit, failingSince } from '../delivery/circuit.ts'
import {
  type ForeignSigner,
  foreignSigner,
  learnSigners,
  type Signer,
  secretProjects,
} from './secret-projects.ts'

type TroubleFact = Extract<Fact, { kind: 'trouble' | 'trouble-over' }>
type Trouble = Pick<TroubleFact, 'what' | 'target' | 'since' | 'secret'>

/** What is known of the world around the relay; one for the store. Times in epoch milliseconds. */
export const watchState = z.object({
  /** Null: it never looked. */
  startedAt: z.number().nullable(),
  /** Up to when it has looked for signed events, and the newest of them. */
  lookedAt: z.number(),
  lastSignedAt: z.number().nullable(),
  /** When Langfuse was last asked whether prompts changed meanwhile, and the change that it told of. */
  askedAt: z.number().nullable(),
  changedAt: z.number().nullable(),
  /** When Langfuse last answered that. An older version does not keep it. */
  answeredAt: z.number().nullable().default(null),
  /** Since which look, without a gap, changes are overdue. */
  overdueFrom: z.number().nullable().default(null),
  /** When signatures of an unknown secret were last reported. */
  signaturesAt: z.number().nullable().default(null),
  /** Null: nobody has looked yet. */
  secrets: z.array(secretProjects).nullable().default(null),
  foreign: z.array(foreignSigner).default([]),
  /** What was told and is not over. */
  troubles: z.array(
    z.object({
      what: z.enum(['quiet', 'signatures', 'target', 'secret', 'overdue']),
      target: z.string().nullable(),
      since: z.number(),
      secret: z.object({ hint: z.string(), projectId: z.string(), otherId: z.string() }).optional(),
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
  answeredAt: null,
  overdueFrom: null,
  troubles: [],
}

/** What one look found. */
export interface Look {
  now: number
  /** When the newest signed event came, of those since the look before; null: none. */
  signedAt: number | null
  /** By which secrets the newest signed events were signed, and for which projects. */
  signers: readonly Signer[]
  /** When requests came that are likely Langfuse's, but whose signature is of no known secret; within `mismatchMs`. */
  mismatches: readonly number[]
  /** Since when changes should have settled and have not; null: none. */
  overdueSince: number | null
  /** The targets that are configured. */
  circuits: readonly (Circuit & { name: string })[]
}

/**
 * Changes are seen overdue for so long, at one look after the other, before it is told: after a stop of all instances
 * what came before it is overdue for a moment.
 */
const overdueToTellMs = 10 * 60_000
const gapMs = 5 * 60_000
export const mismatchMs = 10 * 60_000
/** Langfuse tries a delivery four times. */
const mismatchesToTell = 4
/** Whoever knows a project's id can make such requests: no more often than this are they reported. */
const signaturesAgainMs = 24 * 3_600_000
/** A webhook that is about to come is no trouble, and clocks differ. */
const marginMs = 10 * 60_000
const askAgainMs = 3_600_000

/** The state with what a look found of signed events. */
export function afterLook(state: WatchState, { now, signedAt, signers, overdueSince }: Look): WatchState {
  // What lies ahead was written before the clock was set back, and would hide all that comes until then.
  const newest = Math.max(Math.min(state.lastSignedAt ?? 0, now), signedAt ?? 0)
  const lastSignedAt = newest === 0 ? null : newest
  const isNew = signedAt !== null && signedAt > (state.lastSignedAt ?? 0)
  const changedAt = isNew ? null : state.changedAt
  const isGap = now - state.lookedAt > gapMs || now < state.lookedAt
  const overdueFrom = overdueSince === null ? null : ((isGap ? null : state.overdueFrom) ?? now)
  return {
    ...state,
    ...learnSigners(state.secrets, state.foreign, { signers, now }),
    startedAt: state.startedAt ?? now,
    lookedAt: now,
    lastSignedAt,
    changedAt,
    overdueFrom,
  }
}

/** Which changes of prompts Langfuse is to be asked for: those of this span. Null: there is no reason to ask. */
export function askFor(
  state: WatchState,
  { now, quietMs }: { now: number; quietMs: number },
): { from: number; to: number } | null {
  const heard = state.lastSignedAt ?? state.startedAt ?? now
  if (quietMs === 0 || now - heard < quietMs || state.changedAt !== null) return null
  if (state.askedAt !== null && now - state.askedAt < askAgainMs) return null
  return { from: heard + marginMs, to: now - marginMs }
}

/** What goes wrong now. */
function present(
  { lastSignedAt, changedAt, signaturesAt, overdueFrom, foreign, troubles }: WatchState,
  look: Look,
): Trouble[] {
  const signedAt = lastSignedAt ?? 0
  const wrong = look.mismatches.filter((at) => at > signedAt)
  const told = troubles.find(({ what }) => what === 'signatures')
  const isLate = signaturesAt === null || look.now - signaturesAt >= signaturesAgainMs
  const isRotated = lastSignedAt !== null && wrong.length >= mismatchesToTell && isLate
  const isStuck = troubles.some(({ what }) => what === 'overdue')
  // An automation that Langfuse has switched off sends no more of them: only a good one ends it.
  const goesOn = told !== undefined && signedAt <= told.since
  return [
    ...(changedAt === null ? [] : [{ what: 'quiet' as const, target: null, since: changedAt }]),
    ...(goesOn ? [told] : []),
    ...(isRotated && !goesOn
      ? [{ what: 'signatures' as const, target: null, since: Math.min(...wrong) }]
      : []),
    ...foreign.map(troubleOfSecret),
    ...(look.overdueSince !== null && (isStuck || look.now - (overdueFrom ?? look.now) >= overdueToTellMs)
      ? [{ what: 'overdue' as const, target: null, since: look.overdueSince }]
      : []),
    ...look.circuits.flatMap((circuit) => {
      const since = failingSince(circuit, look.now)
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
  a.secret?.otherId === b.secret?.otherId

/** What began and what ended since the last look; each is told once. */
export function compare(
  state: WatchState,
  look: Look,
): { state: WatchState; began: TroubleFact[]; ended: TroubleFact[] } {
  const now = present(state, look)
  const known = state.troubles.filter((one) => now.some((other) => isSame(one, other)))
  const fresh = now.filter((one) => !known.some((other) => isSame(one, other)))
  const isConfigured = ({ target }: Trouble) =>
    target === null || look.circuits.some(({ name }) => name === target)
  const over = state.troubles.filter((one) => !known.includes(one) && isConfigured(one))
  return {
    state: {
      ...state,
      signaturesAt: fresh.some(({ what }) => what === 'signatures') ? look.now : state.signaturesAt,
      troubles: [...known, ...fresh],
    },
    began: fresh.map((one) => ({ kind: 'trouble', ...one })),
    ended: over.map((one) => ({ kind: 'trouble-over', ...one })),
  }
}

export function troubleWords({ what, target, secret }: Pick<Trouble, 'what' | 'target' | 'secret'>): string {
  switch (what) {
    case 'quiet':
      return 'No signed event comes, although prompts changed in Langfuse'
    case 'signatures':
      return "Requests that may be Langfuse's are signed with a secret that is not known here"
    case 'secret':
      return `The webhook secret that ends in ${secret?.hint}, until now used by project ${secret?.projectId}, signs for project ${secret?.otherId}`
    case 'target':
      return `${target} keeps failing`
    case 'overdue':
      return 'Changes do not settle, so that nobody is notified of them'
  }
}

function overWords({ what, target, secret }: Pick<Trouble, 'what' | 'target' | 'secret'>): string {
  switch (what) {
    case 'quiet':
      return 'Signed events come again'
    case 'signatures':
      return 'A signature was right again'
    case 'secret':
      return `The webhook secret that ends in ${secret?.hint} has not signed for project ${secret?.otherId} for a day`
    case 'overdue':
      return 'All changes have settled'
    case 'target':
      return `${target} takes messages again`
  }
}

/** What a person reads first. */
export function troubleTitle(fact: TroubleFact, now: number): string {
  if (fact.kind === 'trouble') return troubleWords(fact)
  return `${overWords(fact)}, after ${longDuration(now - fact.since)}`
}

/** What to do about it. */
export function troubleFix({ what, target }: Pick<Trouble, 'what' | 'target'>): string {
  switch (what) {
    case 'quiet':
      return 'Look at Automations in Langfuse: one that failed five times in a row is switched off. Compare its URL and its secret. What is missed meanwhile is not sent later.'
    case 'signatures':
      return 'If the secret was changed in Langfuse, or an automation was added there, put the new secret into LANGFUSE_WEBHOOK_SECRET, beside the old one: after five failed deliveries Langfuse switches an automation off. If nobody did that, somebody else who knows the id of the project may have sent them; they were refused, and change nothing. The page Rejected shows each.'
    case 'secret':
      return 'Langfuse makes a secret for each automation, and an automation belongs to one project. If you sign for both on purpose, nothing is to be done. If not, somebody else has the secret: regenerate it in Langfuse and set the new one here. The events were stored and reported; look at what they say.'
    case 'overdue':
      return 'The log names the error. Their events are kept, and they are tried again.'
    case 'target':
      return `Look at why deliveries to ${target} fail or are put off. They wait, and nothing is lost.`
  }
}
