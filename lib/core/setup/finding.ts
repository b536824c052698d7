/** `not-yet`: left to do, or left out on purpose. `warning`: something may be broken, but the relay cannot tell. */
export type CheckState = 'ok' | 'problem' | 'warning' | 'not-yet'

/** One line of the Setup page. */
export interface Check {
  id: string
  title: string
  state: CheckState
  words: string
  /** What to do about it; null: nothing. */
  fix: string | null
  /** The time that ends `words`, epoch milliseconds. */
  at: number | null
}

export type Finding = Omit<Check, 'id' | 'title'>

export const ok = (words: string, at: number | null = null): Finding => ({
  state: 'ok',
  words,
  fix: null,
  at,
})
export const problem = (words: string, fix: string, at: number | null = null): Finding => ({
  state: 'problem',
  words,
  fix,
  at,
})
export const warning = (words: string, fix: string, at: number | null = null): Finding => ({
  state: 'warning',
  words,
  fix,
  at,
})
export const notYet = (words: string, fix: string, at: number | null = null): Finding => ({
  state: 'not-yet',
  words,
  fix,
  at,
})

/** "One delivery", "1,200 deliveries". */
export const quantity = (count: number, word: string, plural = `${word}s`): string =>
  `${count === 1 ? 'One' : count.toLocaleString('en')} ${count === 1 ? word : plural}`
