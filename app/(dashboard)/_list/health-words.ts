import { duration } from '#lib/base/duration.ts'
import { storeErrorWords, type WriteProblem } from '#lib/base/store-error.ts'
import type { Tone } from '#lib/core/change/kinds.ts'
import { reconciledWord } from '#lib/core/change/links.ts'
import { type Proof, proofDays, proofSentence } from '#lib/core/reconcile/proof.ts'
import { type Quiet, quietness, quietWords } from '#lib/core/trouble/quiet.ts'
import { troubleFix, troubleWords } from '#lib/core/trouble/trouble.ts'
import { maxCounted } from '#lib/store/statement.ts'
import type { Health, TargetHealth } from '#lib/store/views/health.ts'
import { maxFailures, type OpenFailures } from '#lib/store/views/open-failures.ts'
import { pathWith } from '../../_ui/list-query.ts'
import { countWords, relative } from '../../_ui/quantity-words.ts'

/** One part of the health line. `href`: a link to what is wrong; null: nothing is. */
export interface HealthItem {
  name: string
  words: string
  /** The numbers behind it. */
  why: string
  tone: Extract<Tone, 'good' | 'warn' | 'bad' | 'quiet'>
  href: string | null
}

const minute = 60_000
/** By then the first retries are over. */
const longWait = 5 * minute

/** What is not read from the store. */
export interface HealthSetting {
  /** As in `quietness`. */
  quietMs: number
  hasKeys: boolean
  /** Null: the store accepts writes. */
  writeProblem: WriteProblem | null
  /** One for each project. */
  proofs: readonly Proof[]
}

export function healthItems(health: Health, setting: HealthSetting, now: number): HealthItem[] {
  const circuits = new Map(health.circuits.map(({ target, until }) => [target, until]))
  const failures = new Map(health.openFailures.map((one) => [one.target, one]))
  return [
    ...storeItem(setting.writeProblem, now),
    ...health.troubles.map((one) => trouble(one, now)),
    lastEvent(health, setting, now),
    ...proofItems(setting.proofs, now),
    waiting(health, now),
    ...health.targets.map((one) => {
      const open = failures.get(one.target)
      const until = circuits.get(one.target) ?? null
      return open ? failing(one, open, { until, now }) : success(one, until, now)
    }),
  ]
}

function storeItem(problem: WriteProblem | null, now: number): HealthItem[] {
  if (problem === null) return []
  const words = `accepts no writes: ${storeErrorWords[problem.kind]}`
  const why = `Since ${relative(problem.since, now)}. Langfuse gets 503, retries for less than a second, and then drops the event`
  return [{ name: 'Database', words, why, tone: 'bad', href: '/setup' }]
}

/** Only a recent event is shown in green. */
const quietTones: Record<Quiet, HealthItem['tone']> = {
  recent: 'good',
  never: 'quiet',
  unchanged: 'quiet',
  unwatched: 'quiet',
  changed: 'bad',
  'no-keys': 'warn',
  'no-answer': 'warn',
  clock: 'warn',
}

function lastEvent(
  { lastSignedAt: at, answeredAt, changedAt }: Health,
  setting: HealthSetting,
  now: number,
): HealthItem {
  const quiet = quietness({ ...setting, lastSignedAt: at, answeredAt, changedAt, now })
  const when = at === null ? 'none yet' : relative(at, now)
  const words = [when, quietWords[quiet]].filter((part) => part !== '').join(', ')
  const tone = quietTones[quiet]
  return {
    name: 'Last signed event',
    words,
    why: 'When Langfuse last sent an event with a valid signature',
    tone,
    href: tone === 'warn' || tone === 'bad' ? '/setup' : null,
  }
}

/** Each has an item of its own, unless there are more. */
const maxProofs = 3

/** With many projects, those that are well share one item. */
function proofItems(proofs: readonly Proof[], now: number): HealthItem[] {
  if (proofs.length <= maxProofs) return proofs.map((one) => proofItem(one, proofs.length > 1, now))
  const [well, others] = [true, false].map((is) => proofs.filter(({ tone }) => (tone === 'good') === is))
  const shown = (others ?? []).toSorted((a, b) => proofTones.indexOf(a.tone) - proofTones.indexOf(b.tone))
  const left = shown.length - maxProofs
  return [
    ...shown.slice(0, maxProofs).map((one) => proofItem(one, true, now)),
    ...(left > 0 ? [proofsLeft(left)] : []),
    ...(well && well.length > 0 ? [proofsTogether(well, now)] : []),
  ]
}

const proofTones: readonly Proof['tone'][] = ['bad', 'warn', 'quiet', 'good']
const comparison = 'Comparison'
const whyProof = `Prompts are compared with Langfuse. Counted are changes of the last ${proofDays} days whose webhook did not come`

function proofItem(proof: Proof, isNamed: boolean, now: number): HealthItem {
  const { project, state, tone, fix, recent } = proof
  const found = state === 'found' || (state === 'checked' && recent > 0)
  return {
    name: isNamed ? `${comparison}, ${project}` : comparison,
    words: proofSentence(proof, now),
    why: fix ?? whyProof,
    tone,
    href: found ? pathWith('/', { q: reconciledWord }) : tone === 'good' ? null : '/setup#incoming',
  }
}

const proofsLeft = (count: number): HealthItem => ({
  name: comparison,
  words: `${countWords(count, 'more project')} of which nothing can be claimed`,
  why: 'Setup shows each of them',
  tone: 'warn',
  href: '/setup#incoming',
})

function proofsTogether(proofs: readonly Proof[], now: number): HealthItem {
  const oldest = Math.min(...proofs.flatMap(({ checkedAt }) => checkedAt ?? []))
  const recent = proofs.reduce((sum, one) => sum + one.recent, 0)
  return {
    name: comparison,
    words: `${countWords(proofs.length, 'project')} checked with Langfuse, the longest ${relative(oldest, now)} · ${recent.toLocaleString('en')} missing`,
    why: whyProof,
    tone: 'good',
    href: recent > 0 ? pathWith('/', { q: reconciledWord }) : null,
  }
}

function trouble(one: Health['troubles'][number], now: number): HealthItem {
  const words = `${troubleWords(one)}, for ${duration(Math.max(0, now - one.since))}`
  const href = pathWith('/', { kind: 'trouble', test: 'shown' })
  return { name: 'Trouble', words, why: troubleFix(one), tone: 'bad', href }
}

function waiting({ waitingSince: since, overdue }: Health, now: number): HealthItem {
  const name = 'Oldest waiting'
  if (overdue.count > 0) {
    const reason = overdue.reason === null ? '' : `: ${overdue.reason}`
    return {
      name,
      words: `${relative(overdue.since ?? now, now)}, ${countWords(overdue.count, 'change')} not settled`,
      why: `These changes should have settled by now. No target is notified of them until they do${reason}`,
      tone: 'bad',
      href: pathWith('/', { status: 'settling', test: 'shown' }),
    }
  }
  const isLong = since !== null && now - since > longWait
  return {
    name,
    words: since === null || now - since < 1000 ? 'nothing waiting' : relative(since, now),
    why: 'The longest wait of a delivery that is due or will be retried, or of a change that should have settled',
    tone: isLong ? 'warn' : 'good',
    href: isLong ? pathWith('/', { status: 'queued,sending,retrying,held', test: 'shown' }) : null,
  }
}

const number = (count: number): string =>
  count >= maxCounted ? `${maxCounted.toLocaleString('en')} or more` : count.toLocaleString('en')

/** `98.2%`; never 100% when something failed, and a lower bound where counting stopped. */
function percent({ delivered, failed, retrying }: TargetHealth): string {
  const share = delivered / (delivered + failed + retrying)
  const tenths = Math.floor(share * 1000) / 10
  const words = tenths === 100 ? '100%' : `${tenths.toFixed(1)}%`
  return delivered >= maxCounted && tenths < 100 ? `≥ ${words}` : words
}

/** The success rate of the last 24 hours would hide what was given up before. */
function failing(
  { target, delivered, retrying }: TargetHealth,
  open: OpenFailures,
  circuit: { until: number | null; now: number },
): HealthItem {
  const paused =
    circuit.until === null ? '' : `, paused, next attempt ${relative(circuit.until, circuit.now)}`
  const count = open.count >= maxFailures ? `${number(maxFailures)} or more` : number(open.count)
  return {
    name: target,
    words: `${count} open ${open.count === 1 ? 'failure' : 'failures'}${paused}`,
    why: `Given up, and neither replayed nor dismissed. Last 24 hours: ${number(delivered)} delivered, ${number(retrying)} being retried`,
    tone: 'bad',
    href: pathWith('/', { status: 'failed', target, test: 'shown' }),
  }
}

function success(health: TargetHealth, openUntil: number | null, now: number): HealthItem {
  const { target, delivered, failed, retrying } = health
  const name = `${target}, 24 h`
  const total = delivered + failed + retrying
  const share = total === 0 ? 'nothing sent' : percent(health)
  const why = `Last 24 hours: ${number(delivered)} delivered, ${number(failed)} failed, ${number(retrying)} being retried`
  if (openUntil !== null) {
    const words = `${share}, paused, next attempt ${relative(openUntil, now)}`
    return { name, words, why, tone: 'bad', href: pathWith('/', { status: 'held', target, test: 'shown' }) }
  }
  const trouble = failed > 0 ? 'failed' : 'retrying'
  const isBad = failed + retrying > 0
  return {
    name,
    words: share,
    why,
    // Failures that were not dismissed are open failures, handled above.
    tone: isBad ? 'warn' : total === 0 ? 'quiet' : 'good',
    href: isBad ? pathWith('/', { status: trouble, target, time: '24h', test: 'shown' }) : null,
  }
}
