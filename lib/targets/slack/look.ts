import {
  type AlertTone,
  notificationTone,
  notificationWord,
  severityWords,
} from '../../core/change/alert-words.ts'
import type { Change, FactKind } from '../../core/change/change.ts'
import { kindNames } from '../../core/change/kinds.ts'

interface Look {
  words: string
  icon: string
  /** Of the bar beside the card. */
  color: string
}

const kinds: Record<FactKind, Omit<Look, 'words'>> = {
  'version-created': { icon: '🆕', color: '#2563eb' },
  promoted: { icon: '🚀', color: '#16a34a' },
  'rolled-back': { icon: '⏪', color: '#d97706' },
  'label-added': { icon: '🏷️', color: '#16a34a' },
  'label-removed': { icon: '🏷️', color: '#d97706' },
  'tags-changed': { icon: '🔖', color: '#6b7280' },
  deleted: { icon: '🗑️', color: '#d97706' },
  'first-seen': { icon: '👀', color: '#6b7280' },
  alert: { icon: '🔔', color: '#d97706' },
  recovered: { icon: '✅', color: '#16a34a' },
  notification: { icon: '📣', color: '#d97706' },
  'error-trace': { icon: '🔥', color: '#dc2626' },
  trace: { icon: '🔎', color: '#2563eb' },
  score: { icon: '📊', color: '#d97706' },
  'trace-callback': { icon: '👉', color: '#2563eb' },
  'given-up': { icon: '⛔', color: '#dc2626' },
  trouble: { icon: '⚠️', color: '#dc2626' },
  'trouble-over': { icon: '✅', color: '#16a34a' },
  undescribed: { icon: '❔', color: '#dc2626' },
  unchanged: { icon: '▫️', color: '#6b7280' },
  unrecognised: { icon: '❔', color: '#6b7280' },
}
export const danger = '#dc2626'

const tones: Record<AlertTone, { icon: string; color: string }> = {
  bad: { icon: '🔔', color: danger },
  warn: { icon: '⚠️', color: '#d97706' },
  good: { icon: '✅', color: '#16a34a' },
  quiet: { icon: '🔕', color: '#6b7280' },
}

/** How a change looks; an alert by its severity, a notification by its type too. */
export function lookOf({ kind, danger: isDanger, detail }: Pick<Change, 'kind' | 'danger' | 'detail'>): Look {
  const [fact] = detail.facts
  if (fact?.kind === 'alert' || fact?.kind === 'recovered') {
    const { word, tone } = severityWords(fact.severity)
    return { words: word, ...tones[tone] }
  }
  if (fact?.kind === 'notification') {
    const { color } = tones[notificationTone(fact.severity)]
    return { ...kinds.notification, words: notificationWord(fact.eventType), color }
  }
  const { icon, color } = kinds[kind]
  return { words: kindNames[kind], icon, color: isDanger ? danger : color }
}
