import type { Health, TargetHealth } from '#lib/db/health-line.ts'
import { mostCounted } from '#lib/db/health-line.ts'
import { troubleFix, troubleWords } from '#lib/trouble.ts'
import type { Tone } from './change-words.ts'
import { pathWith } from './list-query.ts'
import { duration, relative } from './time-words.ts'

/** One part of the health line. `href`: the list of what is wrong, where something is. */
export interface HealthItem {
  name: string
  words: string
  /** The numbers behind it. */
  why: string
  tone: Extract<Tone, 'good' | 'warn' | 'bad' | 'quiet'>
  href: string | null
}

const minute = 60_000
/** A retry schedule that goes well is through its first tries by then. */
const longWait = 5 * minute

export function healthItems(health: Health, now: number): HealthItem[] {
  const circuits = new Map(health.circuits.map(({ target, until }) => [target, until]))
  return [
    ...health.troubles.map((one) => trouble(one, now)),
    lastEvent(health.lastSignedAt, now),
    waiting(health.waitingSince, now),
    ...health.targets.map((one) => success(one, circuits.get(one.target) ?? null, now)),
  ]
}

function lastEvent(at: number | null, now: number): HealthItem {
  const words = at === null ? 'none yet' : relative(at, now)
  const why = 'When Langfuse last sent an event with a valid signature'
  return { name: 'Last signed event', words, why, tone: at === null ? 'quiet' : 'good', href: null }
}

function trouble(one: Health['troubles'][number], now: number): HealthItem {
  const words = `${troubleWords(one)}, for ${duration(Math.max(0, now - one.since))}`
  const href = pathWith('/', { kind: 'trouble', test: 'shown' })
  return { name: 'Trouble', words, why: troubleFix(one), tone: 'bad', href }
}

function waiting(since: number | null, now: number): HealthItem {
  const name = 'Oldest waiting'
  const isLong = since !== null && now - since > longWait
  return {
    name,
    words: since === null || now - since < 1000 ? 'nothing waits' : relative(since, now),
    why: 'The delivery that waits longest: due, or to be tried again',
    tone: isLong ? 'warn' : 'good',
    href: isLong ? pathWith('/', { status: 'queued,sending,retrying,held', test: 'shown' }) : null,
  }
}

const number = (count: number): string =>
  count >= mostCounted ? `${mostCounted.toLocaleString('en')} or more` : count.toLocaleString('en')

/** `98.2 %`; never 100 where something failed, and a lower bound where counting ended. */
function percent({ delivered, failed, retrying }: TargetHealth): string {
  const share = delivered / (delivered + failed + retrying)
  const tenths = Math.floor(share * 1000) / 10
  const words = tenths === 100 ? '100 %' : `${tenths.toFixed(1)} %`
  return delivered >= mostCounted && tenths < 100 ? `≥ ${words}` : words
}

function success(health: TargetHealth, openUntil: number | null, now: number): HealthItem {
  const { target, delivered, failed, retrying } = health
  const name = `${target}, 24 h`
  const total = delivered + failed + retrying
  const share = total === 0 ? 'nothing sent' : percent(health)
  const why = `${number(delivered)} delivered, ${number(failed)} failed, ${number(retrying)} being retried in the last 24 hours`
  if (openUntil !== null) {
    const words = `${share}, paused, next try ${relative(openUntil, now)}`
    return { name, words, why, tone: 'bad', href: pathWith('/', { status: 'held', target, test: 'shown' }) }
  }
  const trouble = failed > 0 ? 'failed' : 'retrying'
  const isBad = failed + retrying > 0
  return {
    name,
    words: share,
    why,
    tone: isBad ? (failed > 0 ? 'bad' : 'warn') : total === 0 ? 'quiet' : 'good',
    href: isBad ? pathWith('/', { status: trouble, target, time: '24h', test: 'shown' }) : null,
  }
}
