import { align, type Effort, type Run } from './align.ts'
import { itemsOf, type PromptItem, type PromptShape, shapeOf } from './prompt-text.ts'

/** One piece of a prompt (a message, a placeholder or the whole text prompt) before and after. */
export interface Section {
  kind: 'same' | 'added' | 'removed' | 'changed'
  title: string
  /** Lines without their ends. CRLF counts as LF; joined with LF they are the text. */
  before: string[]
  after: string[]
  runs: Run[]
  /** A sentence about what lines cannot show: changed line endings, a text prompt that became a chat. */
  note: string | null
  coarse: boolean
}

/**
 * Aligns two prompts by their pieces, in order, and each changed piece by its lines. Equal pieces are paired first, then
 * those of the same title (role) between them. A moved piece is removed in one place and added in the other.
 */
export function sectionsOf(before: unknown, after: unknown, effort: Effort): Section[] {
  const became = shapeNote(shapeOf(before), shapeOf(after))
  const [left, right] = became
    ? titledAlike(itemsOf(before), itemsOf(after))
    : [bounded(itemsOf(before)), bounded(itemsOf(after))]
  const whole = ({ title, text }: PromptItem): string => JSON.stringify([title, text])
  const items = align(left.map(whole), right.map(whole), maxEdits, effort)
  const pairs: [PromptItem | null, PromptItem | null][] = []
  for (const run of items.runs) {
    const removed = left.slice(run.before, run.beforeEnd)
    const added = right.slice(run.after, run.afterEnd)
    const titles = align(removed.map(nameOf), added.map(nameOf), maxEdits, effort)
    for (const part of titles.runs) {
      const olds = removed.slice(part.before, part.beforeEnd)
      const news = added.slice(part.after, part.afterEnd)
      if (part.same) olds.forEach((old, i) => void pairs.push([old, news[i] ?? null]))
      else {
        for (const old of olds) pairs.push([old, null])
        for (const one of news) pairs.push([null, one])
      }
    }
  }
  const split = pairs.map(([old, one]) => {
    const note = old && one ? (became ?? lineEndingNote(old.text, one.text)) : null
    return { old, one, before: linesOf(old), after: linesOf(one), note }
  })
  return split.map((pair) => sectionOf(pair, items.coarse, effort))
}

interface ItemPair {
  old: PromptItem | null
  one: PromptItem | null
  before: string[]
  after: string[]
  note: string | null
}

/** 500 edits take about 15 ms. */
const maxEdits = 500

/** More messages than any prompt has; those beyond become one piece. */
const maxItems = 2_000

function bounded(items: PromptItem[]): PromptItem[] {
  if (items.length <= maxItems) return items
  const text = items.slice(maxItems).map((item) => `[${item.title}]\n${item.text}`)
  return [
    ...items.slice(0, maxItems),
    { title: 'further messages', text: text.join('\n'), placeholder: null },
  ]
}

function shapeNote(before: PromptShape, after: PromptShape): string | null {
  if (before === 'text' && after === 'chat') return 'The text prompt became a chat prompt.'
  return before === 'chat' && after === 'text' ? 'The chat prompt became a text prompt.' : null
}

/** The text is compared with the first message of the chat, under that message's title. */
function titledAlike(left: PromptItem[], right: PromptItem[]): [PromptItem[], PromptItem[]] {
  const first = [...left, ...right].find(({ title, placeholder }) => title !== 'text' && placeholder === null)
  const rename = (items: PromptItem[]): PromptItem[] =>
    items.map((item) => (item.title === 'text' && first ? { ...item, title: first.title } : item))
  return [bounded(rename(left)), bounded(rename(right))]
}

/** A placeholder is nothing but its name, so it never becomes another one. */
const nameOf = ({ title, placeholder }: PromptItem): string => JSON.stringify([title, placeholder])

function sectionOf({ old, one, before, after, note }: ItemPair, coarse: boolean, effort: Effort): Section {
  const isSame = old !== null && one !== null && old.text === one.text && note === null
  const { runs, ...lines } = align(before, after, maxEdits, effort)
  return {
    kind: isSame ? 'same' : old === null ? 'added' : one === null ? 'removed' : 'changed',
    title: (one ?? old)?.title ?? '',
    before,
    after,
    runs,
    note,
    coarse: lines.coarse || (coarse && !isSame),
  }
}

/** An empty text has no lines; any other has one more than it has line ends. */
function linesOf(item: PromptItem | null): string[] {
  return item === null || item.text === '' ? [] : toLf(item.text).split('\n')
}

const toLf = (text: string): string => text.replaceAll('\r\n', '\n')

function lineEndingNote(before: string, after: string): string | null {
  if (before === after) return null
  if (toLf(before) === toLf(after)) return 'Only line endings changed.'
  const [was, is] = [before, after].map((text) => (text.includes('\r\n') ? 'CRLF' : 'LF'))
  const haveMany = before.includes('\n') && after.includes('\n')
  return was !== is && haveMany ? `Line endings changed from ${was} to ${is}.` : null
}
