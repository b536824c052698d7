import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change } from '#lib/core/change/change.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { type SettleDeps, settleDue } from '#lib/pipeline/settle/settle.ts'
import { versionText } from '#lib/pipeline/settle/version-text.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { type FixtureName, fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const target = { type: 'slack', url: 'https://slack.example/x' } as const
const routes: Routes = {
  targets: { slack: target, quiet: target },
  rules: [
    { name: 'all', on: ['prompt.created', 'prompt.updated', 'prompt.deleted', 'alert'], to: ['slack'] },
  ],
  alertTargets: [],
}

describe.each(engines)('settling on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    time = t * 1000
    store = await openStore()
  })
  afterEach(() => store.close())

  const now = () => time
  const post = async (...names: (FixtureName | Uint8Array)[]) => {
    const receive = receiver(store.db, { settleMs: 2000, now })
    for (const name of names) {
      const body = typeof name === 'string' ? fixture(name) : name
      const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(time / 1000) }) }
      const request = new Request('http://localhost/', { method: 'POST', headers, body: body as BodyInit })
      if (!env) throw new Error('The environment has problems')
      expect((await answerWebhook(request, { env, now, receive, reject: async () => {} })).status).toBe(202)
    }
  }
  const settle = async (over: Partial<SettleDeps> = {}) => {
    while ((await settleDue({ db: store.db, routes, now, ...over })).claimed > 0);
  }
  const changes = async (): Promise<Change[]> => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  const deliveries = () => store.db.selectFrom('deliveries').selectAll().orderBy('target').execute()

  it('folds a new version and the old holder of `latest` into one change, reported once', async () => {
    await post('01-prompt-created-text.json', '01b-prompt-updated-previous-loses-latest.json')
    time += 2000
    await settle()
    const [change, ...others] = await changes()
    expect(others).toEqual([])
    expect(change).toMatchObject({
      kind: 'version-created',
      title: 'Maya Okonkwo created support/refund-reply v7',
      version: 7,
      actor: 'Maya Okonkwo',
      eventCount: 2,
      status: 'settled',
    })
    expect(change?.detail.difference).toMatchObject({
      fromVersion: 6,
      toVersion: 7,
      variablesAdded: ['max_sentences'],
    })
    expect((await deliveries()).map(({ target: name, status, rule }) => [name, status, rule])).toEqual([
      ['quiet', 'skipped', 'no rule names this target'],
      ['slack', 'queued', 'all'],
    ])
  })

  it('shows a change as settling at once, and settles it early if nothing more is expected', async () => {
    await post('01-prompt-created-text.json', '01b-prompt-updated-previous-loses-latest.json')
    expect((await changes()).map(({ status }) => status)).toEqual(['settling'])
    time += 2000
    await settle()
    await post('05b-label-move-loses-production.json')
    await settle()
    expect((await changes()).map(({ status }) => status)).toEqual(['settled', 'settling'])
    await post('05a-label-move-gains-production.json')
    await settle()
    expect((await changes())[1]).toMatchObject({
      status: 'settled',
      kind: 'promoted',
      title: 'Maya Okonkwo promoted support/refund-reply v7 to production, was v6',
    })
  })

  it('reads a text that no event contained from Langfuse, and says what changed', async () => {
    await post('01-prompt-created-text.json')
    time += 2000
    const asked: unknown[] = []
    await settle({
      readVersion: async (wanted) => {
        asked.push(wanted)
        // No transaction is open meanwhile: an endpoint would have to wait for it.
        await post('09-monitor-alert.json')
        return { text: 'You are a support agent.', config: {} }
      },
    })
    expect(asked).toEqual([
      { projectId: 'cmfq1x7h3000108l4b2k9d6tz', name: 'support/refund-reply', version: 6 },
    ])
    const change = (await changes()).find(({ kind }) => kind === 'version-created')
    expect(change?.detail.difference).toMatchObject({ fromVersion: 6, toVersion: 7 })
  })

  it.each([
    ['without API keys', undefined],
    ['where Langfuse has it no more', async () => null],
  ])('says %s that the earlier text is not known', async (_, readVersion) => {
    await post('01-prompt-created-text.json')
    time += 2000
    await settle({ readVersion })
    expect((await changes())[0]?.detail.difference).toBe(
      'The text of v6 is not known, so nothing can be compared.',
    )
  })

  it('reports alerts, notifications and unknown shapes as separate changes', async () => {
    await post(
      '09-monitor-alert.json',
      '09b-monitor-recovered.json',
      '10-project-notification-evaluator-blocked.json',
      new TextEncoder().encode('{"type":"something-new","id":"x"}'),
    )
    await settle()
    expect((await changes()).map(({ kind, danger }) => [kind, danger])).toEqual([
      ['alert', true],
      ['recovered', false],
      ['notification', true],
      ['unrecognised', false],
    ])
    const [alert, , , strange] = await changes()
    expect(alert?.detail.links.map(({ label }) => label)).toEqual(['Open the alert', 'Open the data'])
    expect(strange?.detail.problems.length).toBeGreaterThan(0)
  })

  it('keeps the resolved text of a version, not the unresolved one of its deletion', async () => {
    const created = JSON.parse(fixture('06-prompt-deleted.json').toString())
    const before = {
      ...created,
      id: 'c',
      action: 'created',
      prompt: { ...created.prompt, prompt: 'Resolved.' },
    }
    await post(new TextEncoder().encode(JSON.stringify(before)), '06-prompt-deleted.json')
    time += 2000
    await settle()
    const key = { projectId: created.prompt.projectId, name: created.prompt.name }
    expect((await versionText(store.db, key, 2))?.text).toBe('Resolved.')
  })

  it('settles events that arrived after a change was due only after that change, however long it takes', async () => {
    await post('01-prompt-created-text.json', '01b-prompt-updated-previous-loses-latest.json')
    const [first] = await changes()
    time += 2001
    await store.db
      .updateTable('changes')
      .set({ next_at: time + 30_000 })
      .execute()
    await post('05b-label-move-loses-production.json', '05a-label-move-gains-production.json')
    await settle()
    time += 10_000
    await settle()
    expect((await changes()).map(({ status }) => status)).toEqual(['settling', 'settling'])
    await store.db
      .updateTable('changes')
      .set({ next_at: time })
      .where('id', '=', first?.id ?? '')
      .execute()
    await settle()
    time += 1000
    await settle()
    expect((await changes()).map(({ kind }) => kind)).toEqual(['version-created', 'promoted'])
  })

  it.each([
    ['the later of two open changes', 1],
    ['an open change', 0],
  ])(
    'tells an alert once where two instances opened a change for it: %s joins the other',
    async (_, joining) => {
      const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
      const other = { ...alert, id: 'other', payload: { ...alert.payload, monitorId: 'm2' } }
      await post('09-monitor-alert.json', new TextEncoder().encode(JSON.stringify(other)))
      const rows = await store.db.selectFrom('events').selectAll().orderBy('id').execute()
      const [one] = rows
      await store.db
        .updateTable('events')
        .set({ twin_key: one?.twin_key ?? '', body: one?.body ?? Buffer.of() })
        .execute()
      if (joining === 0) {
        await store.db
          .updateTable('changes')
          .set({ next_at: time + 1 })
          .where('id', '=', one?.change_id ?? '')
          .execute()
        await settle()
        time += 1
      }
      await settle()
      const [change, ...others] = await changes()
      expect(others).toEqual([])
      expect(change).toMatchObject({ kind: 'alert', status: 'settled' })
      expect(await store.db.selectFrom('events').select('change_id').execute()).toEqual(
        rows.map(() => ({ change_id: change?.id })),
      )
      expect((await deliveries()).filter(({ status }) => status === 'queued')).toHaveLength(1)
    },
  )
})
