import { createHash } from 'node:crypto'

/** Postgres takes no index entry above 2,704 bytes: 600 characters of any script fit, beside a project id of 200. */
export const maxIndexed = 600

/** The longest accepted name of a prompt, in characters. */
export const maxName = 100_000

const hashLength = 64

/**
 * A text as indexed columns hold it: a long one as its beginning and a hash of the whole, together `maxIndexed` characters.
 * Idempotent.
 */
export function indexable(text: string): string {
  if (text.length <= maxIndexed) return text
  const hash = createHash('sha256').update(text).digest('hex')
  return `${text.slice(0, maxIndexed - hashLength - 1).toWellFormed()}…${hash}`
}
