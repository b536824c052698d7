import { type Goal, type Measure, type MeasureName, measures } from './measures.ts'
import { median } from './statistics.ts'

/** The numbers of all rounds, by measure and subject, in the order in which they came. */
export type Results = Map<MeasureName, Map<string, number[]>>

export function record(results: Results, measure: MeasureName, subject: string, value: number | null): void {
  if (value === null || Number.isNaN(value)) return
  const bySubject = results.get(measure) ?? new Map<string, number[]>()
  bySubject.set(subject, [...(bySubject.get(subject) ?? []), value])
  results.set(measure, bySubject)
}

interface Line {
  subject: string
  median: number
  min: number
  max: number
  runs: number[]
  /** Median over the rounds of the ratio to the base's number in the same round. */
  ratio: number | null
}

export interface Verdict {
  text: string
  subject: string
  value: number
  by: Goal['by']
  isMet: boolean
  isHard: boolean
}

export interface Section extends Pick<Measure, 'title' | 'unit' | 'digits'> {
  name: MeasureName
  lines: Line[]
  verdicts: Verdict[]
}

/** Round by round, so that what slows the machine for a while slows both. */
function compared(runs: number[], against: number[] | undefined, by: Goal['by']): number | null {
  if (by === 'value') return median(runs)
  const pairs = runs.flatMap((run, i) => {
    const other = against?.[i]
    return other === undefined ? [] : [by === 'ratio' ? run / other : run - other]
  })
  return pairs.length === 0 ? null : median(pairs)
}

const isOurs = (subject: string) => subject === 'sqlite' || subject === 'postgres'

function verdictsOf({ goals }: Measure, bySubject: Map<string, number[]>): Verdict[] {
  return goals.flatMap(({ text, by, against, least, most, of = isOurs, isHard = false }) =>
    [...bySubject].flatMap(([subject, runs]) => {
      const value = of(subject) ? compared(runs, bySubject.get(against ?? ''), by) : null
      if (value === null) return []
      const isMet =
        value >= (least ?? Number.NEGATIVE_INFINITY) && value <= (most ?? Number.POSITIVE_INFINITY)
      return [{ text, subject, value, by, isMet, isHard }]
    }),
  )
}

/** What was measured, measure by measure, with the goals and whether they are met. */
export function sectionsOf(results: Results): Section[] {
  return (Object.keys(measures) as MeasureName[]).flatMap((name) => {
    const bySubject = results.get(name)
    if (!bySubject) return []
    const measure: Measure = measures[name]
    const { title, unit, digits, base } = measure
    const lines = [...bySubject].map(([subject, runs]): Line => {
      const ratio = base === undefined ? null : compared(runs, bySubject.get(base), 'ratio')
      return { subject, runs, median: median(runs), min: Math.min(...runs), max: Math.max(...runs), ratio }
    })
    return [{ name, title, unit, digits, lines, verdicts: verdictsOf(measure, bySubject) }]
  })
}
