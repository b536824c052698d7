import { posix } from 'node:path'
import { z } from 'zod'
import { suggestion } from '../../base/problem.ts'
import { narrowedTo } from '../change/burst.ts'
import { authorOf, type Change, type Fact, type FactKind, labelsOf } from '../change/change.ts'
import { withheldWords } from '../change/describe-callback.ts'
import { type BurstFact, factKinds, isBurst, kindOf } from '../change/kinds.ts'
import type { ObservedRow } from '../change/observed.ts'
import { many, rowClauseOf, rowClauses, rowRefusal, values } from './row-clauses.ts'
import type { Target } from './target-settings.ts'

/** The event names of tutorials, and the kinds that each stands for. A new kind belongs to none of them. */
const plainTriggers = {
  'prompt.created': ['version-created'],
  'prompt.updated': ['promoted', 'rolled-back', 'label-added', 'label-removed', 'tags-changed', 'first-seen'],
  'prompt.deleted': ['deleted'],
  'trace.created': ['error-trace', 'trace'],
  'trace.updated': ['error-trace', 'trace'],
  'generation.created': ['error-trace', 'trace'],
  'score.created': ['score'],
  'score.updated': ['score'],
} as const satisfies Record<string, readonly FactKind[]>

type PlainTrigger = keyof typeof plainTriggers
export type Trigger = FactKind | PlainTrigger

export const triggers: readonly Trigger[] = [...factKinds, ...(Object.keys(plainTriggers) as PlainTrigger[])]

const trigger = z
  .string({ error: 'is not a string' })
  .superRefine((word, context) => {
    if ((triggers as readonly string[]).includes(word)) return
    context.addIssue({
      code: 'custom',
      message: `is unknown: "${shown(word)}". ${suggestion(word, triggers)}`,
    })
  })
  .transform((word) => word as Trigger)

/** Short enough for a message, and without control characters. */
const shown = (word: string): string => JSON.stringify(word.slice(0, 60)).slice(1, -1)

const name = z.string({ error: 'is not a string' }).min(1, { error: 'is empty' })

/** A rule matches if all of its clauses do; a clause matches if any of its values does. */
export const ruleSchema = z.strictObject({
  name: name.describe('The name on the pages; each rule has its own'),
  on: z
    .array(trigger, { error: 'is not a list of strings' })
    .min(1, { error: 'is empty, so the rule would never match' })
    .readonly()
    .optional()
    .describe('What happened'),
  label: values.optional().describe('Labels of the version'),
  prompt: values
    .optional()
    .describe('Globs over prompt names: `support/*`, `support/**`. Of a trace: the prompt that it used'),
  project: values.optional().describe('Names of projects in `projects`, or ids of projects in Langfuse'),
  tags: values.optional().describe('Tags of the prompt'),
  author: values.optional().describe('Who made the change, as Langfuse names them'),
  environment: values
    .optional()
    .describe('Environments that an alert is filtered to, or that a trace or score is of'),
  ...rowClauses,
  to: z
    .array(name, { error: 'is not a list of names of targets' })
    .min(1, { error: 'is empty: name a target' })
    .readonly()
    .describe('Names of targets'),
})

export type Rule<Name extends string = string> = Omit<z.output<typeof ruleSchema>, 'to'> & {
  to: readonly Name[]
}

export interface Routes {
  targets: Record<string, Target>
  rules: readonly Rule[]
  /** Targets that are notified of troubles, each of all but its own. Some may not be configured. */
  alertTargets: readonly string[]
}

/** A target that a rule chose, with the fact that the rule matched, which is the one to report. */
export interface Routed {
  target: string
  rule: string
  fact: Fact
}

export interface Skipped {
  target: string
  /** Each rule that names the target, with the clause that did not match. */
  why: string
}

export type Matchable = Pick<Change, 'projectId' | 'subject' | 'actor' | 'kind'> & {
  /** What the operator calls its project. */
  projectName?: string | null
  detail: Pick<Change['detail'], 'facts' | 'environments' | 'observed'> & {
    prompt: { tags: string[] } | null
  }
}

const kindsOf = (trigger: Trigger): readonly FactKind[] =>
  trigger in plainTriggers ? plainTriggers[trigger as PlainTrigger] : [trigger as FactKind]

/** Ids that anyone may have sent and that Langfuse did not confirm reach no target, whatever the rules say. */
function withheldClause({ detail }: Matchable): string | null {
  const fact = detail.facts.find((one) => one.kind === 'trace-callback')
  return fact?.withheld === undefined ? null : withheldWords[fact.withheld]
}

const isOfProject = (project: Rule['project'], { projectId, projectName = null }: Matchable): boolean =>
  project === undefined || many(project).some((one) => one === projectId || one === projectName)

function clauseAgainst(rule: Rule, change: Matchable, by: string | null): string | null {
  const { prompt, project, tags, author, environment } = rule
  const name = change.subject
  if (prompt !== undefined && !many(prompt).some((glob) => posix.matchesGlob(name, glob)))
    return `prompt is not ${many(prompt).join(' or ')}`
  if (!isOfProject(project, change)) return `project is not ${many(project ?? []).join(' or ')}`
  const has = change.detail.prompt?.tags ?? []
  if (tags !== undefined && !many(tags).some((tag) => has.includes(tag)))
    return `no tag ${many(tags).join(' or ')}`
  if (author !== undefined && !many(author).includes(by ?? ''))
    return `author is not ${many(author).join(' or ')}`
  if (environment !== undefined && !many(environment).some((e) => change.detail.environments.includes(e)))
    return `environment is not ${many(environment).join(' or ')}`
  return null
}

/** The fact that the rule matches, or why it matches none. */
export function matchRule(rule: Rule, change: Matchable): { fact: Fact } | { clause: string } {
  const burst = change.detail.facts.find(isBurst)
  if (burst) return matchBurst(rule, burst, change)
  const withheld = withheldClause(change)
  if (withheld !== null) return { clause: withheld }
  const rowClause = rowClauseOf(rule)
  if (rowClause !== null) return { clause: `it has no ${rowClause}` }
  const kinds = rule.on?.flatMap(kindsOf)
  const candidates = change.detail.facts.filter((fact) =>
    kinds ? kinds.includes(fact.kind) : kindOf(fact.kind).routing === 'any-rule',
  )
  if (candidates.length === 0) {
    return { clause: rule.on ? `${change.kind} is not ${rule.on.join(' or ')}` : 'nothing visible changed' }
  }
  const { label, author } = rule
  const labelled = candidates.filter(
    (candidate) => label === undefined || labelsOf(candidate).some((one) => many(label).includes(one)),
  )
  const isTheirs = (candidate: Fact): boolean =>
    author === undefined || many(author).includes(authorOf(candidate, change) ?? '')
  const fact = labelled.find(isTheirs) ?? labelled[0]
  if (!fact) return { clause: `label is not ${many(label ?? []).join(' or ')}` }
  const clause = clauseAgainst(rule, change, authorOf(fact, change))
  return clause === null ? { fact: narrowed(fact, label) } : { clause }
}

/** A rule matches a burst if it matches one of its rows; the fact is narrowed to the rows that it matches. */
function matchBurst(rule: Rule, fact: BurstFact, change: Matchable): { fact: Fact } | { clause: string } {
  const { observed = [] } = change.detail
  const { project, label, tags, author } = rule
  if (!isOfProject(project, change)) return { clause: `project is not ${many(project ?? []).join(' or ')}` }
  const ofPrompts = { label, tags, author }
  const foreign = Object.entries(ofPrompts).find(([, values]) => values !== undefined)
  if (foreign) return { clause: `it has no ${foreign[0]}` }
  const matches = (row: ObservedRow): boolean => rowRefusal(rule, row, fact.name) === null
  if (observed.some(matches)) return { fact: narrowedTo(fact, observed, matches) }
  const [first] = observed
  return { clause: (first && rowRefusal(rule, first, fact.name)) ?? 'nothing of it is kept' }
}

/** Whether a rule matches a row on its own. */
export function matchesRow(
  rule: Rule,
  {
    fact,
    row,
    ...project
  }: { projectId: string; projectName?: string | null; fact: BurstFact; row: ObservedRow },
): boolean {
  const detail = { facts: [fact], observed: [row], environments: [], prompt: null }
  const change = { ...project, subject: fact.name, actor: null, kind: fact.kind, detail }
  return 'fact' in matchBurst(rule, fact, change)
}

/** Without the labels that the rule does not name. */
function narrowed(fact: Fact, label: Rule['label']): Fact {
  if (label === undefined || !('labels' in fact)) return fact
  return { ...fact, labels: fact.labels.filter((one) => many(label).includes(one)) }
}

/**
 * The configured targets that are notified of a trouble with `troubled` (null: it is not about a target). Never that target
 * itself: the message would fail in the same way.
 */
export const notifiedOf = (
  { targets, alertTargets }: Pick<Routes, 'targets' | 'alertTargets'>,
  troubled: string | null,
): string[] => [...new Set(alertTargets)].filter((name) => name !== troubled && Object.hasOwn(targets, name))

const routeTrouble = (routes: Routes, fact: Fact): Routed[] =>
  notifiedOf(routes, 'target' in fact ? fact.target : null).map((target) => ({
    target,
    rule: 'alertTarget',
    fact,
  }))

/** Which targets receive a change (each once, by the first rule that matches), and why the others do not. */
export function route(routes: Routes, change: Matchable): { routed: Routed[]; skipped: Skipped[] } {
  const trouble = change.detail.facts.find(({ kind }) => kindOf(kind).routing === 'alert-target')
  if (trouble) return { routed: routeTrouble(routes, trouble), skipped: [] }
  const routed = new Map<string, Routed>()
  const refusals = new Map<string, string[]>()
  for (const rule of routes.rules) {
    const result = matchRule(rule, change)
    for (const target of rule.to) {
      if (!Object.hasOwn(routes.targets, target)) continue
      if ('clause' in result)
        refusals.set(target, [...(refusals.get(target) ?? []), `${rule.name}: ${result.clause}`])
      else if (!routed.has(target)) routed.set(target, { target, rule: rule.name, fact: result.fact })
    }
  }
  const skipped = Object.keys(routes.targets)
    .filter((target) => !routed.has(target))
    .map((target) => ({ target, why: refusals.get(target)?.join('; ') ?? 'no rule names this target' }))
  return { routed: [...routed.values()], skipped }
}

/** Targets that matching rules name, but that are not configured. */
export function leftOut(routes: Routes, change: Matchable): string[] {
  const named = routes.rules.flatMap((rule) => ('clause' in matchRule(rule, change) ? [] : rule.to))
  return [...new Set(named)].filter((target) => !Object.hasOwn(routes.targets, target))
}
