import { longDuration } from '#lib/base/duration.ts'
import { shownLine } from '#lib/base/visible.ts'
import type { Change } from '#lib/core/change/change.ts'
import { type ProjectDirectory, projectNameOf } from '#lib/core/rules/project-directory.ts'
import type { ListedChange } from '#lib/store/views/listed-changes.ts'
import type { Shown } from '../../_ui/plain.tsx'
import { authorsWords, foundWords, type KindWords, kindWords, versionWords } from '../_words/change-words.ts'
import { chipWords, type DeliveryContext } from '../_words/delivery-words.ts'
import { type LabelWords, labelWords } from '../_words/labels.tsx'
import { rowMark } from './row-mark.ts'

/**
 * Everything that a row shows, in words. They are sent to the browser a second time, as data: as markup, a row is five
 * times as long, and the change itself stays on the server.
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
  /** What the operator calls its project; null: nothing. */
  project: Shown | null
  /** For what is not about a prompt. */
  summary: Shown | null
  /** That no webhook reported it. */
  found: string | null
  eventCount: number
  actor: Shown | null
  deliveries: (ReturnType<typeof chipWords> & { id: string })[]
  /** Epoch milliseconds; `now`: when this was read. */
  at: number
  now: number
}

interface Context {
  now: number
  directory: Pick<ProjectDirectory, 'nameOf'>
  contextOf: (target: string) => DeliveryContext
}

export function rowWords(
  { change, deliveries }: ListedChange,
  { now, directory, contextOf }: Context,
): RowWords {
  const { prompt, omitted } = change.detail
  const summary = prompt ? null : summaryOf(change)
  const project = projectNameOf(directory, change)
  return {
    id: change.id,
    mark: rowMark({ change, deliveries }, contextOf),
    kind: kindWords(change),
    isSettling: change.status === 'settling',
    isDanger: change.danger,
    subject: shownLine(change.subject),
    versions: versionWords(change),
    labels: prompt ? labelWords(prompt.labelsBefore, prompt.labels, omitted) : null,
    project: project === null ? null : shownLine(project),
    summary: summary === null ? null : shownLine(summary),
    found: foundWords(change),
    eventCount: change.eventCount,
    actor: prompt || change.actor ? shownLine(authorsWords(change)) : null,
    deliveries: deliveries.map((one) => ({ id: one.id, ...chipWords(one, contextOf(one.target)) })),
    at: change.openedAt,
    now,
  }
}

const maxSummary = 300
/** Alerts are written in Markdown, whose marks only clutter a single line. */
const markdown = /\*\*|`/g

/** In place of labels: the message, or the title unless it only repeats the subject. */
function summaryOf({ title, subject, detail }: Change): string | null {
  const message = detail.message ?? (title.endsWith(subject) ? null : title)
  const words = detail.alert ? `After ${longDuration(detail.alert.forMs)}. ${message ?? ''}` : message
  return words === null ? null : words.slice(0, maxSummary).replace(markdown, '')
}
