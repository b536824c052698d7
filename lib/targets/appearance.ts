import {
  type AlertTone,
  notificationTone,
  notificationWord,
  severityWords,
} from '../core/change/alert-words.ts'
import type { Change } from '../core/change/change.ts'
import { kindOf, kinds, type Tone } from '../core/change/kinds.ts'

interface Look {
  words: string
  icon: string
  /** Of the bar beside the card. */
  color: string
}

const colors: Record<Tone, string> = {
  bad: '#dc2626',
  warn: '#d97706',
  good: '#16a34a',
  accent: '#2563eb',
  quiet: '#6b7280',
}
export const danger = colors.bad
export const neutral = colors.accent

const alertIcons: Record<AlertTone, string> = { bad: '🔔', warn: '⚠️', good: '✅', quiet: '🔕' }

/** How a change looks; an alert by its severity, a notification by its type too. */
export function lookOf({ kind, danger: isDanger, detail }: Pick<Change, 'kind' | 'danger' | 'detail'>): Look {
  const [fact] = detail.facts
  if (fact?.kind === 'alert' || fact?.kind === 'recovered') {
    const { word, tone } = severityWords(fact.severity)
    return { words: word, icon: alertIcons[tone], color: colors[tone] }
  }
  if (fact?.kind === 'notification') {
    const tone = notificationTone(fact.severity)
    return { words: notificationWord(fact.eventType), icon: kinds.notification.emoji, color: colors[tone] }
  }
  const { name, emoji, tone } = kindOf(kind)
  return { words: name, icon: emoji, color: isDanger ? danger : colors[tone] }
}
