import { describe, expect, it } from 'vitest'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import { githubDispatch } from '#lib/targets/github/payload.ts'
import { slackDigest, slackMessage } from '#lib/targets/slack/message.ts'
import { slackProblems } from '../../mocks/slack.ts'
import { observedAt, scoreRow, traceRow } from '../observed-rows.ts'
import { messageOf } from './messages.ts'

const github = {
  type: 'github',
  repo: 'a/b',
  token: 't',
  apiUrl: 'https://api.test',
  eventType: 'prompt-updated',
} as const
const trace = 'https://langfuse.test/project/p1/traces/t1'

function burst(rows: ObservedRow[], over: Partial<Message['fact']> = {}, title?: string): Message {
  const isScore = rows[0]?.event.startsWith('score.')
  const fact = {
    ...(isScore ? { kind: 'score', lowest: 0.1, highest: 0.3 } : { kind: 'error-trace' }),
    name: 'checkout-agent',
    count: rows.length,
    firstAt: observedAt,
    lastAt: observedAt + 60_000,
    ...over,
  } as Message['fact']
  return messageOf({
    fact,
    links: { page: 'https://relay.test/changes/chg_1', langfuse: trace, observed: rows.map(() => trace) },
    change: {
      version: null,
      actor: null,
      subject: 'checkout-agent',
      title: title ?? `${rows.length} errors in checkout-agent in 5 minutes`,
      danger: !isScore,
    },
    detail: { prompt: null, observed: rows, environments: ['production'] },
  })
}
const errors = (count: number, over: Partial<ObservedRow> = {}) =>
  Array.from({ length: count }, (_, i) =>
    traceRow({ id: `o${i}`, level: 'ERROR', message: `broken ${i}`, ...over }),
  )

describe('a burst in Slack', () => {
  it('has its title, five of its rows with their traces, and how many more there are', () => {
    const shown = JSON.stringify(
      slackMessage(burst(errors(20), { count: 37 } as never, '37 errors in checkout-agent in 5 minutes')),
    )
    expect(shown).toContain('37 errors in checkout-agent in 5 minutes')
    expect(shown.match(/broken \d/g)).toEqual(['broken 0', 'broken 1', 'broken 2', 'broken 3', 'broken 4'])
    expect(shown.split(`<${trace}|Trace>`)).toHaveLength(6)
    expect(shown).toContain('… and 32 more')
    expect(shown).toContain('• 2026-08-21 09:00:00 UTC ERROR')
    expect(shown).toContain('#dc2626')
  })

  it('shows only what the rule matched', () => {
    const message = burst(errors(3), { count: 1, rows: [2], isLeast: true } as never)
    const shown = JSON.stringify(slackMessage(message))
    expect(shown).toContain('Error in checkout-agent: broken 2')
    expect(shown).not.toContain('broken 0')
    expect(shown).not.toContain('3 errors')
    expect(JSON.stringify(slackDigest([message, message]))).toContain('Error in checkout-agent: broken 2')
  })

  it('has scores with their values', () => {
    const shown = JSON.stringify(slackMessage(burst([scoreRow({ message: 'too short' })])))
    expect(shown).toContain('0.3 · helpfulness · EVAL · production: too short')
  })

  it('makes no links and mentions of what traces hold, and stays within its limits', () => {
    const hostile = '<!channel> <https://evil.test|ok> '.repeat(6).slice(0, 200)
    const message = slackMessage(
      burst(errors(20, { message: hostile, name: hostile, model: hostile, environment: hostile })),
    )
    expect(slackProblems(message)).toEqual([])
    expect(JSON.stringify(message)).toContain('&lt;!channel&gt;')
  })
})

describe('a burst as a dispatch', () => {
  it('has an event type of its own, its numbers, and its first rows', () => {
    const { event_type, client_payload } = githubDispatch(github, burst(errors(20), { count: 37 } as never))
    expect(event_type).toBe('langfuse-trace')
    expect(Object.keys(client_payload).length).toBeLessThanOrEqual(10)
    expect(client_payload).toMatchObject({
      projectId: 'p1',
      name: 'checkout-agent',
      count: 37,
      countIsLeast: false,
      firstAt: '2026-08-21T09:00:00.000Z',
      change: { id: 'chg_1', kind: 'error-trace' },
    })
    expect(client_payload.rows).toHaveLength(10)
    expect((client_payload.rows as object[])[0]).toEqual({
      id: 'o0',
      traceId: 't1',
      at: '2026-08-21T09:00:00.000Z',
      level: 'ERROR',
      message: 'broken 0',
      value: null,
      url: trace,
    })
  })

  it('of scores has their range, and ten properties at most', () => {
    const { event_type, client_payload } = githubDispatch(github, burst([scoreRow()]))
    expect(event_type).toBe('langfuse-score')
    expect(client_payload).toMatchObject({ lowest: 0.1, highest: 0.3, rows: [{ value: 0.3 }] })
    expect(Object.keys(client_payload)).toHaveLength(10)
  })

  it('stays below 64 KB whatever the rows hold', () => {
    const long = '\u0001'.repeat(200)
    const rows = errors(20, { message: long, id: 'x'.repeat(5000), traceId: 'y'.repeat(5000) })
    const body = JSON.stringify(githubDispatch(github, burst(rows, { name: '\u0001'.repeat(600) } as never)))
    expect(Buffer.byteLength(body)).toBeLessThan(65_536)
  })
})
