import { closest, distance } from 'fastest-levenshtein'

/**
 * One thing that is wrong with the configuration, or may be. `name`: the variable, or the place in `relay.config.ts`;
 * `what`: goes on from the name, without a full stop; `fix`: a sentence, or an example. None holds a value of a variable.
 */
export interface Problem {
  name: string
  what: string
  fix: string
}

/** A problem as one line. */
export const problemText = ({ name, what, fix }: Problem): string => `${name} ${what}. ${fix}`

/** More letters than this apart, two names are not one misspelt. */
const maxLetters = 2

/** The one of the names that was probably meant: at most two letters away, and fewer than half of them. */
export function nearest(name: string, names: readonly string[]): string | null {
  if (names.length === 0) return null
  const folded = new Map(names.map((one) => [one.toLowerCase(), one]))
  const found = closest(name.toLowerCase(), [...folded.keys()])
  const letters = distance(name.toLowerCase(), found)
  return letters <= maxLetters && letters * 2 < name.length ? (folded.get(found) ?? null) : null
}

/** "Did you mean X?", or which names there are. */
export function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return near === null ? `Known are ${names.join(', ')}.` : `Did you mean ${near}?`
}
