import { type ChangeDetail, emptyDetail, type Fact, type FactKind } from '#lib/change.ts'
import { httpClassOf } from '#lib/db/deliveries.ts'
import type { AttemptRow, ChangeRow, DeliveryRow, EventRow } from '#lib/db/schema.ts'
import type { PromptEvent } from '#lib/event.ts'
import { facetsOf } from '#lib/facets.ts'
import { newId } from '#lib/id.ts'
import { changeWords, wordsOf } from '#lib/search-words.ts'

/** One change with all that belongs to it. */
export interface Made {
  change: ChangeRow
  events: EventRow[]
  deliveries: DeliveryRow[]
  attempts: AttemptRow[]
  facets: string[]
  /** Words by part: what it says, and what failed. */
  documents: { part: 0 | 1; words: string[] }[]
}

/** mulberry32: the same numbers for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const syllables = 'ba co di fe gu ha jo ki la mo ne pu ra so ti vu we xa yo zi'.split(' ')
const syllable = (n: number) => syllables[n % 20] ?? ''
/** 8,000 words. */
const word = (n: number) => `${syllable(n)}${syllable(Math.floor(n / 20))}${syllable(Math.floor(n / 400))}n`
const folders = 'support billing search onboarding agents eval legal sales growth internal'.split(' ')
export const prompts = Array.from(
  { length: 2000 },
  (_, i) => `${folders[i % 10]}/${i % 3 === 0 ? `team-${i % 40}/` : ''}${word(i * 3)}-${word(i * 7 + 1)}`,
)
export const labels = [
  'production',
  'staging',
  'canary',
  ...Array.from({ length: 40 }, (_, i) => `eval-${i}`),
]
const actors = Array.from({ length: 80 }, (_, i) => `${capital(word(i * 11))} ${capital(word(i * 17 + 5))}`)
const projects = ['cm1q7ayx2000008l2g7rz3v5k', 'cm2w4bmd1000108jv9h3kq6pt', 'cm3z8cfe0000208ky5t1xw2rn']

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

const kinds: [FactKind, number][] = [
  ['version-created', 40],
  ['promoted', 22],
  ['tags-changed', 12],
  ['label-added', 8],
  ['alert', 5],
  ['recovered', 4],
  ['rolled-back', 3],
  ['unchanged', 2.6],
  ['label-removed', 1.2],
  ['notification', 1],
  ['deleted', 0.8],
  ['first-seen', 0.2],
  ['unrecognised', 0.2],
]
const reasons: [number | null, string][] = [
  [502, 'The target answered 502 Bad Gateway.'],
  [503, 'The target answered 503: it is overloaded.'],
  [null, 'No answer within 10 seconds (timeout).'],
  [null, 'The connection was reset.'],
  [429, 'A rate limit: the target asks to wait.'],
  [404, 'GitHub answered 404: the token cannot see acme/prompts, or it does not exist.'],
  [403, 'Slack answered action_prohibited: an administrator has blocked the webhook.'],
]

interface Making {
  random: () => number
  /** Epoch milliseconds of the opening. */
  at: number
  /** Still on its way: not all is delivered yet. */
  isFresh: boolean
}

const pick = <T>(random: () => number, values: readonly T[], power = 1): T =>
  values[Math.floor(random() ** power * values.length)] as T

function pickKind(random: () => number): FactKind {
  let left = random() * 100
  for (const [kind, share] of kinds) {
    left -= share
    if (left < 0) return kind
  }
  return 'version-created'
}

function factsOf(kind: FactKind, version: number, random: () => number): Fact[] {
  const label = pick(random, labels, 4)
  switch (kind) {
    case 'version-created': {
      const created: Fact = { kind, version, labels: random() < 0.2 ? [label] : [] }
      const moved: Fact = { kind: 'promoted', label, from: version - 1, to: version }
      return random() < 0.15 ? [{ ...created, labels: [label] }, moved] : [created]
    }
    case 'promoted':
      return [{ kind, label, from: Math.max(1, version - 1), to: version }]
    case 'rolled-back':
      return [{ kind, label, from: version + 1, to: version }]
    case 'label-added':
      return [{ kind, label, to: version }]
    case 'label-removed':
      return [{ kind, label, from: version }]
    case 'tags-changed':
      return [{ kind, added: [word(Math.floor(random() * 60))], removed: [] }]
    case 'deleted':
      return [{ kind, versions: [version], labels: random() < 0.3 ? [label] : [], whole: random() < 0.1 }]
    case 'first-seen':
      return [{ kind, version, labels: [label] }]
    case 'alert':
    case 'recovered':
      return [{ kind, severity: kind === 'alert' ? 'ALERT' : 'OK', monitorId: `mon_${version}` }]
    case 'notification':
      return [{ kind, eventType: 'evaluator-blocked', severity: 'ALERT' }]
    default:
      return [{ kind: kind === 'unrecognised' ? kind : 'unchanged' }]
  }
}

/** Some 30 words: "customer" in every second, "chargeback" in one of 10,000, the rest from a dictionary of 8,000. */
function textOf(random: () => number): string {
  const words = Array.from({ length: 25 }, () => word(Math.floor(random() ** 3 * 8000)))
  if (random() < 0.5) words.unshift('Help', 'the', 'customer')
  if (random() < 0.02) words.push('voucher')
  if (random() < 0.0001) words.push('chargeback')
  return words.join(' ')
}

function changeOf({ random, at }: Making): { row: ChangeRow; said: PromptEvent | null } {
  const kind = pickKind(random)
  const version = 1 + Math.floor(random() ** 2 * 60)
  const facts = factsOf(kind, version, random)
  const isPrompt = !['alert', 'recovered', 'notification', 'unrecognised'].includes(kind)
  const subject = isPrompt ? pick(random, prompts, 2) : `${capital(word(Math.floor(random() * 90)))} latency`
  const actor = isPrompt && random() < 0.85 ? pick(random, actors, 2) : null
  const projectId = projects[random() < 0.9 ? 0 : random() < 0.95 ? 1 : 2] ?? null
  const commitMessage = random() < 0.4 ? `Say ${word(Math.floor(random() * 8000))} first` : null
  const tags = [word(Math.floor(random() * 60))]
  const told = facts.flatMap((fact) => ('label' in fact ? [fact.label] : 'labels' in fact ? fact.labels : []))
  const prompt = { version, labels: told, labelsBefore: null, tags, promptType: 'text', commitMessage }
  const detail: ChangeDetail = {
    ...emptyDetail,
    facts,
    prompt: isPrompt ? { ...prompt, createdBy: null, eventId: null } : null,
    message: isPrompt ? null : `Latency of ${subject} is above 2 s`,
  }
  const said: PromptEvent | null = isPrompt
    ? {
        type: 'prompt-version',
        action: kind === 'version-created' ? 'created' : kind === 'deleted' ? 'deleted' : 'updated',
        projectId: projectId ?? '',
        name: subject,
        version,
        labels: told,
        tags,
        text: textOf(random),
        config: { model: random() < 0.7 ? 'gpt-5-mini' : 'claude-5' },
        commitMessage,
        user: actor === null ? null : { name: actor, email: null },
      }
    : null
  const isBad =
    kind === 'alert' || (['deleted', 'label-removed'].includes(kind) && told.includes('production'))
  const row: ChangeRow = {
    id: newId('chg', at),
    open_key: null,
    kind: facts[0]?.kind ?? kind,
    status: 'settled',
    project_id: projectId,
    subject,
    version: isPrompt ? version : null,
    title: `${actor ?? 'Someone'}: ${kind} ${subject}${isPrompt ? ` v${version}` : ''}`,
    actor,
    danger: isBad ? 1 : 0,
    test: random() < 0.005 ? 1 : 0,
    detail: JSON.stringify(detail),
    event_count: 1 + Math.floor(random() ** 3 * 3),
    opened_at: at,
    due_at: at + 2000,
    next_at: null,
    settled_at: at + 2000,
  }
  return { row, said }
}

function eventsOf(change: ChangeRow, said: PromptEvent | null): EventRow[] {
  const type = said ? 'prompt-version' : 'monitor-alert'
  return Array.from({ length: change.event_count }, (_, i) => {
    const id = newId('evt', change.opened_at + i)
    const body = Buffer.from(JSON.stringify({ id, type, prompt: said ?? { name: change.subject } }))
    return {
      id,
      source: 'langfuse-webhook',
      dedupe_key: `langfuse:${id}`,
      twin_key: null,
      change_id: change.id,
      type,
      action: said?.action ?? null,
      project_id: change.project_id,
      subject: change.subject,
      version: change.version,
      occurred_at: change.opened_at + i,
      received_at: change.opened_at + i,
      headers: '{"content-type":"application/json"}',
      signature: 'v1',
      secret_hint: 'c0de',
      size: body.byteLength,
      body,
    }
  })
}

function isWanted(target: string, facts: Fact[], danger: number): boolean {
  if (target === 'slack') return !facts.some(({ kind }) => kind === 'unchanged' || kind === 'unrecognised')
  if (target === 'pagerduty') return danger === 1
  return facts.some((fact) => 'label' in fact && fact.label === 'production')
}

const unsent: [null, string] = [null, 'A dry run: nothing was sent']

function deliveryOf(
  change: ChangeRow,
  target: string,
  facts: Fact[],
  { random, isFresh }: Making,
): [DeliveryRow, AttemptRow[]] {
  const at = change.opened_at + 2000
  const id = newId('dlv', at)
  const luck = random()
  const ended = luck < 0.006 ? 'failed' : luck < 0.007 ? 'cancelled' : luck < 0.008 ? 'dry-run' : 'delivered'
  const begun = luck < 0.4 ? 'queued' : luck < 0.5 ? 'sending' : luck < 0.8 ? 'retrying' : 'delivered'
  const status = !isWanted(target, facts, change.danger) ? 'skipped' : isFresh ? begun : ended
  const tries =
    { skipped: 0, queued: 0, sending: 0, cancelled: 1, failed: 4, retrying: 2 }[status as string] ?? 1
  const hasHiccup = status === 'delivered' && random() < 0.03
  const length = tries + (hasHiccup ? 1 : 0)
  const attempts = Array.from({ length }, (_, i): AttemptRow => {
    const isGood = status === 'delivered' && i === length - 1
    const [code, reason] = isGood ? [200, null] : status === 'dry-run' ? unsent : pick(random, reasons)
    const isLast = i === length - 1
    const end = status === 'failed' || status === 'dry-run' ? status : 'retry'
    return {
      delivery_id: id,
      number: i + 1,
      started_at: at + i * 5000,
      duration_ms: 80 + Math.floor(random() * 500),
      outcome: isGood ? 'delivered' : isLast ? end : 'retry',
      status_code: code,
      reason,
      request: '{"text":"…"}',
      response: isGood ? 'ok' : null,
    }
  })
  const last = attempts.at(-1)
  const isWaiting = status === 'queued' || status === 'sending' || status === 'retrying'
  const row: DeliveryRow = {
    id,
    change_id: change.id,
    target,
    status,
    rule: status === 'skipped' ? `to ${target}: ${change.kind} is not promoted` : `to ${target}`,
    fact: status === 'skipped' ? 'null' : JSON.stringify(facts[0] ?? null),
    attempt: attempts.length + (status === 'sending' ? 1 : 0),
    failures: attempts.filter(({ reason }) => reason !== null).length,
    next_at: isWaiting ? at + 600_000 : null,
    reason: status === 'delivered' ? null : (last?.reason ?? null),
    created_at: at,
    finished_at: isWaiting ? null : at + 300,
    http_class: last ? httpClassOf(last.status_code) : null,
  }
  return [row, attempts]
}

const targets = ['slack', 'github', 'pagerduty']

/** One change as a busy team's store holds it. */
export function makeChange(making: Making): Made {
  const { row: change, said } = changeOf(making)
  const detail = JSON.parse(change.detail) as ChangeDetail
  const { facts } = detail
  const pairs = targets.map((target) => deliveryOf(change, target, facts, making))
  const attempts = pairs.flatMap(([, all]) => all)
  const { subject, title, actor } = change
  const failed = pairs.flatMap(([{ target }, all]) =>
    all.flatMap(({ reason }) => (reason === null ? [] : [target, reason, subject, title])),
  )
  const words = changeWords({ subject, title, actor, detail }, said ? [said] : [])
  return {
    change,
    events: eventsOf(change, said),
    deliveries: pairs.map(([row]) => row),
    attempts,
    facets: facetsOf({ projectId: change.project_id, subject, detail }),
    documents: [
      { part: 0, words },
      ...(failed.length > 0 ? [{ part: 1 as const, words: wordsOf(failed) }] : []),
    ],
  }
}
