import { spelledDuration } from '../../base/duration.ts'
import type { Fact } from './change.ts'
import type { Description } from './describe.ts'
import { type BurstFact, type BurstKind, kinds } from './kinds.ts'
import { numberOf, type ObservedRow } from './observed.ts'

/** A burst: its fact, and the rows that are kept with it. */
export interface Burst {
  fact: BurstFact
  rows: ObservedRow[]
}

const maxRows = 20
/** Including rows that are the first to match a rule. */
const maxWithFirsts = 40

function firstFact(kind: BurstKind, name: string, row: ObservedRow): BurstFact {
  const base = { name, count: 0, firstAt: row.at, lastAt: row.at }
  return kind === 'score' ? { kind, ...base, lowest: null, highest: null } : { kind, ...base }
}

const lower = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.min(a, b)
const higher = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : Math.max(a, b)

/**
 * A burst with one more row. Its count is exact. The first 20 rows are kept, and after them those that are the first to
 * match a rule (`isFirst`), so that every rule that matched finds a row.
 */
export function addToBurst(
  burst: Burst | null,
  { kind, name, row, isFirst }: { kind: BurstKind; name: string; row: ObservedRow; isFirst: boolean },
): Burst {
  const { fact, rows } = burst ?? { fact: firstFact(kind, name, row), rows: [] }
  const grown = {
    ...fact,
    count: fact.count + 1,
    firstAt: Math.min(fact.firstAt, row.at),
    lastAt: Math.max(fact.lastAt, row.at),
  }
  const value = numberOf(row.value)
  const next =
    grown.kind === 'score'
      ? { ...grown, lowest: lower(grown.lowest, value), highest: higher(grown.highest, value) }
      : grown
  const isKept = rows.length < maxRows || (isFirst && rows.length < maxWithFirsts)
  return { fact: next, rows: isKept ? [...rows, row] : rows }
}

/**
 * The fact of the matching rows only. Where the burst has more rows than are kept, it is not known how many of the others
 * match, so the count is a lower bound.
 */
export function narrowedTo(
  fact: BurstFact,
  rows: readonly ObservedRow[],
  matches: (row: ObservedRow) => boolean,
): BurstFact {
  const matching = rows.filter(matches)
  if (matching.length === rows.length) return fact
  const times = matching.map(({ at }) => at)
  const narrowed = {
    ...fact,
    count: matching.length,
    firstAt: Math.min(...times),
    lastAt: Math.max(...times),
    rows: matching.map((row) => rows.indexOf(row)),
    ...(fact.count > rows.length ? { isLeast: true as const } : {}),
  }
  if (narrowed.kind !== 'score') return narrowed
  const values = matching.flatMap(({ value }) => numberOf(value) ?? [])
  const none = values.length === 0
  return {
    ...narrowed,
    lowest: none ? null : Math.min(...values),
    highest: none ? null : Math.max(...values),
  }
}

/** The observed rows of a change that a fact is about. */
export function rowsOfFact(fact: Fact, observed: readonly ObservedRow[] | undefined): ObservedRow[] {
  const { rows } = 'rows' in fact ? fact : { rows: undefined }
  return (observed ?? []).filter((_, place) => rows?.includes(place) ?? true)
}

/** `within a minute`, `in 5 minutes`: rounded up. */
export function spanWords(ms: number): string {
  return ms <= 60_000 ? 'within a minute' : `in ${spelledDuration(ms)}`
}

/** With at most four decimal places. */
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

/** "37 errors in checkout-agent in 5 minutes". `row`: the first of the rows. */
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

/** `2.5 s`, `0.0123 USD`; only what is known. */
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

export function describeBurst(fact: BurstFact, rows: readonly ObservedRow[]): Description {
  return { kind: fact.kind, title: burstWords(fact, rows[0]), danger: kinds[fact.kind].tone === 'bad' }
}
