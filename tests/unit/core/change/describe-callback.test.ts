import { describe, expect, it } from 'vitest'
import { emptyDetail, type TraceFacts } from '#lib/core/change/change.ts'
import { type CallbackIds, callbackFields, describeCallback } from '#lib/core/change/describe-callback.ts'
import { callbackLinks } from '#lib/core/change/links.ts'
import { matchRule } from '#lib/core/rules/rules.ts'

const ids: CallbackIds = {
  projectId: 'p1',
  traceId: '1c563dcf980b449abb0dcbeaf1784e81',
  observationId: null,
  sessionId: null,
}
const trace: TraceFacts = {
  name: 'checkout-agent',
  user: 'u-7',
  environment: 'production',
  level: 'ERROR',
  latencyMs: 2500,
  cost: 0.0123,
  observations: 12,
  startedAt: 0,
}
const found = (over: Partial<CallbackIds> = {}) => ({
  state: 'found' as const,
  ids: { ...ids, ...over },
  trace,
})
const noAnswer = { state: 'no-answer' as const, message: 'gone', retryAfterMs: null }

describe('a callback reads', () => {
  it('with the name of the trace that Langfuse knows', () => {
    expect(describeCallback(ids, found()).title).toBe(
      'Someone asked for a look at trace checkout-agent (1c563dcf…)',
    )
  })

  it.each([
    ['an observation', { observationId: 'obs-1' }, 'an observation of trace 1c563dcf… (not confirmed)'],
    ['a session', { traceId: null, sessionId: 'call 42' }, 'session call 42 (not confirmed)'],
    ['an observation alone', { traceId: null, observationId: 'obs-1' }, 'observation obs-1 (not confirmed)'],
  ])('of %s without keys', (_, over, words) => {
    const { title, facts } = describeCallback({ ...ids, ...over } as CallbackIds, null)
    expect(title).toBe(`Someone asked for a look at ${words}`)
    expect(facts[0]).not.toHaveProperty('withheld')
  })

  it.each([
    ['does not know it', { state: 'not-found' as const }, ', which Langfuse does not know'],
    ['never answered', noAnswer, ', which could not be confirmed'],
  ])('so that no one believes it where Langfuse %s', (_, answer, ending) => {
    const { title, facts } = describeCallback(ids, answer)
    expect(title).toBe(`Someone asked for a look at trace 1c563dcf…${ending}`)
    expect(facts).toMatchObject([{ confirmed: false, withheld: answer.state }])
  })
})

describe('a callback that Langfuse did not confirm', () => {
  it.each([
    [{ state: 'not-found' as const }, 'Langfuse does not know it'],
    [noAnswer, 'Langfuse did not confirm it'],
  ])('reaches no target, whatever the rules (%j)', (answer, clause) => {
    const { facts, kind } = describeCallback(ids, answer)
    const change = { projectId: 'p1', subject: 'x', actor: null, kind, detail: { ...emptyDetail, facts } }
    for (const on of [undefined, ['trace-callback'] as const])
      expect(matchRule({ name: 'all', on, to: ['slack'] }, change)).toEqual({ clause })
    expect(
      callbackLinks({ projectId: 'p1', detail: { ...emptyDetail, facts } }, 'https://l.example'),
    ).toEqual([])
  })
})

describe('a callback leads', () => {
  const linksOf = (over: object) => {
    const { facts } = describeCallback({ ...ids, ...over } as CallbackIds, null)
    return callbackLinks({ projectId: 'p/1', detail: { ...emptyDetail, facts } }, 'https://l.example/base/')
  }
  const base = 'https://l.example/base/project/p%2F1'

  it.each([
    ['a trace', {}, [`${base}/traces/${ids.traceId}`]],
    ['an observation in it', { observationId: 'o 1' }, [`${base}/traces/${ids.traceId}?observation=o%201`]],
    ['a session', { traceId: null, sessionId: 'a/b?c' }, [`${base}/sessions/a%2Fb%3Fc`]],
    ['both', { sessionId: 's' }, [`${base}/traces/${ids.traceId}`, `${base}/sessions/s`]],
    ['nothing, where an observation has no trace', { traceId: null, observationId: 'o' }, []],
  ])('to %s', (_, over, urls) => {
    expect(linksOf(over).map(({ url }) => url)).toEqual(urls)
  })
})

describe('what is known of a trace', () => {
  const { facts } = describeCallback(ids, found())
  it('is shown by name', () => {
    expect(callbackFields({ facts, trace })).toEqual([
      ['Name', 'checkout-agent'],
      ['Trace', ids.traceId],
      ['User', 'u-7'],
      ['Level', 'ERROR'],
      ['Latency', '2.5 s'],
      ['Cost', '0.0123 USD'],
      ['Observations', '12'],
    ])
  })

  it('says where not everything was read', () => {
    const part: TraceFacts = { ...trace, observations: 1000, isLeast: true, latencyMs: null, cost: null }
    expect(callbackFields({ facts, trace: part }).slice(-2)).toEqual([
      ['Level', 'ERROR'],
      ['Observations', 'at least 1,000'],
    ])
  })

  it('is nothing for other changes', () => {
    expect(callbackFields({ facts: [{ kind: 'unchanged' }], trace })).toEqual([])
  })
})
