import { longDuration } from '#lib/base/duration.ts'
import { shownLine } from '#lib/base/visible.ts'
import type { Change } from '#lib/core/change/change.ts'
import type { ListedChange } from '#lib/store/views/dashboard.ts'
import type { Shown } from '../../_ui/plain.tsx'
import { authorsWords, type KindWords, kindWords, versionWords } from '../_words/change-words.ts'
import { chipWords, type DeliveryContext } from '../_words/delivery-words.ts'
import { type LabelWords, labelWords } from '../_words/labels.tsx'
import { rowMark } from './row-mark.ts'

/**
 * All that a row of the list says, in words: they go to the browser once more with the page, where a row's markup is
 * five times as long, and what the words are made of stays on the server.
 */
export interface RowWords {
  /** Of the change. */
  id: string
  mark: string
  kind: KindWords
  isSettling: boolean
  isDanger: boolean
  subject: Shown
  versions: string | null
  labels: LabelWords | null
  /** Of what is not about a prompt. */
  told: Shown | null
  eventCount: number
  actor: Shown | null
  deliveries: (ReturnType<typeof chipWords> & { id: string })[]
  /** Epoch milliseconds; `now`: when this was said. */
  at: number
  now: number
}

interface Context {
  now: number
  contextOf: (target: string) => DeliveryContext
}

export function rowWords({ change, deliveries }: ListedChange, { now, contextOf }: Context): RowWords {
  const { prompt, omitted } = change.detail
  const told = prompt ? null : toldWords(change)
  return {
    id: change.id,
    mark: rowMark({ change, deliveries }, contextOf),
    kind: kindWords(change),
    isSettling: change.status === 'settling',
    isDanger: change.danger,
    subject: shownLine(change.subject),
    versions: versionWords(change),
    labels: prompt ? labelWords(prompt.labelsBefore, prompt.labels, omitted) : null,
    told: told === null ? null : shownLine(told),
    eventCount: change.eventCount,
    actor: prompt || change.actor ? shownLine(authorsWords(change)) : null,
    deliveries: deliveries.map((one) => ({ id: one.id, ...chipWords(one, contextOf(one.target)) })),
    at: change.openedAt,
    now,
  }
}

const longestWords = 300
/** Alerts are told in Markdown; in one line its marks only stand in the way. */
const markdown = /\*\*|`/g

/** What is not about a prompt has no labels; its own words say more, unless they only repeat the subject. */
function toldWords({ title, subject, detail }: Change): string | null {
  const told = detail.message ?? (title.endsWith(subject) ? null : title)
  const words = detail.alert ? `After ${longDuration(detail.alert.forMs)}. ${told ?? ''}` : told
  return words === null ? null : words.slice(0, longestWords).replace(markdown, '')
}
