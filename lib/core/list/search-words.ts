import type { Change } from '../change/change.ts'
import { authorsOf } from '../change/change.ts'
import type { SourceEvent } from '../change/event.ts'
import { reconciledWord } from '../change/links.ts'

/** Characters of payload that are indexed, over all events of a change. */
const maxText = 20_000
/** Of one change: Postgres takes no vector of more than 1 MB. */
const maxWords = 5000
/** A longer run is not a word but base64 or a hash: its beginning is indexed. */
const maxLength = 40
/** Shorter words only match whole: as beginnings they would match half of the dictionary. */
const minBeginning = 4

// Scripts without blanks between words are indexed character by character.
const runs =
  /[[\p{L}\p{M}\p{N}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]]+|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]/gv

/** The words of these texts, each once: lower-case runs of letters, marks and digits. Both engines use these. */
export function wordsOf(texts: Iterable<string>): string[] {
  const words = new Set<string>()
  for (const text of texts) {
    for (const run of text.normalize('NFKC').toLowerCase().match(runs) ?? []) words.add(withinLength(run))
  }
  return [...words]
}

/** By code points, so that no surrogate pair is split. */
const withinLength = (run: string): string =>
  run.length <= maxLength ? run : [...run].slice(0, maxLength).join('')

export interface Term {
  word: string
  /** Any word with this beginning matches. */
  isBeginning: boolean
}

/** The terms of a query, all of which must match. Words beyond the twelfth are left out. */
export function termsOf(query: string): Term[] {
  const words = wordsOf([query]).slice(0, 12)
  return words.map((word) => ({ word, isBeginning: word.length >= minBeginning }))
}

type Searchable = Pick<Change, 'subject' | 'title' | 'actor' | 'detail'>

/** The words by which a settled change is found. */
export function changeWords(change: Searchable, events: SourceEvent[]): string[] {
  const { subject, title, detail } = change
  const { prompt, facts, message, problems, trace, name } = detail
  const texts = [
    subject,
    title,
    ...authorsOf(change),
    name?.slice(0, maxText) ?? '',
    message?.slice(0, maxText) ?? '',
    ...problems,
    ...(detail.reconciled === undefined ? [] : [reconciledWord]),
  ]
  for (const fact of facts) if ('label' in fact) texts.push(fact.label)
  if (trace) texts.push(trace.name ?? '', trace.user ?? '')
  if (prompt) texts.push(...prompt.labels, ...prompt.tags, prompt.commitMessage ?? '')
  return wordsOf([...texts, ...payloadTexts(events)]).slice(0, maxWords)
}

/**
 * The indexed texts of the events, up to `left` characters. Keys are indexed only in a prompt's config, where people choose
 * them.
 */
export function payloadTexts(events: SourceEvent[], left = maxText): string[] {
  const texts: string[] = []
  const take = (text: string) => {
    if (left <= 0) return
    texts.push(text.slice(0, left))
    left -= text.length
  }
  const walk = (value: unknown, withKeys: boolean, depth: number): void => {
    if (left <= 0 || depth > 50) return
    if (typeof value === 'string') take(value)
    else if (typeof value === 'number') take(String(value))
    else if (Array.isArray(value)) for (const one of value) walk(one, withKeys, depth + 1)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) {
        if (withKeys) take(key)
        walk(one, withKeys, depth + 1)
      }
    }
  }
  for (const event of events) {
    if (event.type !== 'prompt-version') walk(event, false, 0)
    else {
      for (const one of [event.text, event.user, event.commitMessage, event.tags, event.labels])
        walk(one, false, 0)
      walk(event.config, true, 0)
    }
  }
  return texts
}
