import { describe, expect, it } from 'vitest'
import { type ProofSeen, type ProofSetting, proofOf, proofSentence } from '#lib/core/reconcile/proof.ts'
import { freshLook, leaseState, lookState } from '#lib/core/reconcile/state.ts'

const now = Date.UTC(2026, 10, 27, 3, 0, 0)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const project: ProofSeen['project'] = {
  name: 'support',
  id: null,
  keys: { publicKey: 'pk', secretKey: 'sk' },
  webUrl: 'https://cloud.langfuse.com',
  called: {
    id: 'LANGFUSE_PROJECT_ID',
    publicKey: 'LANGFUSE_PUBLIC_KEY',
    secretKey: 'LANGFUSE_SECRET_KEY',
    baseUrl: 'LANGFUSE_BASE_URL',
    webUrl: 'LANGFUSE_BASE_URL',
    webhookSecrets: 'LANGFUSE_WEBHOOK_SECRET',
  },
}
const lease = (over: object = {}) => leaseState.parse({ projectId: 'p1', ...over })
const looked = (over: object = {}) =>
  lookState.parse({ baselineAt: now - 90 * day, fullAt: now - hour, checkedAt: now - 4 * minute, ...over })
const at = (clock: string) => Date.parse(`2026-11-27T${clock}:00Z`)
const count = (count: number, from: string, to = from) => ({ count, firstAt: at(from), lastAt: at(to) })
const current = { number: 2, kind: 'full', why: 'baseline', startedAt: now, prompts: 1200 }

const proof = (over: Partial<ProofSeen> = {}, setting: Partial<ProofSetting> = {}) =>
  proofOf(
    {
      ...{
        project,
        lease: lease(),
        state: looked(),
        outage: null,
        isRequested: false,
        doubts: 0,
        unread: null,
      },
      ...{ today: {}, recent: {}, ...over },
    },
    { now, everyMs: 5 * minute, isHeld: false, isServerless: false, ...setting },
  )
const toneAndWords = (...given: Parameters<typeof proof>) => {
  const { tone, ...rest } = proof(...given)
  return [tone, proofSentence({ tone, ...rest }, now)]
}

describe('the proof of a project', () => {
  it('is green with a recent comparison, and says what was missing', () => {
    expect(toneAndWords()).toEqual(['good', 'Checked with Langfuse 4 min ago · 0 missing in 30 days'])
    expect(toneAndWords({ recent: { missing: count(3, '00:00') } })).toEqual([
      'good',
      'Checked with Langfuse 4 min ago · 3 missing in 30 days',
    ])
    expect(toneAndWords({ state: looked({ checkedAt: now }) })[1]).toMatch(
      /^Checked with Langfuse just now · /,
    )
  })

  it('says what differs and may still be explained', () => {
    expect(toneAndWords({ doubts: 1 })).toEqual([
      'good',
      'Checked with Langfuse 4 min ago · 0 missing in 30 days · 1 prompt differs now, which a webhook may still explain',
    ])
    expect(toneAndWords({ doubts: 1200 })[1]).toMatch(/ · 1,200 prompts differ now, which/)
  })

  it('is amber where prompts cannot be read, and names the first', () => {
    const unread = { prompts: 1, name: 'support/reply', problem: 'Langfuse answered 500' }
    expect(toneAndWords({ doubts: 3, unread })).toEqual([
      'warn',
      'Checked with Langfuse 4 min ago · 0 missing in 30 days · 2 prompts differ now, which a webhook may still explain · support/reply cannot be read: Langfuse answered 500',
    ])
    expect(toneAndWords({ doubts: 4, unread: { prompts: 4, name: 'a', problem: null } })).toEqual([
      'warn',
      'Checked with Langfuse 4 min ago · 0 missing in 30 days · a and 3 more cannot be read',
    ])
    expect(proof({ doubts: 1, unread }).fix).toContain('every hour')
  })

  it('says that everything is being compared', () => {
    expect(proof().isUnderWay).toBe(false)
    expect(proof({ isRequested: true }).isUnderWay).toBe(true)
    expect(proof({ state: looked({ current }) }).isUnderWay).toBe(true)
    expect(proof({ state: looked({ current: { ...current, kind: 'delta' } }) }).isUnderWay).toBe(false)
  })

  it.each([
    [30 * minute, '30 minutes'],
    [5 * hour, '5 hours'],
    [12 * day, '12 days'],
    [31 * day, '30 days'],
    [0, '1 minute'],
  ])('claims no longer than it compares: %i ms', (ago, words) => {
    expect(toneAndWords({ state: looked({ baselineAt: now - ago }) })[1]).toMatch(
      new RegExp(` · 0 missing in ${words}$`),
    )
  })

  it('says what was found today, when, and that the endpoint failed then', () => {
    const missing = count(3, '02:14', '02:31')
    const found = { today: { missing }, recent: { missing } }
    expect(toneAndWords(found)).toEqual([
      'warn',
      'Checked with Langfuse 4 min ago · 3 found today (02:14–02:31 UTC)',
    ])
    const outage = { from: at('02:10'), to: at('02:30'), status: 503 }
    expect(toneAndWords({ ...found, outage })[1]).toBe(
      'Checked with Langfuse 4 min ago · 3 found today (02:14–02:31 UTC, endpoint answered 503)',
    )
    const before = { from: at('01:00'), to: at('01:10'), status: 503 }
    expect(toneAndWords({ ...found, outage: before })[1]).toMatch(/\(02:14–02:31 UTC\)$/)
    expect(toneAndWords({ today: { missing: count(1, '02:14') } })[1]).toMatch(/1 found today \(02:14 UTC\)$/)
  })

  it('names the day of what happened before today', () => {
    const missing = { count: 2, firstAt: at('02:14') - day, lastAt: at('00:01') }
    expect(toneAndWords({ today: { missing } })[1]).toMatch(/2 found today \(2026-11-26 02:14–00:01 UTC\)$/)
  })

  it('does not count what Langfuse never sends, what came late, or what the first comparison corrected', () => {
    const others = { unsent: count(5, '02:00'), late: count(1, '02:00'), corrected: count(9, '01:00') }
    expect(toneAndWords({ today: others, recent: others })).toEqual(toneAndWords())
  })

  it.each([
    ['three intervals', 15 * minute, 5 * minute, 'good'],
    ['more than three intervals', 15 * minute + 1000, 5 * minute, 'warn'],
    ['three short intervals', minute, 10_000, 'good'],
    ['minutes, at short intervals', 3 * minute + 1000, 10_000, 'warn'],
    ['three days, at intervals of one', 3 * day, day, 'good'],
  ])('after %s it is as green as that is recent', (_, ago, everyMs, tone) => {
    expect(toneAndWords({ state: looked({ checkedAt: now - ago }) }, { everyMs })[0]).toBe(tone)
  })

  it('says why the last comparison is old, and when it was', () => {
    const state = looked({ checkedAt: now - 3 * hour })
    expect(toneAndWords({ state })).toEqual([
      'warn',
      'Not compared with Langfuse lately: comparing does not run. Last checked 3 h ago',
    ])
    const error = { at: now, message: 'Langfuse does not know these API keys (401)' }
    expect(toneAndWords({ state, lease: lease({ error }) })[1]).toBe(
      'Not compared with Langfuse lately: Langfuse does not know these API keys (401). Last checked 3 h ago',
    )
    expect(toneAndWords({ state: looked({ checkedAt: now - hour, current }) })[1]).toBe(
      'Not compared with Langfuse lately: it is under way, with 1,200 prompts so far. Last checked 1 h ago',
    )
    expect(proof({ state }, { isServerless: true }).fix).toContain('/api/cron')
  })

  it('stays green while an error is younger than the last comparison', () => {
    const failing = lease({ error: { at: now, message: 'Langfuse answered 502' } })
    expect(toneAndWords({ lease: failing })).toEqual([
      'good',
      'Checked with Langfuse 4 min ago · 0 missing in 30 days · the last try failed: Langfuse answered 502',
    ])
    expect(proof({ lease: failing, isRequested: true }).isUnderWay).toBe(false)
  })

  it('is not green if the clock was set back', () => {
    expect(toneAndWords({ state: looked({ checkedAt: now + hour }) })).toEqual([
      'warn',
      'It is not known how long ago Langfuse was compared: the clock was set back',
    ])
    expect(toneAndWords({ state: looked({ checkedAt: now + minute }) })[0]).toBe('good')
  })

  it('is not green before the first comparison has ended', () => {
    expect(toneAndWords({ lease: null, state: freshLook })).toEqual([
      'quiet',
      'The first comparison with Langfuse has not ended',
    ])
    expect(toneAndWords({ state: lookState.parse({ current }) })).toEqual([
      'quiet',
      'The first comparison with Langfuse has not ended: it is under way, with 1,200 prompts so far',
    ])
    const error = { at: now, message: 'Langfuse does not know these API keys (401)' }
    expect(toneAndWords({ lease: lease({ error }), state: freshLook })).toEqual([
      'warn',
      'The first comparison with Langfuse has not ended: Langfuse does not know these API keys (401)',
    ])
  })

  it('says which keys are missing', () => {
    expect(proof({ project: { ...project, keys: null } })).toMatchObject({
      state: 'no-keys',
      tone: 'quiet',
      fix: 'Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY.',
    })
  })

  it('is grey while it is off or held, whatever is stored', () => {
    expect(proof({}, { everyMs: 0 })).toMatchObject({ state: 'off', tone: 'quiet' })
    expect(proof({}, { isHeld: true })).toMatchObject({ state: 'held', tone: 'quiet' })
  })

  it('is red if the keys belong to another project', () => {
    const { state, tone, words, fix } = proof({ lease: lease({ otherId: 'p2' }) })
    expect([state, tone]).toEqual(['project', 'bad'])
    expect(words).toBe('Nothing is compared: the keys belong to the project p2, no longer to p1')
    expect(fix).toContain('LANGFUSE_SECRET_KEY')
  })

  it('is red while many deletions are held back', () => {
    const held = { versions: 1234, since: now - hour }
    const found = proof({ state: looked({ held }) })
    expect(found).toMatchObject({ state: 'deletions', tone: 'bad' })
    expect(found.words).toContain('1,234 versions are gone in Langfuse')
  })

  it('never claims green without a recent comparison, whatever is stored', () => {
    const times = [null, now - 365 * day, now - 16 * minute, now + hour]
    for (const checkedAt of times)
      for (const baselineAt of [null, now - 90 * day])
        for (const held of [null, { versions: 20, since: 0 }]) {
          const state = lookState.parse({ checkedAt, baselineAt, held })
          expect([checkedAt, baselineAt, proof({ state }).tone === 'good']).toEqual([
            checkedAt,
            baselineAt,
            false,
          ])
        }
  })
})
