/** mulberry32: the same seed gives the same numbers. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const syllables = 'ba co di fe gu ha jo ki la mo ne pu ra so ti vu we xa yo zi'.split(' ')
const syllable = (n: number) => syllables[n % 20] ?? ''
/** 8,000 words. */
export const word = (n: number) =>
  `${syllable(n)}${syllable(Math.floor(n / 20))}${syllable(Math.floor(n / 400))}n`
const folders = 'support billing search onboarding agents eval legal sales growth internal'.split(' ')
export const prompts = Array.from(
  { length: 2000 },
  (_, i) => `${folders[i % 10]}/${i % 3 === 0 ? `team-${i % 40}/` : ''}${word(i * 3)}-${word(i * 7 + 1)}`,
)
export const labels = [
  'production',
  'staging',
  'canary',
  ...Array.from({ length: 40 }, (_, i) => `eval-${i}`),
]
export const actors = Array.from(
  { length: 80 },
  (_, i) => `${capital(word(i * 11))} ${capital(word(i * 17 + 5))}`,
)
export const projects = [
  'cm1q7ayx2000008l2g7rz3v5k',
  'cm2w4bmd1000108jv9h3kq6pt',
  'cm3z8cfe0000208ky5t1xw2rn',
]

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

export interface ChangeOptions {
  random: () => number
  /** When it was opened, epoch milliseconds. */
  at: number
  /** Not everything is delivered yet. */
  isFresh: boolean
}

export const pick = <T>(random: () => number, values: readonly T[], power = 1): T =>
  values[Math.floor(random() ** power * values.length)] as T

/** Some 30 words: "customer" in every second, "chargeback" in one of 10,000, the rest from a dictionary of 8,000. */
export function textOf(random: () => number): string {
  const words = Array.from({ length: 25 }, () => word(Math.floor(random() ** 3 * 8000)))
  if (random() < 0.5) words.unshift('Help', 'the', 'customer')
  if (random() < 0.02) words.push('voucher')
  if (random() < 0.0001) words.push('chargeback')
  return words.join(' ')
}
