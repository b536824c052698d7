import {
  type AlertTone,
  notificationTone,
  notificationWord,
  severityWords,
} from '#lib/core/change/alert-words.ts'
import { burstWords } from '#lib/core/change/burst.ts'
import type { Change, Fact, FactKind } from '#lib/core/change/change.ts'
import { authorOf, authorsOf } from '#lib/core/change/change.ts'
import { withheldWords } from '#lib/core/change/describe-callback.ts'
import { isBurstKind, kindOf, type Tone } from '#lib/core/change/kinds.ts'
import { troubleWords } from '#lib/core/trouble/trouble.ts'
import type { IconName } from '../../_ui/icons.tsx'

export interface KindWords {
  word: string
  tone: Tone
  icon: IconName
}

function wordsOfKind(kind: FactKind): KindWords {
  const { name, tone, icon } = kindOf(kind)
  return { word: name, tone, icon }
}

const icons: Record<AlertTone, IconName> = { bad: 'alert', warn: 'alert', good: 'check', quiet: 'question' }

/** By Langfuse's severity; null: neither an alert nor a notification. */
function alertWords(fact: Fact | undefined): KindWords | null {
  if (fact?.kind === 'alert' || fact?.kind === 'recovered') {
    const { word, tone } = severityWords(fact.severity)
    return { word, tone, icon: icons[tone] }
  }
  if (fact?.kind !== 'notification') return null
  return { ...wordsOfKind(fact.kind), tone: notificationTone(fact.severity) }
}

/** What happened, in a word or two; not known before the change has settled. */
export function kindWords({
  kind,
  status,
  detail,
}: Pick<Change, 'kind' | 'status'> & { detail?: Pick<Change['detail'], 'facts'> }): KindWords {
  if (status === 'settling' && isBurstKind(kind)) return { word: 'Gathering', tone: 'quiet', icon: 'clock' }
  if (status === 'settling') return { word: 'Settling', tone: 'quiet', icon: 'clock' }
  return alertWords(detail?.facts[0]) ?? wordsOfKind(kind)
}

const list = (versions: number[]): string =>
  versions
    .toSorted((a, b) => a - b)
    .map((version) => `v${version}`)
    .join(', ')

const maxVersions = 4

/** `v7`, `v6 → v7`, `v1, v2, v3`, `9 versions`; null: the change has no version. */
export function versionWords({ version, detail }: Pick<Change, 'version' | 'detail'>): string | null {
  const moves = detail.facts.filter((fact) => fact.kind === 'promoted' || fact.kind === 'rolled-back')
  const move = moves.find(({ label }) => label === 'production') ?? moves[0]
  if (move) return `v${move.from} → v${move.to}`
  const deleted = detail.facts.find((fact) => fact.kind === 'deleted')
  if (deleted && deleted.versions.length > maxVersions) return `${deleted.versions.length} versions`
  if (deleted) return list(deleted.versions)
  return version === null ? null : `v${version}`
}

/** Langfuse names no one for changes through its API. */
export const actorWords = (actor: string | null): string =>
  actor === null ? 'unknown' : actor === 'API' ? 'Langfuse API' : actor

export const moreWords = (count: number): string => `and ${count.toLocaleString('en')} more`

/** Names, and how many more there are. */
export const namesWords = (names: readonly string[], omitted = 0): string =>
  omitted > 0 ? `${names.join(', ')} ${moreWords(omitted)}` : names.join(', ')

const joined = (words: string[], omitted?: number): string =>
  words.length === 0 ? 'none' : namesWords(words, omitted)

function callbackWords({ withheld, confirmed }: Extract<Fact, { kind: 'trace-callback' }>): string {
  if (withheld !== undefined) return `look requested, but ${withheldWords[withheld]}: no target was notified`
  return confirmed ? 'look requested; Langfuse knows it' : 'look requested; not confirmed by Langfuse'
}

function lossWords({ label, from, now }: Extract<Fact, { kind: 'label-removed' }>): string {
  if (now === 'newer') return `${label} left v${from}; its new version is unknown`
  const lost = `${label} removed from v${from}`
  return now === 'unknown' ? `${lost}; no version is known to carry it` : lost
}

/** Everyone who did something in a change; if no one is known, who did it by a webhook that came late. */
export function authorsWords(change: Pick<Change, 'actor' | 'detail'>): string {
  const authors = authorsOf(change)
  const late = change.detail.reconciled?.late?.by ?? null
  return authors.length > 0 ? authors.map(actorWords).join(', ') : actorWords(late)
}

/** Beside a change that no webhook reported; null: one did. */
export const foundWords = ({ detail: { reconciled } }: Pick<Change, 'detail'>): string | null =>
  reconciled ? 'found by comparing' : null

/** A fact, with its author where several people made the change. */
export function authoredFactWords(fact: Fact, change: Pick<Change, 'actor' | 'detail'>): string {
  const words = factWords(fact)
  if ('revealed' in fact && fact.revealed === true) return `${words}, seen now but changed earlier`
  return authorsOf(change).length > 1 ? `${words}, by ${actorWords(authorOf(fact, change))}` : words
}

export function factWords(fact: Fact): string {
  switch (fact.kind) {
    case 'version-created':
      return `v${fact.version} created, labels: ${joined(fact.labels, fact.omitted)}`
    case 'promoted':
    case 'rolled-back':
      return `${fact.label}: v${fact.from} → v${fact.to}`
    case 'label-added':
      return `${fact.label} put on v${fact.to}`
    case 'label-removed':
      return lossWords(fact)
    case 'tags-changed':
      return `tags added: ${joined(fact.added)}; removed: ${joined(fact.removed)}${fact.omitted ? ` ${moreWords(fact.omitted)}` : ''}`
    case 'deleted':
      return `${fact.versions.length > 50 ? `${fact.versions.length} versions` : list(fact.versions)} deleted${fact.whole ? ', no known version is left' : ''}`
    case 'first-seen':
      return `v${fact.version} seen for the first time, labels: ${joined(fact.labels, fact.omitted)}`
    case 'alert':
    case 'recovered':
      return `severity ${fact.severity}`
    case 'notification':
      return `${notificationWord(fact.eventType)}, severity ${fact.severity}`
    case 'error-trace':
    case 'trace':
    case 'score':
      return burstWords(fact, undefined)
    case 'trouble':
    case 'trouble-over':
      return `${troubleWords(fact)}${fact.kind === 'trouble' ? '' : ': resolved'}`
    case 'trace-callback':
      return callbackWords(fact)
    case 'given-up':
      return `${fact.count} deliveries to ${fact.target} given up`
    case 'wrong-project':
      return `signed for ${fact.signedFor}, but of the project ${fact.named}`
    case 'corrected':
      return `${fact.prompts} prompts corrected: ${joined(fact.names, fact.prompts - fact.names.length)}`
    case 'undescribed':
      return `its events could not be interpreted in ${fact.failures} tries`
    case 'unchanged':
      return 'nothing visible changed'
    case 'unrecognised':
      return 'signed, but of an unknown shape'
  }
}
