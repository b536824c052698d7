import { posix } from 'node:path'
import { z } from 'zod'
import {
  levels,
  numberOf,
  type ObservedName,
  type ObservedRow,
  scoreDataTypes,
  scoreSources,
} from '../change/observed.ts'

const text = z.string({ error: 'is neither a string nor a list of strings' }).min(1, { error: 'is empty' })
const texts = z.array(text).min(1, { error: 'is empty, so the rule would never match' }).readonly()

/** One value, or several of which any may match. */
export const values = z.union([text, texts], { error: valuesError })

/** zod's own message for a union says nothing about its parts. */
function valuesError({ input }: { input?: unknown }): string {
  if (input === '') return 'is empty'
  if (!Array.isArray(input)) return 'is neither a string nor a list of strings'
  return input.length === 0 ? 'is empty, so the rule would never match' : 'is not a list of strings'
}

const number = z.number({ error: 'is not a number' })
const amount = number.min(0, { error: 'is below 0' })

const codeList = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ')

/** A score matches if all parts match. */
export const scoreClause = z.strictObject({
  name: values.optional().describe('Globs over score names'),
  source: values.optional().describe(codeList(scoreSources)),
  dataType: values.optional().describe(codeList(scoreDataTypes)),
  below: number.optional().describe('Of numbers; yes counts as 1, no as 0'),
  above: number.optional(),
})

/** Clauses about one trace, observation or score. */
export const rowClauses = {
  level: values.optional().describe(codeList(levels)),
  score: scoreClause.optional().describe('Of a score'),
  latencyAbove: amount.optional().describe('Seconds'),
  costAbove: amount.optional().describe('USD'),
  model: values.optional().describe('Globs over model names'),
  trace: values.optional().describe('Globs over names of traces and observations'),
}

type Values = string | readonly string[]
export type ScoreClause = z.output<typeof scoreClause>
type RowClauses = { [K in keyof typeof rowClauses]?: z.output<(typeof rowClauses)[K]> }

export const many = (value: Values): readonly string[] => (typeof value === 'string' ? [value] : value)
const or = (value: Values): string => many(value).join(' or ')

const globbed = (value: string | null, globs: Values): boolean =>
  value !== null && many(globs).some((glob) => posix.matchesGlob(value, glob))
const oneOf = (value: string | null, values: Values): boolean => many(values).includes(value ?? '')

const clauseNames = ['level', 'score', 'latencyAbove', 'costAbove', 'model', 'trace'] as const

/** A rule's first clause that only traces, observations and scores can match; null: it has none. */
export const rowClauseOf = (rule: RowClauses): string | null =>
  clauseNames.find((name) => rule[name] !== undefined) ?? null

export interface RowRule extends RowClauses {
  on?: readonly string[]
  prompt?: Values
  environment?: Values
}

function scoreRefusal(
  { name, source, dataType, below, above }: ScoreClause,
  row: ObservedRow,
): string | null {
  const number = numberOf(row.value)
  if (!row.event.startsWith('score.')) return 'it is not a score'
  if (name !== undefined && !globbed(row.name, name)) return `score is not ${or(name)}`
  if (source !== undefined && !oneOf(row.source, source)) return `source is not ${or(source)}`
  if (dataType !== undefined && !oneOf(row.dataType, dataType)) return `data type is not ${or(dataType)}`
  if (below !== undefined && !(number !== null && number < below)) return `value is not below ${below}`
  if (above !== undefined && !(number !== null && number > above)) return `value is not above ${above}`
  return null
}

/** A generation also matches by the name of its trace, which its burst has. */
const isNamed = (row: ObservedRow, subject: string, names: Values): boolean =>
  !row.event.startsWith('score.') && (globbed(row.name, names) || globbed(subject, names))

/** Why a rule does not match a row; null: it does. `subject`: the name of the row's burst. */
export function rowRefusal(rule: RowRule, row: ObservedRow, subject: string): string | null {
  const { level, score, latencyAbove, costAbove, model, trace, prompt, environment } = rule
  if (!isTriggered(rule, row))
    return rule.on ? `${row.event} is not ${rule.on.join(' or ')}` : 'no clause is about traces or scores'
  if (level !== undefined && !oneOf(row.level, level)) return `level is not ${or(level)}`
  if (score !== undefined) {
    const refusal = scoreRefusal(score, row)
    if (refusal !== null) return refusal
  }
  if (latencyAbove !== undefined && !((row.latencyMs ?? 0) > latencyAbove * 1000))
    return `latency is not above ${latencyAbove} s`
  if (costAbove !== undefined && !((row.cost ?? 0) > costAbove)) return `cost is not above ${costAbove} USD`
  if (model !== undefined && !globbed(row.model, model)) return `model is not ${or(model)}`
  if (trace !== undefined && !isNamed(row, subject, trace)) return `trace is not ${or(trace)}`
  if (prompt !== undefined && !globbed(row.promptName, prompt)) return `prompt is not ${or(prompt)}`
  if (environment !== undefined && !oneOf(row.environment, environment))
    return `environment is not ${or(environment)}`
  return null
}

const isUpdate = (event: ObservedName): boolean => event.endsWith('.updated')

/**
 * A kind of fact stands for rows that are new; an update matches only a rule that names its event. A rule without `on`
 * matches rows only if one of its clauses is about rows.
 */
function isTriggered(rule: RowRule, row: ObservedRow): boolean {
  const { on } = rule
  if (on === undefined) return rowClauseOf(rule) !== null && !isUpdate(row.event)
  if (on.includes(row.event)) return true
  if (isUpdate(row.event)) return false
  if (row.isGeneration && on.includes('generation.created')) return true
  if (row.event.startsWith('score.')) return on.includes('score')
  return on.includes(row.level === 'ERROR' ? 'error-trace' : 'trace')
}
