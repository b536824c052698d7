import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { sendRefused } from '#lib/endpoints/send-refused.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { sendTest, sendTestMessage } from '#lib/pipeline/setup/send-test.ts'
import { type TestKind, testFacts, testKinds } from '#lib/pipeline/setup/test-bodies.ts'
import type { RejectionRow } from '#lib/store/schema.ts'
import { changeById } from '#lib/store/tables/changes.ts'
import { versionsOf } from '#lib/store/tables/prompts.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { lastDelivered, lastRejection, lastSigned } from '#lib/store/views/setup.ts'
import { slackMessage } from '#lib/targets/slack/message.ts'
import { seedStore } from '../e2e/seed.ts'
import { slackTargets } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const routes = {
  targets: slackTargets('slack', 'other'),
  rules: [
    {
      name: 'all',
      on: [
        'version-created',
        'promoted',
        'deleted',
        'alert',
        'recovered',
        'notification',
        'error-trace',
        'score',
      ],
      to: ['slack'],
    },
  ],
  alertTargets: [],
} as const

/** The change that a test of each kind becomes. */
const titles: Record<TestKind, string> = {
  'version-created': 'Prompt Relay created prompt-relay/test/version-created v2',
  promoted: 'Prompt Relay promoted prompt-relay/test/promoted v2 to production, was v1',
  deleted: 'Prompt Relay deleted v1 of prompt-relay/test/deleted',
  alert: 'Alert: prompt-relay/test',
  recovered: 'Recovered: prompt-relay/test',
  notification: 'prompt relay test: prompt-relay/test in Prompt Relay test',
  'error-trace': 'Error in prompt-relay/test: A test',
  score: 'Score prompt-relay/test is no',
  unrecognised: 'A signed request of unknown shape',
}

describe.each(engines)('a test event on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  async function settle(): Promise<void> {
    for (;;) {
      const { claimed, settled } = await settleDue({ db: store.db, routes, now: Date.now })
      if (claimed === 0) return
      if (settled === 0) await sleep(20)
    }
  }
  const send = async (kind: TestKind) => {
    const receive = receiver(store.db, { settleMs: 100, now: Date.now })
    const id = await sendTest({ db: store.db, receive }, kind, Date.now())
    await settle()
    // A deletion waits for further deletions.
    await sleep(110)
    await settle()
    return id
  }

  it.each(testKinds)('of %s goes the whole way as its kind, twice', async (kind) => {
    for (const id of [await send(kind), await send(kind)]) {
      const change = await changeById(store.db, id)
      expect(change).toMatchObject({ kind, status: 'settled', test: true })
      const facts = change?.detail.facts.map((fact) =>
        'firstAt' in fact ? { ...fact, firstAt: 0, lastAt: 0 } : fact,
      )
      expect(facts).toEqual(testFacts[kind])
      expect(change?.title.startsWith(titles[kind])).toBe(true)
      if (kind === 'version-created' || kind === 'promoted')
        expect(change?.detail.difference).toMatchObject({ fromVersion: 1, toVersion: 2 })
      const deliveries = await store.db
        .selectFrom('deliveries')
        .selectAll()
        .where('change_id', '=', id)
        .execute()
      expect(deliveries.map(({ target, status }) => [target, status]).toSorted()).toEqual([
        ['other', 'skipped'],
        ['slack', kind === 'unrecognised' ? 'skipped' : 'queued'],
      ])
    }
  })

  it('touches no prompt but its own', async () => {
    for (const kind of testKinds) await send(kind)
    const rows = await store.db
      .selectFrom('prompt_versions')
      .select(['project_id', 'name'])
      .distinct()
      .execute()
    expect(rows.every(({ project_id }) => project_id === 'prompt-relay-test')).toBe(true)
    expect(rows.every(({ name }) => name.startsWith('prompt-relay/test'))).toBe(true)
    const key = { projectId: 'prompt-relay-test', name: 'prompt-relay/test/version-created' }
    expect(await versionsOf(store.db, key)).toHaveLength(2)
  })

  it('is not mistaken for an event from outside', async () => {
    await send('alert')
    expect(await lastSigned(store.db, 'langfuse-webhook')).toEqual({ at: null, bySecret: new Map() })
  })

  it('message goes to its target only, bypassing all rules, and says that it is a test', async () => {
    const id = await sendTestMessage(store.db, 'other', Date.now())
    const deliveries = await store.db.selectFrom('deliveries').selectAll().execute()
    expect(deliveries.map(({ change_id, target, status }) => [change_id, target, status])).toEqual([
      [id, 'other', 'queued'],
    ])
    const change = await changeById(store.db, id)
    if (!change) throw new Error('It is gone')
    const [fact] = change.detail.facts
    if (!fact) throw new Error('It says nothing')
    const links = { page: null, langfuse: null }
    const message = JSON.stringify(
      slackMessage({ deliveryId: 'dlv_1', change, fact, text: undefined, links }),
    )
    expect(message).toContain('A test message to other')
    expect(message).toContain('"text":"test · ')
  })
})

describe.each(engines)('what the setup page reads on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  it("includes when each secret last signed an event, the newest rejection, and each target's newest delivery", async () => {
    const now = Date.UTC(2026, 7, 21, 9)
    const change = { kind: 'promoted', subject: 'a', title: 'a', events: ['06-prompt-deleted.json'] } as const
    const seeded = await seedStore(
      store.url,
      [5, 3, 1].map((ago) => ({
        ...change,
        ago,
        events: [...change.events],
        deliveries: [{ target: 'slack', status: ago === 1 ? 'failed' : 'delivered' } as const],
      })),
      now,
    )
    const hint = (index: number, secret_hint: string) =>
      store.db
        .updateTable('events')
        .set({ secret_hint })
        .where('id', '=', seeded[index]?.eventIds[0] ?? '')
        .execute()
    await hint(0, 'beef')
    const signed = await lastSigned(store.db, 'langfuse-webhook')
    expect(signed.at).toBe(now - 60_000)
    expect([...signed.bySecret].toSorted()).toEqual([
      ['beef', now - 5 * 60_000],
      ['c0de', now - 60_000],
    ])
    expect((await lastDelivered(store.db, 'slack'))?.changeId).toBe(seeded[1]?.changeId)
    expect(await lastDelivered(store.db, 'github')).toBeNull()
    const rejection = {
      door: 'd',
      status_code: 401,
      message: 'm',
      method: 'POST',
      address: null,
      user_agent: null,
    }
    await store.db
      .insertInto('rejections')
      .values(
        ['mismatch', 'mismatch', 'missing'].map((reason, at) => ({
          ...rejection,
          id: `rej_${at}`,
          at,
          reason,
          size: 1,
          head: Buffer.from('x'),
        })),
      )
      .execute()
    expect(await lastRejection(store.db, ['mismatch'])).toEqual({ at: 1, message: 'm', reason: 'mismatch' })
    expect(await lastRejection(store.db, ['other'])).toBeNull()
  })

  it.each([
    ['unsigned', 401, /signature/i],
    ['tampered', 401, /signature/i],
    ['expired', 401, /old/],
  ] as const)('is refused where it must be: %s', async (kind, status, words) => {
    const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: 'lf-whsec_of-a-test-0123456789' })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 100, now: Date.now })
    const reject = (rejection: RejectionRow) => insertRejections(store.db, [rejection])
    expect(await sendRefused({ env, now: Date.now, receive, reject }, kind)).toBe(status)
    const [rejection] = await store.db.selectFrom('rejections').selectAll().execute()
    expect(rejection?.message).toMatch(words)
    expect(rejection?.door).toBe('test')
    expect(await store.db.selectFrom('events').selectAll().execute()).toEqual([])
    expect(await lastRejection(store.db, [rejection?.reason ?? ''])).toBeNull()
  })

  it('that must be refused says so if no secret is configured', async () => {
    const { env } = readEnv({})
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 100, now: Date.now })
    const reject = (rejection: RejectionRow) => insertRejections(store.db, [rejection])
    expect(await sendRefused({ env, now: Date.now, receive, reject }, 'tampered')).toBe(503)
  })
})
