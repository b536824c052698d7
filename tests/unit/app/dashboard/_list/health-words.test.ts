import { describe, expect, it } from 'vitest'
import type { Proof } from '#lib/core/reconcile/proof.ts'
import type { Health } from '#lib/store/views/health.ts'
import { type HealthSetting, healthItems } from '../../../../../app/(dashboard)/_list/health-words.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)
const minute = 60_000
const healthy: Health = {
  lastSignedAt: now - 4000,
  answeredAt: null,
  changedAt: null,
  waitingSince: null,
  targets: [{ target: 'slack', delivered: 12, failed: 0, retrying: 0 }],
  circuits: [],
  troubles: [],
  overdue: { count: 0, since: null, reason: null },
  openFailures: [],
}
const setting: HealthSetting = { quietMs: 24 * 60 * minute, hasKeys: true, writeProblem: null, proofs: [] }
const itemsOf = (over: Partial<Health>, how: Partial<HealthSetting> = {}) =>
  healthItems({ ...healthy, ...over }, { ...setting, ...how }, now).map(({ name, words, tone, href }) => [
    name,
    words,
    tone,
    href,
  ])

describe('the health line', () => {
  it('has no link if all is well', () => {
    expect(itemsOf({})).toEqual([
      ['Last signed event', '4 s ago', 'good', null],
      ['Oldest waiting', 'nothing waiting', 'good', null],
      ['slack, 24 h', '100%', 'good', null],
    ])
  })

  it('is quiet if no event has arrived yet', () => {
    expect(itemsOf({ lastSignedAt: null, targets: [] })).toEqual([
      ['Last signed event', 'none yet', 'quiet', null],
      ['Oldest waiting', 'nothing waiting', 'good', null],
    ])
  })

  it.each([
    [4 * minute, '4 min ago', 'good', null],
    [6 * minute, '6 min ago', 'warn', '/?status=queued%2Csending%2Cretrying%2Cheld&test=shown'],
  ])('links to what has waited for more than five minutes: %i ms', (ago, words, tone, href) => {
    expect(itemsOf({ waitingSince: now - ago })[1]).toEqual(['Oldest waiting', words, tone, href])
  })

  it.each([
    [
      { delivered: 999, failed: 1, retrying: 0 },
      '99.9%',
      'warn',
      '/?status=failed&target=slack&time=24h&test=shown',
    ],
    [
      { delivered: 99_999, failed: 1, retrying: 0 },
      '≥ 99.9%',
      'warn',
      '/?status=failed&target=slack&time=24h&test=shown',
    ],
    [
      { delivered: 1, failed: 0, retrying: 1 },
      '50.0%',
      'warn',
      '/?status=retrying&target=slack&time=24h&test=shown',
    ],
    [{ delivered: 0, failed: 0, retrying: 0 }, 'nothing sent', 'quiet', null],
    [{ delivered: 10_000, failed: 0, retrying: 0 }, '100%', 'good', null],
  ])('says which share of %o was delivered, and links to the rest', (counts, words, tone, href) => {
    expect(itemsOf({ targets: [{ target: 'slack', ...counts }] })[2]).toEqual([
      'slack, 24 h',
      words,
      tone,
      href,
    ])
  })

  it('says which circuit is open, until when, and links to what is held', () => {
    expect(itemsOf({ circuits: [{ target: 'slack', until: now + 8 * minute }] })[2]).toEqual([
      'slack, 24 h',
      '100%, paused, next attempt in 8 min',
      'bad',
      '/?status=held&target=slack&test=shown',
    ])
  })

  it('shows troubles first, with what to do about them', () => {
    const since = now - 26 * minute
    const [first] = healthItems(
      { ...healthy, troubles: [{ what: 'quiet', target: null, since }] },
      setting,
      now,
    )
    expect(first).toMatchObject({ name: 'Trouble', tone: 'bad', href: '/?kind=trouble&test=shown' })
    expect(first?.words).toBe('No signed events arrive, although prompts changed in Langfuse, for 26 min')
    expect(first?.why).toContain('Automations')
  })

  const day = 24 * 60 * minute
  it.each<[string, Partial<Health>, Partial<HealthSetting>, string, string]>([
    ['with an event of a day ago', { lastSignedAt: now - day + 1 }, {}, '23 h ago', 'good'],
    [
      'after 36 days without API keys',
      { lastSignedAt: now - 36 * day },
      { hasKeys: false },
      '36 d ago, cause unknown; set API keys to check',
      'warn',
    ],
    [
      'after 36 days in which Langfuse did not answer',
      { lastSignedAt: now - 36 * day, answeredAt: now - 4 * 60 * minute, changedAt: null },
      {},
      '36 d ago, cause unknown; Langfuse does not answer',
      'warn',
    ],
    [
      'after 36 days without a changed prompt, as Langfuse recently confirmed',
      { lastSignedAt: now - 36 * day, answeredAt: now - 60 * minute, changedAt: null },
      {},
      '36 d ago, no prompt changed since',
      'quiet',
    ],
    [
      'after prompts changed',
      { lastSignedAt: now - 2 * day, answeredAt: now, changedAt: now - day },
      {},
      '2 d ago, although prompts changed in Langfuse',
      'bad',
    ],
    ['without a watch', { lastSignedAt: now - 36 * day }, { quietMs: 0 }, '36 d ago', 'quiet'],
    [
      'with an event of the future',
      { lastSignedAt: now + 3 * day },
      {},
      'in 3 d, the clock was set back',
      'warn',
    ],
  ])('is green only after a recent event: %s', (_, over, how, words, tone) => {
    expect(itemsOf(over, how)[0]?.slice(0, 3)).toEqual(['Last signed event', words, tone])
  })

  it('keeps failed deliveries in view, without a 100% beside them', () => {
    const open = {
      target: 'slack',
      count: 6,
      reason: '404 no_service',
      changeId: 'chg_1',
      lastAt: now - 17 * day,
    }
    const items = itemsOf({ openFailures: [open] })
    const href = '/?status=failed&target=slack&test=shown'
    expect(items[2]).toEqual(['slack', '6 open failures', 'bad', href])
    expect(JSON.stringify(items)).not.toContain('100%')
    const circuits = [{ target: 'slack', until: now + 8 * minute }]
    expect(itemsOf({ openFailures: [{ ...open, count: 1 }], circuits })[2]?.[1]).toBe(
      '1 open failure, paused, next attempt in 8 min',
    )
  })

  it('counts changes that do not settle as waiting', () => {
    const overdue = { count: 82, since: now - 17 * day, reason: 'no such column' }
    expect(itemsOf({ overdue, waitingSince: now - 17 * day })[1]).toEqual([
      'Oldest waiting',
      '17 d ago, 82 changes not settled',
      'bad',
      '/?status=settling&test=shown',
    ])
  })

  describe('of comparisons with Langfuse', () => {
    const proof = (over: Partial<Proof> = {}): Proof => ({
      ...{
        project: 'support',
        projectId: 'p1',
        state: 'checked',
        tone: 'good',
        words: '0 missing in 30 days',
      },
      ...{ checkedAt: now - 4 * minute, fix: null, today: 0, recent: 0, isUnderWay: false, ...over },
    })
    const shown = (...proofs: Proof[]) => itemsOf({ targets: [] }, { proofs }).slice(1, -1)
    const bad = proof({ state: 'deletions', tone: 'bad', words: '20 versions are gone', fix: 'Confirm it.' })

    it('says when the only project was compared, and what was missing', () => {
      expect(shown(proof())).toEqual([
        ['Comparison', 'Checked with Langfuse 4 min ago · 0 missing in 30 days', 'good', null],
      ])
    })

    it('links to what was found, and to what has to be done', () => {
      const found = proof({ state: 'found', tone: 'warn', words: '3 found today (02:14 UTC)', today: 3 })
      expect(shown(found)).toEqual([
        [
          'Comparison',
          'Checked with Langfuse 4 min ago · 3 found today (02:14 UTC)',
          'warn',
          '/?q=reconciled',
        ],
      ])
      expect(shown(proof({ recent: 2 }))[0]?.[3]).toBe('/?q=reconciled')
      expect(shown(bad)[0]?.slice(1)).toEqual(['20 versions are gone', 'bad', '/setup#incoming'])
    })

    it('names each of a few projects', () => {
      expect(shown(proof(), proof({ project: 'sales' })).map(([name]) => name)).toEqual([
        'Comparison, support',
        'Comparison, sales',
      ])
    })

    it('puts those of many projects together that are well, and counts the others', () => {
      const many = Array.from({ length: 50 }, (_, i) =>
        i < 45
          ? proof({ project: `p${i}`, checkedAt: now - i * minute, recent: i === 3 ? 2 : 0 })
          : proof({
              ...(i === 49 ? bad : {}),
              ...(i < 49 ? { state: 'stale', tone: 'warn' } : {}),
              project: `p${i}`,
            }),
      )
      expect(shown(...many).map(([name, words, tone]) => [name, words, tone])).toEqual([
        ['Comparison, p49', '20 versions are gone', 'bad'],
        ['Comparison, p45', '0 missing in 30 days. Last checked 4 min ago', 'warn'],
        ['Comparison, p46', '0 missing in 30 days. Last checked 4 min ago', 'warn'],
        ['Comparison', '2 more projects of which nothing can be claimed', 'warn'],
        ['Comparison', '45 projects checked with Langfuse, the longest 44 min ago · 2 missing', 'good'],
      ])
    })
  })

  it('says first that the store accepts no writes', () => {
    const writeProblem = { kind: 'disk-full' as const, since: now - minute }
    expect(itemsOf({}, { writeProblem })[0]).toEqual([
      'Database',
      'accepts no writes: its disk is full',
      'bad',
      '/setup',
    ])
  })
})
