import type { Change } from '../change/change.ts'
import { authorsOf } from '../change/change.ts'
import type { SourceEvent } from '../change/event.ts'

/** Characters of payload that are searched, over all events of a change. */
const maxText = 20_000
/** Of one change: Postgres takes no vector of more than 1 MB. */
const maxWords = 5000
/** What is longer is no word (base64, a hash): its beginning stands for it. */
const longest = 40
/** Shorter words are searched whole: as beginnings they would stand for half of the dictionary. */
const shortestBeginning = 4

// Scripts that put no blanks between words go in character by character.
const runs =
  /[[\p{L}\p{M}\p{N}]--[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]]+|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}]/gv

/** The words of these texts, each once: lower-case runs of letters, marks and digits. The same for both engines. */
export function wordsOf(texts: Iterable<string>): string[] {
  const words = new Set<string>()
  for (const text of texts) {
    for (const run of text.normalize('NFKC').toLowerCase().match(runs) ?? []) words.add(cut(run))
  }
  return [...words]
}

/** By code points: half of a surrogate pair is no text. */
const cut = (run: string): string => (run.length <= longest ? run : [...run].slice(0, longest).join(''))

export interface Term {
  word: string
  /** Any word that begins so will do. */
  isBeginning: boolean
}

/** What a search box asks for: all of these. Twelve words narrow down anything; more are left out. */
export function termsOf(query: string): Term[] {
  const words = wordsOf([query]).slice(0, 12)
  return words.map((word) => ({ word, isBeginning: word.length >= shortestBeginning }))
}

type Described = Pick<Change, 'subject' | 'title' | 'actor' | 'detail'>

/** The words by which a settled change is found. */
export function changeWords(change: Described, said: SourceEvent[]): string[] {
  const { subject, title, detail } = change
  const { prompt, facts, message, problems, trace, name } = detail
  const texts = [
    subject,
    title,
    ...authorsOf(change),
    name?.slice(0, maxText) ?? '',
    message?.slice(0, maxText) ?? '',
    ...problems,
  ]
  for (const fact of facts) if ('label' in fact) texts.push(fact.label)
  if (trace) texts.push(trace.name ?? '', trace.user ?? '')
  if (prompt) texts.push(...prompt.labels, ...prompt.tags, prompt.commitMessage ?? '')
  return wordsOf([...texts, ...payloadTexts(said)]).slice(0, maxWords)
}

/**
 * The texts of a payload that are searched, up to `left` characters. Keys of what we understand are our own words; a
 * prompt's config has keys that somebody chose.
 */
export function payloadTexts(said: SourceEvent[], left = maxText): string[] {
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
  for (const event of said) {
    if (event.type !== 'prompt-version') walk(event, false, 0)
    else {
      for (const one of [event.text, event.user, event.commitMessage, event.tags, event.labels])
        walk(one, false, 0)
      walk(event.config, true, 0)
    }
  }
  return texts
}
