import { describe, expect, it } from 'vitest'
import type { Health } from '#lib/db/health-line.ts'
import { healthItems } from '../../../app/_components/health-words.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)
const minute = 60_000
const well: Health = {
  lastSignedAt: now - 4000,
  waitingSince: null,
  targets: [{ target: 'slack', delivered: 12, failed: 0, retrying: 0 }],
  circuits: [],
  troubles: [],
}
const said = (over: Partial<Health>) =>
  healthItems({ ...well, ...over }, now).map(({ name, words, tone, href }) => [name, words, tone, href])

describe('the health line', () => {
  it('says that all is well without a link', () => {
    expect(said({})).toEqual([
      ['Last signed event', '4 s ago', 'good', null],
      ['Oldest waiting', 'nothing waits', 'good', null],
      ['slack, 24 h', '100 %', 'good', null],
    ])
  })

  it('is quiet where nothing came yet', () => {
    expect(said({ lastSignedAt: null, targets: [] })).toEqual([
      ['Last signed event', 'none yet', 'quiet', null],
      ['Oldest waiting', 'nothing waits', 'good', null],
    ])
  })

  it.each([
    [4 * minute, '4 min ago', 'good', null],
    [6 * minute, '6 min ago', 'warn', '/?status=queued%2Csending%2Cretrying%2Cheld&test=shown'],
  ])('leads to what waits for longer than five minutes: %i ms', (ago, words, tone, href) => {
    expect(said({ waitingSince: now - ago })[1]).toEqual(['Oldest waiting', words, tone, href])
  })

  it.each([
    [
      { delivered: 999, failed: 1, retrying: 0 },
      '99.9 %',
      'bad',
      '/?status=failed&target=slack&time=24h&test=shown',
    ],
    [
      { delivered: 99_999, failed: 1, retrying: 0 },
      '≥ 99.9 %',
      'bad',
      '/?status=failed&target=slack&time=24h&test=shown',
    ],
    [
      { delivered: 1, failed: 0, retrying: 1 },
      '50.0 %',
      'warn',
      '/?status=retrying&target=slack&time=24h&test=shown',
    ],
    [{ delivered: 0, failed: 0, retrying: 0 }, 'nothing sent', 'quiet', null],
    [{ delivered: 10_000, failed: 0, retrying: 0 }, '100 %', 'good', null],
  ])('says how much of %o arrived, and leads to what did not', (counts, words, tone, href) => {
    expect(said({ targets: [{ target: 'slack', ...counts }] })[2]).toEqual(['slack, 24 h', words, tone, href])
  })

  it('says which circuit is open, until when, and leads to what is held', () => {
    expect(said({ circuits: [{ target: 'slack', until: now + 8 * minute }] })[2]).toEqual([
      'slack, 24 h',
      '100 %, paused, next try in 8 min',
      'bad',
      '/?status=held&target=slack&test=shown',
    ])
  })

  it('tells what goes wrong around the relay first, with what to do about it', () => {
    const since = now - 26 * minute
    const [first] = healthItems({ ...well, troubles: [{ what: 'quiet', target: null, since }] }, now)
    expect(first).toMatchObject({ name: 'Trouble', tone: 'bad', href: '/?kind=trouble&test=shown' })
    expect(first?.words).toBe('No signed event comes, although prompts changed in Langfuse, for 26 min')
    expect(first?.why).toContain('Automations')
  })
})
