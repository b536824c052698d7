import { createHash } from 'node:crypto'

/**
 * Postgres takes no entry of an index above 2,704 bytes: in any script, 600 characters fit, with a project's id of 200
 * beside them.
 */
export const maxIndexed = 600

/** The longest name of a prompt that is taken, in characters. */
export const maxName = 100_000

const hashLength = 64

/**
 * A text as it stands in columns with an index: itself, or of a long one its beginning and a hash of all of it, which
 * together are as long as the longest that stands there itself. What this gives is what this gives for it again.
 */
export function indexable(text: string): string {
  if (text.length <= maxIndexed) return text
  const hash = createHash('sha256').update(text).digest('hex')
  return `${text.slice(0, maxIndexed - hashLength - 1).toWellFormed()}…${hash}`
}
