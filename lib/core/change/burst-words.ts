import { spelledDuration } from '../../base/duration.ts'
import type { Message } from '../delivery/delivery.ts'
import { rowsOfFact } from './burst.ts'
import type { Description } from './describe.ts'
import { type BurstFact, kinds } from './kinds.ts'
import type { ObservedRow } from './observed.ts'

/** `in 5 minutes`, rounded up; `within a minute`. */
export function spanWords(ms: number): string {
  return ms <= 60_000 ? 'within a minute' : `in ${spelledDuration(ms)}`
}

/** Up to four digits behind the point. */
export const numberWords = (value: number): string =>
  value.toLocaleString('en', { maximumFractionDigits: 4, useGrouping: false })

export function valueWords(value: ObservedRow['value']): string {
  if (value === null) return 'nothing'
  if (typeof value === 'number') return numberWords(value)
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : value.slice(0, 80).toWellFormed()
}

function rangeWords(lowest: number | null, highest: number | null): string {
  if (lowest === null || highest === null) return ''
  return lowest === highest
    ? `, all ${numberWords(lowest)}`
    : `, ${numberWords(lowest)} to ${numberWords(highest)}`
}

/** A fact of a burst in a sentence: "37 errors in checkout-agent in 5 minutes". */
export function burstWords(fact: BurstFact, row: ObservedRow | undefined): string {
  const { name, count, firstAt, lastAt } = fact
  const span = spanWords(lastAt - firstAt)
  const many = `${fact.isLeast ? 'At least ' : ''}${count.toLocaleString('en')}`
  switch (fact.kind) {
    case 'error-trace': {
      const why = row?.message ? `: ${row.message}` : ''
      return count === 1 ? `Error in ${name}${why}` : `${many} errors in ${name} ${span}`
    }
    case 'trace':
      return count === 1 ? oneTrace(name, row) : `${many} traces of ${name} ${span}`
    case 'score':
      return count === 1
        ? `Score ${name} is ${valueWords(row?.value ?? null)}`
        : `${many} scores of ${name} ${span}${rangeWords(fact.lowest, fact.highest)}`
  }
}

/** `2.5 s`, `0.0123 USD`, as far as they are known. */
export function measureWords({ latencyMs, cost }: Pick<ObservedRow, 'latencyMs' | 'cost'>): string[] {
  return [
    ...(latencyMs === null ? [] : [`${numberWords(latencyMs / 1000)} s`]),
    ...(cost === null ? [] : [`${numberWords(cost)} USD`]),
  ]
}

function oneTrace(name: string, row: ObservedRow | undefined): string {
  const measures = row ? measureWords(row) : []
  return measures.length === 0 ? `Trace ${name}` : `Trace ${name}: ${measures.join(', ')}`
}

/** One row in a line of text. */
export function rowWords({
  name,
  level,
  message,
  model,
  value,
  source,
  environment,
  ...rest
}: ObservedRow): string {
  const parts = [
    ...(value === null ? [level ?? ''] : [valueWords(value)]),
    name ?? '',
    model ?? '',
    ...measureWords(rest),
    source ?? '',
    environment ?? '',
  ].filter((part) => part !== '')
  return message ? `${parts.join(' · ')}: ${message}` : parts.join(' · ')
}

/** What a burst is called. */
export function describeBurst(fact: BurstFact, rows: readonly ObservedRow[]): Description {
  return { kind: fact.kind, title: burstWords(fact, rows[0]), danger: kinds[fact.kind].tone === 'bad' }
}

/** One row as a target tells it. */
export interface ToldRow {
  row: ObservedRow
  /** Its trace in Langfuse. */
  url: string | null
  words: string
}

/** The rows that a message's fact tells of; none for what is no burst. */
export function observedOf({ change, fact, links }: Message): ToldRow[] {
  const { observed = [] } = change.detail
  return rowsOfFact(fact, observed).map((row) => ({
    row,
    url: links.observed?.[observed.indexOf(row)] ?? null,
    words: rowWords(row),
  }))
}

/** What a message is called: the change's title, or where the rule matched a part of a burst, that part. */
export function titleOf(message: Message): string {
  const { change, fact } = message
  if (!('rows' in fact) || fact.rows === undefined) return change.title
  return burstWords(fact, rowsOfFact(fact, change.detail.observed)[0])
}
