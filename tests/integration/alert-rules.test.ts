import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '#lib/base/id.ts'
import type { Proof } from '#lib/core/reconcile/proof.ts'
import { storeUnavailable } from '#lib/endpoints/answers.ts'
import { exportedMetrics, storeFamilies } from '#lib/pipeline/exported-metrics.ts'
import { insertEvents } from '#lib/store/tables/events.ts'
import { savePoll } from '#lib/store/tables/polls.ts'
import { addCount } from '#lib/store/tables/reconcile-counts.ts'
import { ensureTargets, updateTarget } from '#lib/store/tables/targets.ts'
import { claimWatch } from '#lib/store/tables/watch.ts'
import { evaluate, parseScrape, type Scrape, selectors } from '../promql.ts'
import { queueChanges } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const docs = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')
/** One rule from the docs: an alert's name, its expression, and the labels that its summary shows. */
const rules = [...docs.matchAll(/- alert: (\w+)\n +expr: (.+)\n((?: +(?:for|annotations): .*\n)+)/g)].map(
  ([, alert = '', expression = '', rest = '']) => ({
    alert,
    expression,
    shown: [...rest.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? ''),
  }),
)

const day = 86_400_000

const compared: Proof = {
  ...{ project: 'support', projectId: 'p1', state: 'checked', tone: 'good', words: '' },
  ...{ checkedAt: Date.now(), fix: null, today: 0, recent: 0, isUnderWay: false },
}

describe.each(engines)('the alert rules in the docs, on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
    await ensureTargets(store.db, ['slack'])
    await signedEvent(Date.now() - 60_000)
    await queueChanges(store.db, 2, ['slack'], { status: 'delivered', next_at: null })
  })
  afterEach(() => store.close())

  async function signedEvent(at: number) {
    const id = newId('evt', at)
    const prompt = { type: 'prompt-version', action: 'created', project_id: 'p1', subject: 'a', version: 1 }
    const signed = { headers: '{}', signature: 'v1', secret_hint: 'c0de', size: 2, body: Buffer.from('{}') }
    const event = { ...prompt, ...signed, id, source: 'langfuse-webhook', dedupe_key: id, twin_key: null }
    await insertEvents(store.db, [{ ...event, change_id: 'chg_none', occurred_at: at, received_at: at }])
  }

  /** What Prometheus would scrape now, with the `up` that it adds. */
  async function scrape(
    over: {
      isGone?: boolean
      isFull?: boolean
      isDown?: boolean
      problems?: number
      proof?: Partial<Proof>
    } = {},
  ): Promise<Scrape> {
    const text = await exportedMetrics({
      labels: { version: '1', mode: 'live', store: 'sqlite' },
      stored: async () => {
        if (over.isGone) throw new Error('connect ECONNREFUSED')
        return storeFamilies(store.db, Date.now(), [{ ...compared, ...over.proof }])
      },
      problems: over.problems ?? 0,
      takesWrites: async () => !over.isFull,
      onError: () => {},
      startedAt: 0,
      memory: 1,
    })
    const { series, at } = parseScrape(over.isDown ? '' : text, Date.now() / 1000)
    const up = { name: 'up', labels: { job: 'prompt-relay' }, value: over.isDown ? 0 : 1 }
    return { at, series: [...series, up] }
  }

  const firing = (scrapes: Scrape[]) =>
    rules.flatMap(({ alert, expression }) =>
      evaluate(expression, scrapes).map(({ labels }) => [alert, labels] as const),
    )
  const names = (scrapes: Scrape[]) => [...new Set(firing(scrapes).map(([alert]) => alert))]

  it('are all covered: each one fires in a test below', () => {
    expect(rules).toHaveLength(docs.match(/- alert:/g)?.length ?? 0)
    expect(rules.map(({ alert }) => alert).toSorted()).toEqual(
      ['PromptRelayEventsNotStored', 'PromptRelayMissedWebhooks', ...bad.keys()].toSorted(),
    )
  })

  it('do not fire while all is well', async () => {
    expect(firing([await scrape(), await scrape()])).toEqual([])
  })

  const bad = new Map<string, () => Promise<Parameters<typeof scrape>[0]>>([
    ['PromptRelayDown', async () => ({ isDown: true })],
    ['PromptRelayStoreDown', async () => ({ isGone: true })],
    ['PromptRelayMisconfigured', async () => ({ problems: 2 })],
    ['PromptRelayStoreNotWritable', async () => ({ isFull: true })],
    [
      'PromptRelayLate',
      async () => {
        await queueChanges(store.db, 1, ['slack'], { next_at: Date.now() - 700_000 })
        return {}
      },
    ],
    [
      'PromptRelayNotSettling',
      async () => {
        await queueChanges(store.db, 1, [])
        const at = Date.now() - 5 * 60_000
        await sql`update changes set status = 'settling', next_at = ${at}, due_at = ${at} where id =
        (select max(id) from changes)`.execute(store.db)
        return {}
      },
    ],
    [
      'PromptRelayOpenFailures',
      async () => {
        const ended = { next_at: null, finished_at: Date.now() - 17 * day, reason: '404' }
        await queueChanges(store.db, 6, ['slack'], { status: 'failed', ...ended })
        return {}
      },
    ],
    [
      'PromptRelayTargetPaused',
      async () => {
        await updateTarget(store.db, 'slack', { open_until: Date.now() + 60_000, opened: 1, failures: 5 })
        return {}
      },
    ],
    [
      'PromptRelayQuiet',
      async () => {
        await store.db.deleteFrom('events').execute()
        await signedEvent(Date.now() - 36 * day)
        return {}
      },
    ],
    ['PromptRelayNotCompared', async () => ({ proof: { checkedAt: Date.now() - 1_801_000 } })],
    [
      'PromptRelayTrouble',
      async () => {
        const claimed = await claimWatch(store.db, Date.now(), 30_000)
        const troubles = [{ what: 'target' as const, target: 'slack', since: 1 }]
        if (claimed)
          await savePoll(store.db, { ...claimed, state: { ...claimed.state, troubles } }, Date.now())
        return {}
      },
    ],
  ])

  it.each([...bad.keys()])('%s fires when it should', async (alert) => {
    const over = await bad.get(alert)?.()
    const scrapes = [await scrape(over)]
    expect(names(scrapes)).toContain(alert)
    const shown = rules.find((rule) => rule.alert === alert)?.shown ?? []
    for (const [name, labels] of firing(scrapes))
      if (name === alert) expect(Object.keys(labels)).toEqual(expect.arrayContaining(shown))
  })

  it('PromptRelayEventsNotStored fires at the first event that was not stored, and stops again', async () => {
    const before = await scrape()
    const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
    storeUnavailable(full, { endpoint: 'langfuse-webhook', size: 10 })
    const after = await scrape()
    expect(firing([before, after])).toEqual([
      ['PromptRelayEventsNotStored', { endpoint: 'langfuse-webhook', reason: 'disk-full' }],
    ])
    expect(firing([after, { ...(await scrape()), at: after.at + 60 }])).toEqual([])
  })

  it('PromptRelayMissedWebhooks fires at the first change that a comparison found, and stops again', async () => {
    const before = await scrape()
    const now = Date.now()
    await addCount(store.db, 'p1', 'unsent', { count: 1, from: now, to: now, now })
    expect(firing([before, await scrape()])).toEqual([])
    await addCount(store.db, 'p1', 'missing', { count: 1, from: now, to: now, now })
    const after = await scrape()
    expect(firing([before, after])).toEqual([
      ['PromptRelayMissedWebhooks', { project: 'support', what: 'missing' }],
    ])
    expect(firing([after, { ...(await scrape()), at: after.at + 60 }])).toEqual([])
  })

  it('use only metrics that are exported', async () => {
    await bad.get('PromptRelayTrouble')?.()
    const { series } = await scrape()
    for (const { name, labels } of rules.flatMap(({ expression }) => selectors(expression))) {
      const exported = series.find((one) => one.name === name)
      expect([name, exported !== undefined]).toEqual([name, true])
      expect(Object.keys(exported?.labels ?? {})).toEqual(expect.arrayContaining(labels))
    }
  })
})
