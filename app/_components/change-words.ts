import type { Change, Fact, FactKind } from '#lib/change.ts'
import type { IconName } from './icons.tsx'

export type Tone = 'accent' | 'good' | 'warn' | 'bad' | 'quiet'

export interface KindWords {
  word: string
  tone: Tone
  icon: IconName
}

const kinds: Record<FactKind, KindWords> = {
  deleted: { word: 'Deleted', tone: 'bad', icon: 'trash' },
  'version-created': { word: 'New version', tone: 'accent', icon: 'plus' },
  promoted: { word: 'Promoted', tone: 'good', icon: 'up' },
  'rolled-back': { word: 'Rolled back', tone: 'warn', icon: 'back' },
  'label-removed': { word: 'Label removed', tone: 'warn', icon: 'minus' },
  'label-added': { word: 'Label added', tone: 'good', icon: 'tag' },
  'tags-changed': { word: 'Tags', tone: 'quiet', icon: 'hash' },
  'first-seen': { word: 'First seen', tone: 'quiet', icon: 'eye' },
  alert: { word: 'Alert', tone: 'bad', icon: 'alert' },
  recovered: { word: 'Recovered', tone: 'good', icon: 'check' },
  notification: { word: 'Notification', tone: 'warn', icon: 'bell' },
  'given-up': { word: 'Given up', tone: 'bad', icon: 'cross' },
  unchanged: { word: 'Unchanged', tone: 'quiet', icon: 'equal' },
  unrecognised: { word: 'Unrecognised', tone: 'quiet', icon: 'question' },
}

/** What happened, in a word. While a change settles, nobody knows yet. */
export function kindWords({ kind, status }: Pick<Change, 'kind' | 'status'>): KindWords {
  return status === 'settling' ? { word: 'Settling', tone: 'quiet', icon: 'clock' } : kinds[kind]
}

export const kindWord = (kind: FactKind): string => kinds[kind].word

const list = (versions: number[]): string =>
  versions
    .toSorted((a, b) => a - b)
    .map((version) => `v${version}`)
    .join(', ')

const mostVersions = 4

/** `v7`, `v6 → v7`, `v1, v2, v3`, `9 versions`; null for what has no version. */
export function versionWords({ version, detail }: Pick<Change, 'version' | 'detail'>): string | null {
  const moves = detail.facts.filter((fact) => fact.kind === 'promoted' || fact.kind === 'rolled-back')
  const move = moves.find(({ label }) => label === 'production') ?? moves[0]
  if (move) return `v${move.from} → v${move.to}`
  const deleted = detail.facts.find((fact) => fact.kind === 'deleted')
  if (deleted && deleted.versions.length > mostVersions) return `${deleted.versions.length} versions`
  if (deleted) return list(deleted.versions)
  return version === null ? null : `v${version}`
}

/** Langfuse names nobody for what comes through its API. */
export const actorWords = (actor: string | null): string =>
  actor === null ? 'unknown' : actor === 'API' ? 'Langfuse API' : actor

const joined = (words: string[]): string => (words.length === 0 ? 'none' : words.join(', '))

/** One fact as a line of text. */
export function factWords(fact: Fact): string {
  switch (fact.kind) {
    case 'version-created':
      return `v${fact.version} created, labels: ${joined(fact.labels)}`
    case 'promoted':
    case 'rolled-back':
      return `${fact.label}: v${fact.from} → v${fact.to}`
    case 'label-added':
      return `${fact.label} put on v${fact.to}`
    case 'label-removed':
      return `${fact.label} taken off v${fact.from}`
    case 'tags-changed':
      return `tags added: ${joined(fact.added)}; removed: ${joined(fact.removed)}`
    case 'deleted':
      return `${list(fact.versions)} deleted${fact.whole ? ', no known version is left' : ''}`
    case 'first-seen':
      return `v${fact.version} seen for the first time, labels: ${joined(fact.labels)}`
    case 'alert':
    case 'recovered':
      return `severity ${fact.severity}`
    case 'notification':
      return `${fact.eventType}, severity ${fact.severity}`
    case 'given-up':
      return `${fact.count} deliveries to ${fact.target} given up`
    case 'unchanged':
      return 'nothing visible changed'
    case 'unrecognised':
      return 'signed, but of a shape that is not known'
  }
}
