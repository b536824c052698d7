import { closest, distance } from 'fastest-levenshtein'

/**
 * Something that is wrong with the configuration, or may be. `name`: the variable, or the place in `relay.config.ts`.
 * `what`: continues the name, without a full stop. `fix`: a sentence or an example. None contains the value of a variable.
 */
export interface Problem {
  name: string
  what: string
  fix: string
}

export const problemText = ({ name, what, fix }: Problem): string => `${name} ${what}. ${fix}`

/** With more letters different, one name is not a misspelling of the other. */
const maxLetters = 2

/** The name that was probably meant: at most two letters are different, and fewer than half. */
export function nearest(name: string, names: readonly string[]): string | null {
  if (names.length === 0) return null
  const folded = new Map(names.map((one) => [one.toLowerCase(), one]))
  const found = closest(name.toLowerCase(), [...folded.keys()])
  const letters = distance(name.toLowerCase(), found)
  return letters <= maxLetters && letters * 2 < name.length ? (folded.get(found) ?? null) : null
}

/** "Did you mean X?", or the known names. */
export function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return near === null ? `Known are ${names.join(', ')}.` : `Did you mean ${near}?`
}
