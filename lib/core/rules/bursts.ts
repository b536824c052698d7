import { narrowedTo } from '../change/burst.ts'
import type { Fact } from '../change/change.ts'
import type { BurstFact } from '../change/kinds.ts'
import type { ObservedRow } from '../change/observed.ts'
import { many, rowRefusal } from './rows.ts'
import type { Matchable, Rule } from './rules.ts'

/** Of a burst: the rule holds where all of its clauses do for one of the rows, and is told of those that match. */
export function matchBurst(
  rule: Rule,
  fact: BurstFact,
  change: Matchable,
): { fact: Fact } | { clause: string } {
  const { observed = [] } = change.detail
  const { project, label, tags, author } = rule
  if (project !== undefined && !many(project).includes(change.projectId ?? ''))
    return { clause: `project is not ${many(project).join(' or ')}` }
  const asked = { label, tags, author }
  const foreign = Object.entries(asked).find(([, values]) => values !== undefined)
  if (foreign) return { clause: `it has no ${foreign[0]}` }
  const matches = (row: ObservedRow): boolean => rowRefusal(rule, row, fact.name) === null
  if (observed.some(matches)) return { fact: narrowedTo(fact, observed, matches) }
  const [first] = observed
  return { clause: (first && rowRefusal(rule, first, fact.name)) ?? 'nothing of it is kept' }
}

/** Whether a rule wants to hear of a row, in a burst of its own. */
export function wantsRow(
  rule: Rule,
  { projectId, fact, row }: { projectId: string; fact: BurstFact; row: ObservedRow },
): boolean {
  const detail = { facts: [fact], observed: [row], environments: [], prompt: null }
  return (
    'fact' in matchBurst(rule, fact, { projectId, subject: fact.name, actor: null, kind: fact.kind, detail })
  )
}
