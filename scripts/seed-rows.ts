import { newId } from '#lib/base/id.ts'
import {
  type ChangeDetail,
  emptyDetail,
  type Fact,
  type FactKind,
  labelsOf,
} from '#lib/core/change/change.ts'
import type { PromptEvent } from '#lib/core/change/event.ts'
import { kinds } from '#lib/core/change/kinds.ts'
import { facetsOf } from '#lib/core/list/facets.ts'
import { changeWords, wordsOf } from '#lib/core/list/search-words.ts'
import type { AttemptRow, ChangeRow, DeliveryRow, EventRow } from '#lib/store/schema.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { deliveryOf } from './seed-deliveries.ts'
import {
  actors,
  type ChangeOptions,
  capital,
  labels,
  pick,
  projects,
  prompts,
  textOf,
  word,
} from './seed-words.ts'

/** A change with everything that belongs to it. */
export interface GeneratedChange {
  change: ChangeRow
  events: EventRow[]
  deliveries: DeliveryRow[]
  attempts: AttemptRow[]
  facets: string[]
  /** Its words, and those of its errors. */
  documents: { part: 0 | 1; words: string[] }[]
}

const shares: [FactKind, number][] = [
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
function pickKind(random: () => number): FactKind {
  let left = random() * 100
  for (const [kind, share] of shares) {
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

function changeOf({ random, at }: ChangeOptions): { row: ChangeRow; event: PromptEvent | null } {
  const kind = pickKind(random)
  const version = 1 + Math.floor(random() ** 2 * 60)
  const facts = factsOf(kind, version, random)
  const isPrompt = kinds[kind].about === 'prompt'
  const subject = isPrompt ? pick(random, prompts, 2) : `${capital(word(Math.floor(random() * 90)))} latency`
  const actor = isPrompt && random() < 0.85 ? pick(random, actors, 2) : null
  const projectId = projects[random() < 0.9 ? 0 : random() < 0.95 ? 1 : 2] ?? null
  const commitMessage = random() < 0.4 ? `Say ${word(Math.floor(random() * 8000))} first` : null
  const tags = [word(Math.floor(random() * 60))]
  const labelled = facts.flatMap(labelsOf)
  const prompt = { version, labels: labelled, labelsBefore: null, tags, promptType: 'text', commitMessage }
  const detail: ChangeDetail = {
    ...emptyDetail,
    facts,
    prompt: isPrompt ? { ...prompt, createdBy: null, eventId: null } : null,
    message: isPrompt ? null : `Latency of ${subject} is above 2 s`,
  }
  const event: PromptEvent | null = isPrompt
    ? {
        type: 'prompt-version',
        action: kind === 'version-created' ? 'created' : kind === 'deleted' ? 'deleted' : 'updated',
        projectId: projectId ?? '',
        name: subject,
        version,
        labels: labelled,
        tags,
        text: textOf(random),
        config: { model: random() < 0.7 ? 'gpt-5-mini' : 'claude-5' },
        commitMessage,
        user: actor === null ? null : { name: actor, email: null },
      }
    : null
  const isBad =
    kind === 'alert' || (['deleted', 'label-removed'].includes(kind) && labelled.includes('production'))
  const row = newChange({
    now: at,
    kind: facts[0]?.kind ?? kind,
    projectId,
    subject,
    version: isPrompt ? version : null,
    title: `${actor ?? 'Someone'}: ${kind} ${subject}${isPrompt ? ` v${version}` : ''}`,
    actor,
    danger: isBad,
    test: random() < 0.005,
    detail,
    eventCount: 1 + Math.floor(random() ** 3 * 3),
    dueAt: at + 2000,
    isSettled: true,
  })
  return { row, event }
}

function eventsOf(change: ChangeRow, event: PromptEvent | null): EventRow[] {
  const type = event ? 'prompt-version' : 'monitor-alert'
  return Array.from({ length: change.event_count }, (_, i) => {
    const id = newId('evt', change.opened_at + i)
    const body = Buffer.from(JSON.stringify({ id, type, prompt: event ?? { name: change.subject } }))
    return {
      id,
      source: 'langfuse-webhook',
      dedupe_key: `langfuse:${id}`,
      twin_key: null,
      change_id: change.id,
      type,
      action: event?.action ?? null,
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

const targets = ['slack', 'github', 'pagerduty']

/** A change as in the store of a busy team. */
export function generateChange(options: ChangeOptions): GeneratedChange {
  const { row: change, event } = changeOf(options)
  const detail = JSON.parse(change.detail) as ChangeDetail
  const { facts } = detail
  const pairs = targets.map((target) => deliveryOf(change, target, facts, options))
  const attempts = pairs.flatMap(([, all]) => all)
  const { subject, title, actor } = change
  const failed = pairs.flatMap(([{ target }, all]) =>
    all.flatMap(({ reason }) => (reason === null ? [] : [target, reason, subject, title])),
  )
  const words = changeWords({ subject, title, actor, detail }, event ? [event] : [])
  return {
    change,
    events: eventsOf(change, event),
    deliveries: pairs.map(([row]) => row),
    attempts,
    facets: facetsOf({ projectId: change.project_id, subject, detail }),
    documents: [
      { part: 0, words },
      ...(failed.length > 0 ? [{ part: 1 as const, words: wordsOf(failed) }] : []),
    ],
  }
}
