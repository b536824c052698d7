import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change, StoredPromptEvent } from '#lib/core/change/change.ts'
import { freshLook } from '#lib/core/reconcile/state.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { type SettleDeps, settleDue } from '#lib/pipeline/settle/settle.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { revisionOf } from '#lib/store/tables/listed-versions.ts'
import { saveLook } from '#lib/store/tables/looks.ts'
import { dueDoubts, nextDoubt } from '#lib/store/tables/prompt-looks.ts'
import { versionsOf } from '#lib/store/tables/prompts.ts'
import { secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const pagerduty = { type: 'pagerduty', routingKey: 'k'.repeat(32), eventsUrl: 'https://pd.example' } as const
const routes: Routes = {
  targets: { pagerduty, other: pagerduty },
  rules: [
    { name: 'lost', on: ['label-removed', 'deleted'], label: 'production', to: ['pagerduty'] },
    { name: 'created', on: ['version-created'], to: ['other'] },
  ],
  alertTargets: [],
}

const [projectId, name] = ['p1', 'support/refund-reply']
const maya = { name: 'Maya', email: 'maya@acme.example' }
const jo = { name: 'Jo', email: 'jo@acme.example' }
type Person = typeof maya | null

describe.each(engines)('an edit with a missing event, on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  let count: number
  beforeEach(async () => {
    time = t * 1000
    count = 0
    store = await openStore()
  })
  afterEach(() => store.close())

  const now = () => time
  const event = (action: string, version: number, labels: string[], user: Person = maya, tags = ['a']) => ({
    id: `event-${++count}`,
    timestamp: new Date(time).toISOString(),
    type: 'prompt-version',
    apiVersion: 'v1',
    action,
    ...(user && { user }),
    prompt: {
      id: `p${version}`,
      name,
      version,
      projectId,
      createdBy: 'maya-id',
      labels,
      prompt: `Text ${version}`,
      type: 'text',
      config: {},
      commitMessage: null,
      tags,
      createdAt: new Date(time - (action === 'created' ? 0 : 1000)).toISOString(),
      updatedAt: new Date(time).toISOString(),
    },
  })
  const settle = async (over: Partial<SettleDeps> = {}) => {
    while ((await settleDue({ db: store.db, routes, now, ...over })).claimed > 0);
  }
  /** Sends the events of one window, and returns the resulting changes. */
  const settleEvents = async (events: object[], over: Partial<SettleDeps> = {}): Promise<Change> => {
    const receive = receiver(store.db, { settleMs: 2000, now })
    for (const one of events) {
      const body = JSON.stringify(one)
      const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
      const request = new Request('http://localhost/', { method: 'POST', headers, body })
      if (!env) throw new Error('The environment has problems')
      expect((await answerWebhook(request, { env, now, receive, reject: async () => {} })).status).toBe(202)
    }
    time += 60_000
    await settle(over)
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id', 'desc').execute()
    const [row] = rows.map(toChange)
    if (!row) throw new Error('There is no change')
    return row
  }
  const begin = async () => {
    await settleEvents([event('created', 1, ['latest', 'production'])])
    await settleEvents([event('created', 2, ['latest']), event('updated', 1, ['production'])])
  }
  const deliveriesTo = async (target: string) =>
    store.db
      .selectFrom('deliveries')
      .select(['change_id', 'rule', 'fact'])
      .where('target', '=', target)
      .where('status', '=', 'queued')
      .orderBy('id')
      .execute()

  it('says which version lost a label, and no more, without API keys', async () => {
    await begin()
    expect(await settleEvents([event('updated', 1, [])])).toMatchObject({
      title:
        'Maya removed production from support/refund-reply v1: no version is known to carry production now',
      danger: true,
    })
  })

  it('raises no alarm if `latest` is gone too, since there must be a newer version', async () => {
    await settleEvents([event('created', 1, ['latest', 'production'])])
    expect(await settleEvents([event('updated', 1, [])])).toMatchObject({
      kind: 'label-removed',
      title: 'production left support/refund-reply v1; its new version is unknown',
      danger: false,
    })
    // The store remembers it, so what Jo's edit shows is not attributed to Jo.
    expect((await settleEvents([event('updated', 2, ['latest', 'production', 'staging'], jo)])).title).toBe(
      'production is on support/refund-reply v2',
    )
  })

  const holder = (version: number, updatedAt: number): StoredPromptEvent => ({
    type: 'prompt-version',
    action: 'updated',
    projectId,
    name,
    version,
    promptId: `p${version}`,
    labels: ['latest', 'production'],
    tags: ['a'],
    promptType: 'text',
    commitMessage: null,
    createdBy: 'maya-id',
    user: null,
    createdAt: 0,
    updatedAt,
    eventId: '',
    occurredAt: updatedAt,
    isRead: true,
  })

  it('asks Langfuse before it says that no version has a label', async () => {
    await begin()
    const asked: unknown[] = []
    const change = await settleEvents([event('updated', 1, [])], {
      readLabel: async (request) => {
        asked.push(request)
        return { holder: null }
      },
    })
    expect(asked).toEqual([{ projectId, name, label: 'production' }])
    expect(change).toMatchObject({
      title: 'Maya removed production from support/refund-reply v1: nothing carries production now',
      danger: true,
      detail: { facts: [{ kind: 'label-removed', label: 'production', from: 1 }] },
    })
  })

  it('also asks before it says so of a deleted version', async () => {
    await begin()
    const read = holder(2, time + 30_000)
    expect(
      await settleEvents([event('deleted', 1, ['production'])], {
        readLabel: async () => ({ holder: read }),
      }),
    ).toMatchObject({
      title:
        'Maya deleted v1 of support/refund-reply; production of support/refund-reply moved from v1 to v2',
      danger: false,
    })
  })

  it("takes the other half of the edit from Langfuse's answer", async () => {
    await begin()
    const read = holder(2, time + 4)
    const change = await settleEvents([event('updated', 1, [])], {
      readLabel: async () => ({ holder: read }),
    })
    expect(change).toMatchObject({
      kind: 'promoted',
      title: 'Maya promoted support/refund-reply v2 to production, was v1',
      version: 2,
      detail: { prompt: { eventId: null, labels: ['latest', 'production'] } },
    })
    const states = await versionsOf(store.db, { projectId, name })
    expect(states.map(({ labels }) => labels)).toEqual([[], ['latest', 'production']])
    // The missing event arrives late, and adds nothing.
    const late = event('updated', 2, ['latest', 'production'])
    late.prompt.updatedAt = new Date(read.updatedAt ?? 0).toISOString()
    expect((await settleEvents([late])).kind).toBe('unchanged')
  })

  describe('of a prompt with versions that the change does not concern', () => {
    const beginLong = async (third: string[]) => {
      await settleEvents([event('created', 1, ['latest', ...(third.length === 0 ? ['production'] : [])])])
      await settleEvents([
        event('created', 2, ['latest']),
        event('updated', 1, third.length === 0 ? ['production'] : []),
      ])
      await settleEvents([event('created', 3, ['latest', ...third]), event('updated', 2, [])])
      await settleEvents([event('created', 4, ['latest']), event('updated', 3, third)])
    }

    it('knows the version that Langfuse names, as it was before', async () => {
      await beginLong(['production'])
      const read = { ...holder(1, time + 4), labels: ['production'] }
      expect(
        await settleEvents([event('updated', 3, [])], { readLabel: async () => ({ holder: read }) }),
      ).toMatchObject({
        kind: 'rolled-back',
        detail: { prompt: { version: 1, labelsBefore: [], labels: ['production'] } },
      })
    })

    it('remembers which labels left them', async () => {
      await beginLong([])
      await settleEvents([event('updated', 1, [])])
      expect((await settleEvents([event('updated', 4, ['latest', 'production', 'staging'], jo)])).title).toBe(
        'Jo put staging on support/refund-reply v4; production is on support/refund-reply v4',
      )
    })
  })

  it('names no author for what Langfuse says happened at another time', async () => {
    await begin()
    const read = holder(2, time + 30_000)
    expect(
      (await settleEvents([event('updated', 1, [])], { readLabel: async () => ({ holder: read }) })).title,
    ).toBe('production of support/refund-reply moved from v1 to v2')
  })

  it('restores a version reported as deleted if Langfuse still has it', async () => {
    await begin()
    await settleEvents([event('deleted', 2, ['latest'])])
    const read = holder(2, time + 4)
    await settleEvents([event('updated', 1, [])], { readLabel: async () => ({ holder: read }) })
    const states = await versionsOf(store.db, { projectId, name })
    expect(states.map(({ deleted }) => deleted)).toEqual([false, false])
  })

  it('says no more than without keys if Langfuse does not answer', async () => {
    await begin()
    expect((await settleEvents([event('updated', 1, [])], { readLabel: async () => null })).title).toMatch(
      /no version is known to carry production now$/,
    )
  })

  it('ends the incident where it was opened once a version has the label again, whatever the rules say', async () => {
    await begin()
    const lost = await settleEvents([event('updated', 1, [])])
    expect((await deliveriesTo('pagerduty')).map(({ change_id }) => change_id)).toEqual([lost.id])
    const unrelated = await settleEvents([event('updated', 1, ['staging'])])
    expect(unrelated.detail.ends).toBeUndefined()
    const found = await settleEvents([event('updated', 1, ['staging', 'production'], jo)])
    expect(found.detail.ends).toEqual({ changeId: lost.id, title: lost.title })
    expect(await deliveriesTo('pagerduty')).toMatchObject([
      { change_id: lost.id, rule: 'lost' },
      { change_id: found.id, rule: 'it ends the incident opened there' },
    ])
    expect((await deliveriesTo('other')).map(({ change_id }) => change_id)).not.toContain(found.id)
    const orders = await store.db
      .selectFrom('delivery_orders')
      .select(['key', 'role'])
      .orderBy('at')
      .execute()
    expect(orders.map(({ role }) => role)).toEqual(['opens', 'ends'])
    expect(new Set(orders.map(({ key }) => key)).size).toBe(1)
    // The incident is over, so later moves end nothing.
    await settleEvents([event('updated', 1, ['staging'], jo)])
    const again = await settleEvents([event('updated', 2, ['latest', 'production'], jo)])
    expect(again.detail.ends?.changeId).not.toBe(lost.id)
    const moved = await settleEvents([
      event('updated', 1, ['staging', 'production']),
      event('updated', 2, ['latest']),
    ])
    expect(moved.detail.ends).toBeUndefined()
  })

  it.each([
    [1000, 1500],
    [50, 60],
    [1, 300_000],
  ])(
    'or a whole one, of versions saved %i ms apart by clocks that are %i ms apart, deletes none',
    async (gap, skew) => {
      const begun = time
      const at = (action: string, version: number, labels: string[], ms: number) => {
        const one = event(action, version, labels)
        one.prompt.updatedAt = new Date(begun + ms).toISOString()
        one.prompt.createdAt = new Date(begun + skew + (version === 1 ? 0 : gap)).toISOString()
        return one
      }
      await settleEvents([at('created', 1, ['latest', 'production'], 0)])
      expect(
        (await settleEvents([at('created', 2, ['latest'], gap), at('updated', 1, ['production'], gap)]))
          .title,
      ).toBe('Maya created support/refund-reply v2')
      const later = gap + 30_000
      const moved = await settleEvents([
        at('updated', 2, ['latest', 'production'], later),
        at('updated', 1, [], later),
      ])
      expect(moved.title).toBe('Maya promoted support/refund-reply v2 to production, was v1')
    },
  )

  it('of a copied prompt whose rows were created in another order deletes no version', async () => {
    const rows = [
      event('created', 1, []),
      event('created', 3, ['latest']),
      event('created', 2, ['production']),
    ]
    rows.forEach((row, ms) => {
      row.prompt.createdAt = new Date(time + ms).toISOString()
      row.prompt.updatedAt = row.prompt.createdAt
    })
    await settleEvents(rows)
    const moved = await settleEvents([
      event('updated', 3, ['latest', 'production'], jo),
      event('updated', 2, [], jo),
    ])
    expect(moved).toMatchObject({
      title: 'Jo promoted support/refund-reply v3 to production, was v2',
      danger: false,
    })
    expect(
      (await settleEvents([event('updated', 3, ['latest', 'production', 'staging'])])).detail.stale,
    ).toEqual([])
  })

  it('is compared with Langfuse once no webhook can be on its way any more, as other doubts are', async () => {
    await begin()
    const late = event('updated', 2, ['latest', 'early'])
    time += 1
    await settleEvents([event('updated', 2, ['latest', 'staging'])])
    await saveLook(store.db, { baseUrl: 'https://langfuse.test', projectId }, freshLook)
    const { detail } = await settleEvents([late], { graceMs: 7000 })
    expect(detail.stale).not.toEqual([])
    expect(await nextDoubt(store.db, projectId)).toBe(time + 7000)
    const [one] = await dueDoubts(store.db, projectId, { now: time + 7000, max: 10 })
    const { revision } = await revisionOf(store.db, { projectId, name })
    expect(one).toMatchObject({ name, doubt: { since: time, revision } })
    expect(revision).not.toBe('')
  })

  it('by two people at once is reported with both names, and so is what one undid of the other', async () => {
    await begin()
    await settleEvents([event('updated', 2, ['latest', 'staging'])])
    const gain = event('updated', 2, ['latest', 'staging', 'production'])
    const loss = event('updated', 1, [])
    time += 1
    const other = event('updated', 1, ['canary'], jo)
    const both = await settleEvents([other, loss, gain])
    expect(both).toMatchObject({
      title:
        'Maya promoted support/refund-reply v2 to production, was v1; Jo put canary on support/refund-reply v1',
      actor: 'Maya',
      detail: { facts: [{ kind: 'promoted' }, { kind: 'label-added', label: 'canary', by: 'Jo' }] },
    })
    const up = [
      event('updated', 1, ['canary', 'production'], jo),
      event('updated', 2, ['latest', 'staging'], jo),
    ]
    time += 1
    const down = [event('updated', 2, ['latest', 'staging', 'production']), event('updated', 1, ['canary'])]
    const crossed = await settleEvents([...down, ...up])
    expect(crossed).toMatchObject({
      kind: 'unchanged',
      title:
        'Jo rolled production of support/refund-reply back from v2 to v1; Maya promoted support/refund-reply v2 to production, was v1: nothing changed in the end',
    })
    expect(crossed.detail.steps).toEqual([
      { kind: 'rolled-back', label: 'production', from: 2, to: 1, by: 'Jo' },
      { kind: 'promoted', label: 'production', from: 1, to: 2, by: 'Maya' },
    ])
  })
})
