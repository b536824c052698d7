import type { ChangeDetail } from './change.ts'

type Reconciled = NonNullable<ChangeDetail['reconciled']>

/** `2026-11-27 02:14`. */
const minuteOf = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ')

/** When it happened: `between 2026-11-27 02:14 and 02:31 UTC`. */
export function spanWords({ from, to }: Pick<Reconciled, 'from' | 'to'>): string {
  const end = minuteOf(to)
  if (from === null) return `before ${end} UTC`
  const begin = minuteOf(from)
  if (begin === end) return `at ${end} UTC`
  const isOneDay = begin.slice(0, 10) === end.slice(0, 10)
  return `between ${begin} and ${isOneDay ? end.slice(11) : end} UTC`
}

/** The same, by its webhook if that came later. */
export const momentWords = ({ late, ...span }: Reconciled): string =>
  late ? `at ${minuteOf(late.at)} UTC` : spanWords(span)

/** Of a replay: its webhook may have come since. `named` makes a name from outside safe to show. */
export function reconciledSentence(reconciled: Reconciled, named: (name: string) => string): string {
  const { late } = reconciled
  if (!late) return `Found by comparing with Langfuse; no webhook came. It happened ${spanWords(reconciled)}.`
  const by = late.by === null ? '' : ` by ${late.by === 'API' ? 'the API' : named(late.by)}`
  return `Found by comparing with Langfuse. Its webhook came later: it happened${by} ${momentWords(reconciled)}.`
}
