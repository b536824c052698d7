import { describe, expect, it } from 'vitest'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import { type RowRule, rowRefusal } from '#lib/core/rules/row-clauses.ts'
import { matchRule, type Rule } from '#lib/core/rules/rules.ts'
import { observedAt, scoreRow, traceRow } from '../../observed-rows.ts'

const error = traceRow({ level: 'ERROR', message: 'timeout' })
const generation = traceRow({ event: 'generation.created', isGeneration: true, model: 'openai/gpt-5' })

describe('a rule and one row', () => {
  it.each<[string, RowRule, ObservedRow, string | null]>([
    ['error-trace matches errors', { on: ['error-trace'] }, error, null],
    [
      'error-trace wants errors of generations',
      { on: ['error-trace'] },
      { ...generation, level: 'ERROR' },
      null,
    ],
    [
      'error-trace wants nothing else',
      { on: ['error-trace'] },
      traceRow(),
      'trace.created is not error-trace',
    ],
    ['trace does not match errors', { on: ['trace'] }, error, 'trace.created is not trace'],
    ['trace.created matches both', { on: ['trace.created'] }, error, null],
    [
      'trace.created wants no generation',
      { on: ['trace.created'] },
      generation,
      'generation.created is not trace.created',
    ],
    [
      'generation.created wants one that is a root',
      { on: ['generation.created'] },
      traceRow({ isGeneration: true }),
      null,
    ],
    [
      'kinds want nothing twice',
      { on: ['error-trace'] },
      { ...error, event: 'trace.updated' },
      'trace.updated is not error-trace',
    ],
    ['trace.updated matches updates', { on: ['trace.updated'] }, { ...error, event: 'trace.updated' }, null],
    [
      'trace.updated wants no new ones',
      { on: ['trace.updated'] },
      error,
      'trace.created is not trace.updated',
    ],
    ['score matches scores', { on: ['score'] }, scoreRow(), null],
    ['score does not match traces', { on: ['score'] }, traceRow(), 'trace.created is not score'],
    ['a prompt rule matches none', { on: ['prompt.created'] }, error, 'trace.created is not prompt.created'],
    ['without `on` and clauses it matches none', {}, error, 'no clause is about traces or scores'],
    ['a clause alone is enough', { level: 'ERROR' }, error, null],
    ['a level', { level: ['WARNING', 'ERROR'] }, traceRow(), 'level is not WARNING or ERROR'],
    ['a level of a score', { level: 'ERROR' }, scoreRow(), 'level is not ERROR'],
    ['latency above', { latencyAbove: 1 }, traceRow(), null],
    ['latency just at', { latencyAbove: 1.2 }, traceRow(), 'latency is not above 1.2 s'],
    ['no latency', { latencyAbove: 0 }, traceRow({ latencyMs: null }), 'latency is not above 0 s'],
    ['cost above', { costAbove: 0.01 }, traceRow(), null],
    ['cost below', { costAbove: 1 }, traceRow(), 'cost is not above 1 USD'],
    ['a model', { model: 'openai/*' }, generation, null],
    ['another model', { model: 'claude-*' }, generation, 'model is not claude-*'],
    ['no model', { model: '**' }, traceRow(), 'model is not **'],
    ['a name', { trace: 'check*' }, traceRow(), null],
    ['the name of its burst', { trace: 'agent' }, traceRow(), null],
    ['another name', { trace: 'support*' }, traceRow(), 'trace is not support*'],
    ['an environment', { level: 'ERROR', environment: 'staging' }, error, 'environment is not staging'],
    ['a prompt', { level: 'ERROR', prompt: 'support/*' }, { ...error, promptName: 'support/a' }, null],
    ['no prompt', { level: 'ERROR', prompt: 'support/*' }, error, 'prompt is not support/*'],
    ['a score below', { score: { below: 0.5 } }, scoreRow(), null],
    ['a score just at', { score: { below: 0.3 } }, scoreRow(), 'value is not below 0.3'],
    ['a score above', { score: { above: 0.5 } }, scoreRow(), 'value is not above 0.5'],
    ['a score between', { score: { above: 0.2, below: 0.4 } }, scoreRow(), null],
    ['a no is 0', { score: { below: 0.5 } }, scoreRow({ value: false }), null],
    [
      'a category has no number',
      { score: { below: 0.5 } },
      scoreRow({ value: 'bad' }),
      'value is not below 0.5',
    ],
    ['a score by name', { score: { name: ['help*', 'tone'] } }, scoreRow(), null],
    ['a score of another name', { score: { name: 'tone' } }, scoreRow(), 'score is not tone'],
    ['a score of another source', { score: { source: 'API' } }, scoreRow(), 'source is not API'],
    ['a score of another type', { score: { dataType: 'TEXT' } }, scoreRow(), 'data type is not TEXT'],
    ['a trace is not a score', { score: { below: 1 } }, traceRow(), 'it is not a score'],
  ])('%s', (_, rule, row, refusal) => {
    expect(rowRefusal(rule, row, 'agent')).toBe(refusal)
  })
})

describe('a rule and a burst', () => {
  const rows = [
    traceRow({ id: 'a', level: 'ERROR', cost: 1 }),
    traceRow({ id: 'b', level: 'ERROR', cost: 5, at: observedAt + 1000 }),
    traceRow({ id: 'c', level: 'ERROR', cost: 6, at: observedAt + 2000 }),
  ]
  const match = (rule: Omit<Rule, 'name' | 'to'>, count: number) =>
    matchRule(
      { name: 'r', to: [], ...rule },
      {
        projectId: 'p1',
        subject: 'agent',
        actor: null,
        kind: 'error-trace',
        detail: {
          facts: [
            { kind: 'error-trace', name: 'agent', count, firstAt: observedAt, lastAt: observedAt + 2000 },
          ],
          observed: rows,
          environments: ['production'],
          prompt: null,
        },
      },
    )

  it('matches if one row meets every clause, and reports the rows that do', () => {
    expect(match({ on: ['error-trace'], costAbove: 2 }, 3)).toEqual({
      fact: {
        kind: 'error-trace',
        name: 'agent',
        count: 2,
        firstAt: observedAt + 1000,
        lastAt: observedAt + 2000,
        rows: [1, 2],
      },
    })
  })

  it('claims no exact number where the burst has more rows than are kept', () => {
    expect(match({ on: ['error-trace'], costAbove: 2 }, 50)).toMatchObject({
      fact: { count: 2, isLeast: true },
    })
    expect(match({ on: ['error-trace'] }, 50)).toMatchObject({ fact: { count: 50 } })
  })

  it('says which clause no row meets', () => {
    expect(match({ on: ['error-trace'], costAbove: 10 }, 3)).toEqual({ clause: 'cost is not above 10 USD' })
    expect(match({ on: ['error-trace'], project: 'p2' }, 3)).toEqual({ clause: 'project is not p2' })
    expect(match({ on: ['error-trace'], label: 'production' }, 3)).toEqual({ clause: 'it has no label' })
    expect(match({ on: ['error-trace'], author: 'Maya' }, 3)).toEqual({ clause: 'it has no author' })
  })

  it('needs one row that meets all clauses', () => {
    expect(match({ costAbove: 5.5, latencyAbove: 10 }, 3)).toHaveProperty('clause')
  })

  it('does not match rules for prompts, nor prompts rules for rows', () => {
    expect(match({}, 3)).toHaveProperty('clause')
    const promotion = {
      projectId: 'p1',
      subject: 'agent',
      actor: null,
      kind: 'promoted' as const,
      detail: {
        facts: [{ kind: 'promoted' as const, label: 'production', from: 1, to: 2 }],
        environments: [],
        prompt: { tags: [] },
      },
    }
    const about = (rule: Omit<Rule, 'name' | 'to'>) => matchRule({ name: 'r', to: [], ...rule }, promotion)
    expect(about({ level: 'ERROR' })).toEqual({ clause: 'it has no level' })
    expect(about({ on: ['error-trace', 'score'] })).toHaveProperty('clause')
    expect(about({})).toHaveProperty('fact')
  })
})
