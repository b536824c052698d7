import { spelledDuration, wholeDuration } from '../../base/duration.ts'
import type { Tone } from '../change/kinds.ts'
import type { LangfuseProject } from '../rules/projects.ts'
import type { CountedKind, CurrentLook, LeaseState, LookState, Outage } from './state.ts'

/** What was counted within some days. Times in epoch milliseconds: when it happened, as far as that is known. */
export interface Counted {
  count: number
  firstAt: number
  lastAt: number
}

/** What is known of the comparisons of one project. */
export interface ProofSeen {
  project: Pick<LangfuseProject, 'name' | 'id' | 'keys' | 'called' | 'webUrl'>
  /** Null: no instance has ever worked on it. */
  lease: LeaseState | null
  state: LookState
  outage: Outage | null
  /** Someone asked for a comparison that has not begun. */
  isRequested: boolean
  /** Prompts that differ from Langfuse, which a webhook may still explain. */
  doubts: number
  /** How many of them could not be read for long; the first by name, and why. Null: none. */
  unread: { prompts: number; name: string; problem: string | null } | null
  /** The counts of the day (UTC), and of the 30 days that end with it. */
  today: Partial<Record<CountedKind, Counted>>
  recent: Partial<Record<CountedKind, Counted>>
}

export interface ProofSetting {
  now: number
  /** `RECONCILE_SECONDS`, milliseconds; 0: off. */
  everyMs: number
  /** With a problem of the configuration, nothing runs. */
  isHeld: boolean
  /** No process lives on between requests. */
  isServerless: boolean
}

/**
 * What can be said of a project: `checked` only after a recent comparison. `stale`: the last one is too long ago. `first`:
 * the first one has not ended. `project`: the keys belong to another project than before. `deletions`: so many versions
 * are gone that someone has to confirm it.
 */
export type ProofState =
  | 'checked'
  | 'found'
  | 'stale'
  | 'first'
  | 'project'
  | 'deletions'
  | 'no-keys'
  | 'off'
  | 'held'

export interface Proof {
  /** The project's name in the configuration, and its id in Langfuse; null: not known. */
  project: string
  projectId: string | null
  state: ProofState
  tone: Extract<Tone, 'good' | 'warn' | 'bad' | 'quiet'>
  /** Without the time of the last comparison, which may go before it. */
  words: string
  /** When the last comparison ended; null: none has. */
  checkedAt: number | null
  /** What to do; null: nothing. */
  fix: string | null
  /** Changes whose webhook did not come: found today, and within 30 days. */
  today: number
  recent: number
  /** A comparison of everything has been asked for, or runs, and the last try did not fail. */
  isUnderWay: boolean
}

const dayMs = 86_400_000
/** The days that counts are shown for. */
export const proofDays = 30
/** A comparison that ended within this many intervals is recent. */
const maxIntervals = 3
/** However short the interval: a comparison of everything takes a while. */
const shortestStaleMs = 3 * 60_000
/** The clocks of instances differ. */
const aheadMs = 10 * 60_000

type Saying = Pick<Proof, 'state' | 'tone' | 'words' | 'fix'>

/** What a page may claim about a project, and what is behind it. */
export function proofOf(seen: ProofSeen, setting: ProofSetting): Proof {
  const { project, state, today, recent } = seen
  return {
    project: project.name,
    projectId: project.id ?? seen.lease?.projectId ?? null,
    checkedAt: state.checkedAt,
    today: today.missing?.count ?? 0,
    recent: recent.missing?.count ?? 0,
    isUnderWay: !seen.lease?.error && (seen.isRequested || state.current?.kind === 'full'),
    ...(notRun(seen, setting) ?? stopped(seen) ?? sayingOf(seen, setting)),
  }
}

function notRun({ project }: ProofSeen, { everyMs, isHeld }: ProofSetting): Saying | null {
  const lost = 'so a lost webhook is not found'
  const quiet = (state: ProofState, why: string, fix: string): Saying => ({
    ...{ state, fix, tone: 'quiet' },
    words: `Not compared with Langfuse${why}`,
  })
  // What a problem of the configuration leaves out looks as if it were not set.
  if (isHeld)
    return quiet(
      'held',
      ' while the configuration has a problem',
      'Fix what Configuration names, and restart the relay.',
    )
  if (project.keys === null) {
    const { publicKey, secretKey } = project.called
    return quiet('no-keys', `: API keys are not set, ${lost}`, `Set ${publicKey} and ${secretKey}.`)
  }
  if (everyMs > 0) return null
  return quiet('off', `: RECONCILE_SECONDS is 0, ${lost}`, 'Set RECONCILE_SECONDS to 300.')
}

function stopped({ project, lease, state }: ProofSeen): Saying | null {
  if (lease?.otherId != null)
    return {
      state: 'project',
      tone: 'bad',
      words: `Nothing is compared: the keys belong to the project ${lease.otherId}, no longer to ${project.id ?? lease.projectId}`,
      fix: `Set ${project.called.publicKey} and ${project.called.secretKey} to keys of the project ${project.id ?? lease.projectId}, or give the other project its own entry in relay.config.ts.`,
    }
  if (state.held === null) return null
  const { versions } = state.held
  const are = versions === 1 ? '1 version is' : `${versions.toLocaleString('en')} versions are`
  return {
    state: 'deletions',
    tone: 'bad',
    words: `${are} gone in Langfuse. ${versions === 1 ? 'Its' : 'Their'} deletion is not reported until someone confirms it`,
    fix: 'If they were deleted on purpose, confirm it on the Setup page. If not, check that the keys and the address are those of the right Langfuse.',
  }
}

function sayingOf(seen: ProofSeen, setting: ProofSetting): Saying {
  const { lease, state } = seen
  const { now, everyMs, isServerless } = setting
  const error = lease?.error?.message ?? null
  const scheduler = isServerless ? 'Have /api/cron called every minute.' : 'Check the log for errors.'
  const fix = error === null ? scheduler : 'It is tried again by itself. Check the keys and the address.'
  if (state.checkedAt === null || state.baselineAt === null) {
    const why = error ?? underWay(state.current)
    const words = `The first comparison with Langfuse has not ended${why === null ? '' : `: ${why}`}`
    return { state: 'first', tone: error === null ? 'quiet' : 'warn', words, fix }
  }
  const age = now - state.checkedAt
  if (age < -aheadMs)
    return {
      state: 'stale',
      tone: 'warn',
      words: 'It is not known how long ago Langfuse was compared: the clock was set back',
      fix: 'Set the clock of this machine by NTP.',
    }
  if (age > Math.max(maxIntervals * everyMs, shortestStaleMs)) {
    const why = error ?? underWay(state.current) ?? 'comparing does not run'
    return { state: 'stale', tone: 'warn', words: `Not compared with Langfuse lately: ${why}`, fix }
  }
  return checked(seen, setting)
}

function underWay(current: CurrentLook | null): string | null {
  if (current === null) return null
  return `it is under way, with ${current.prompts.toLocaleString('en')} prompts so far`
}

/** They may be nothing, or be found in a few minutes. */
function doubtWords(doubts: number): string {
  if (doubts === 0) return ''
  const prompts = doubts === 1 ? '1 prompt differs' : `${doubts.toLocaleString('en')} prompts differ`
  return ` · ${prompts} now, which a webhook may still explain`
}

function failureWords(lease: LeaseState | null): string {
  return lease?.error ? ` · the last try failed: ${lease.error.message}` : ''
}

function unreadWords({ prompts, name, problem }: NonNullable<ProofSeen['unread']>): string {
  const others = prompts === 1 ? '' : ` and ${(prompts - 1).toLocaleString('en')} more`
  return ` · ${name}${others} cannot be read${problem === null ? '' : `: ${problem}`}`
}

const unreadFix =
  'What differs there is not reported until it can be read, which is tried every hour. Check what a proxy or firewall does with its name, and whether Langfuse shows it.'

function checked(seen: ProofSeen, { now }: ProofSetting): Saying {
  const { state, outage, today, recent, unread } = seen
  const doubts = doubtWords(Math.max(0, seen.doubts - (unread?.prompts ?? 0)))
  const more = `${doubts}${unread ? unreadWords(unread) : ''}${failureWords(seen.lease)}`
  const fix = unread ? unreadFix : null
  const { missing } = today
  if (missing !== undefined && missing.count > 0) {
    const when = [spanWords(missing, now), ...outageWords(outage, missing)].join(', ')
    const words = `${missing.count.toLocaleString('en')} found today (${when})${more}`
    return { state: 'found', tone: 'warn', words, fix }
  }
  const count = (recent.missing?.count ?? 0).toLocaleString('en')
  const knownMs = now - (state.baselineAt ?? now)
  // No more is claimed than what was compared.
  const span = knownMs >= proofDays * dayMs ? `${proofDays} days` : spelledDuration(Math.max(knownMs, 60_000))
  return {
    state: 'checked',
    tone: unread ? 'warn' : 'good',
    words: `${count} missing in ${span}${more}`,
    fix,
  }
}

const clock = (at: number): string => new Date(at).toISOString().slice(11, 16)
const date = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** `02:14–02:31 UTC`; with the date where it is not today's. */
function spanWords({ firstAt, lastAt }: Counted, now: number): string {
  const from = date(firstAt) === date(now) ? clock(firstAt) : `${date(firstAt)} ${clock(firstAt)}`
  const to = date(lastAt) === date(now) ? clock(lastAt) : `${date(lastAt)} ${clock(lastAt)}`
  return from === to ? `${to} UTC` : `${from}–${to} UTC`
}

/** The minute at its ends is shared: an answer of the endpoint may be a little after the edit. */
const marginMs = 60_000

function outageWords(outage: Outage | null, { firstAt, lastAt }: Counted): string[] {
  if (outage === null || outage.to < firstAt - marginMs || outage.from > lastAt + marginMs) return []
  return [`endpoint answered ${outage.status}`]
}

/** "Checked with Langfuse 4 min ago · 0 missing in 30 days". */
export function proofSentence({ state, words, checkedAt }: Proof, now: number): string {
  if (checkedAt === null) return words
  const ago = now - checkedAt < 1000 ? 'just now' : `${wholeDuration(now - checkedAt)} ago`
  if (state === 'checked' || state === 'found') return `Checked with Langfuse ${ago} · ${words}`
  return state === 'stale' && checkedAt <= now ? `${words}. Last checked ${ago}` : words
}
