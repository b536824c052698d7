import type { Fact } from './change.ts'
import type { BurstFact, BurstKind } from './kinds.ts'
import { numberOf, type ObservedRow } from './observed.ts'

/** What is known of a burst: its fact, and the rows that are kept with it. */
export interface Burst {
  fact: BurstFact
  rows: ObservedRow[]
}

/** Rows that a change shows. */
const maxRows = 20
/** With those beyond them that are the first for a rule. */
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
 * A burst with one row more. Its count is exact; of the rows the first 20 are kept, and further ones that are the
 * first for a rule (`isFirst`), so that every rule that wanted one finds it.
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
  const told =
    grown.kind === 'score'
      ? { ...grown, lowest: lower(grown.lowest, value), highest: higher(grown.highest, value) }
      : grown
  const isKept = rows.length < maxRows || (isFirst && rows.length < maxWithFirsts)
  return { fact: told, rows: isKept ? [...rows, row] : rows }
}

/**
 * The fact as far as those of its rows go that match. Where the burst has more rows than are kept, nobody knows how
 * many of the others match: then the count is a least one.
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

/** Those of a change's rows that a fact tells of. */
export function rowsOfFact(fact: Fact, observed: readonly ObservedRow[] | undefined): ObservedRow[] {
  const { rows } = 'rows' in fact ? fact : { rows: undefined }
  return (observed ?? []).filter((_, place) => rows?.includes(place) ?? true)
}
