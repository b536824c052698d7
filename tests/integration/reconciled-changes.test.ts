import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change, VersionState } from '#lib/core/change/change.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import type { VersionRead } from '#lib/langfuse/api/read-prompt.ts'
import { lastKnown, openReconciled, type ReconciledVersion } from '#lib/langfuse/reconciled.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'
import { receiver, storeArrivals } from '#lib/pipeline/receive.ts'
import { reinterpret } from '#lib/pipeline/replay/reinterpret.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { contentOf, saveVersions, versionsOf } from '#lib/store/tables/prompts.ts'
import { countsSince, dayOf } from '#lib/store/tables/reconcile-counts.ts'
import { shownVersions } from '#lib/store/views/prompt-page.ts'
import { secret, sign } from '../fixtures.ts'
import { v } from '../model/prompt-events.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const key = { projectId: 'project', name: 'support/refund-reply' }
const minute = 60_000
const start = 1_790_000_000_000
const maya = { name: 'Maya Okonkwo', email: 'maya@acme.example' }

describe.each(engines)('what a comparison with Langfuse found, on %s,', (_, openStore) => {
  let store: TestStore
  let time: number
  let look: number
  beforeEach(async () => {
    store = await openStore()
    time = start + 60 * minute
    look = 0
  })
  afterEach(() => store.close())

  const now = () => time
  const routes = {
    targets: { team: { type: 'slack', url: 'http://127.0.0.1:9/' } },
    rules: [{ name: 'all', to: ['team'] }],
    alertTargets: ['team'],
  } as const satisfies Parameters<typeof settleDue>[0]['routes']

  async function settle(): Promise<void> {
    while ((await settleDue({ db: store.db, routes, now, gatherMs: 0 })).claimed > 0);
  }

  const changes = async (): Promise<Change[]> => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }
  const deliveries = () =>
    store.db.selectFrom('deliveries').select('change_id').where('status', '<>', 'skipped').execute()
  const counts = async () => (await countsSince(store.db, dayOf(0))).get(key.projectId) ?? {}

  /** A row as Langfuse answers it. */
  function readOf(version: number, labels: string[], more: Record<string, unknown> = {}): VersionRead {
    const updatedAt = (more.updatedAt as number | undefined) ?? start + 30 * minute
    const row = {
      ...{ id: `p${version}`, ...key, version, labels, tags: ['support'], type: 'text' },
      ...{ prompt: `Text of v${version}`, config: {}, commitMessage: null, createdBy: 'maya-id' },
      ...more,
      createdAt: new Date(start).toISOString(),
      updatedAt: new Date(updatedAt).toISOString(),
    }
    const { tags, type, commitMessage, createdBy, id } = row
    return {
      ...{ version, labels, tags, promptType: type, updatedAt, createdAt: start },
      ...{ promptId: id, commitMessage, createdBy, row },
    }
  }

  const arrivalOf = (
    found: Partial<ReconciledVersion> & Pick<ReconciledVersion, 'version' | 'action'>,
  ): Arrival => ({
    ...openReconciled({ ...key, reconciled: { readAt: time, knownAt: start }, look, ...found }),
    ...{
      source: 'langfuse-reconcile',
      receivedAt: time,
      headers: '{}',
      signature: '',
      secretHint: '',
      test: false,
    },
  })

  async function compare(...found: Parameters<typeof arrivalOf>[0][]): Promise<Change> {
    look++
    await store.db
      .transaction()
      .execute((trx) => storeArrivals(trx, found.map(arrivalOf), { settleMs: 2000, now }))
    await settle()
    const all = await changes()
    const last = all.at(-1)
    if (!last) throw new Error('No change was made')
    return last
  }

  /** By way of the endpoint, as Langfuse sends it. */
  async function webhook(action: string, read: VersionRead, { user = maya, id = '' } = {}): Promise<void> {
    const raw = JSON.stringify({
      id: id || `${action} ${read.version} ${read.updatedAt}`,
      timestamp: new Date(time).toISOString(),
      type: 'prompt-version',
      apiVersion: 'v1',
      action,
      ...(user && { user }),
      prompt: read.row,
    })
    const headers = { 'x-langfuse-signature': sign(raw, { t: Math.floor(time / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body: raw })
    if (!env) throw new Error('The environment has problems')
    const receive = receiver(store.db, { settleMs: 2000, now })
    const answer = await answerWebhook(request, { env, now, receive, reject: async () => {} })
    expect(answer.status).toBe(202)
  }

  async function settleLater(): Promise<void> {
    time += 11_000
    await settle()
  }

  const known = (...states: VersionState[]) => saveVersions(store.db, key, states, new Map())

  it('is a change like any other: with its facts, its difference, its deliveries, and no author', async () => {
    await known(v(6, ['latest', 'production'], { updatedAt: start }))
    const change = await compare(
      { action: 'created', version: readOf(7, ['latest', 'production']) },
      { action: 'updated', version: readOf(6, [], { updatedAt: start + 30 * minute + 3 }) },
    )
    expect(change).toMatchObject({
      kind: 'version-created',
      status: 'settled',
      title: 'support/refund-reply v7 was created and promoted to production, was v6',
      actor: null,
      version: 7,
      detail: {
        facts: [
          { kind: 'version-created', version: 7 },
          { kind: 'promoted', label: 'production', from: 6, to: 7 },
        ],
        reconciled: {
          from: start,
          to: start + 30 * minute + 3,
          versions: [
            { version: 7, before: null, after: { labels: ['latest', 'production'] } },
            { version: 6, before: { labels: ['latest', 'production'] }, after: { labels: [] } },
          ],
        },
      },
    })
    expect(await deliveries()).toEqual([{ change_id: change.id }])
    const states = await versionsOf(store.db, key)
    expect(states).toMatchObject([
      { version: 6, labels: [], updatedAt: start + 30 * minute + 3, readAt: time },
      { version: 7, labels: ['latest', 'production'], promptId: 'p7', readAt: time },
    ])
    expect((await contentOf(store.db, key, 7)).content).toEqual({ text: 'Text of v7', config: {} })
  })

  it('settles at once, without waiting for the other half', async () => {
    await known(v(6, ['production'], { updatedAt: start }), v(7, [], { updatedAt: start }))
    const change = await compare({ action: 'updated', version: readOf(7, ['production']) })
    expect(change).toMatchObject({ status: 'settled', settledAt: time, kind: 'promoted' })
  })

  it('is stored once, however often a look that was killed stores it', async () => {
    await known(v(7, [], { updatedAt: start }))
    await compare({ action: 'updated', version: readOf(7, ['production']) })
    look--
    await compare({ action: 'updated', version: readOf(7, ['production']) })
    expect(await changes()).toHaveLength(1)
  })

  describe('and whose webhook comes late,', () => {
    const found = readOf(7, ['latest', 'production'])
    const loser = readOf(6, [], { updatedAt: start + 30 * minute + 3 })

    async function afterComparison(): Promise<Change> {
      await known(v(6, ['latest', 'production'], { updatedAt: start }))
      const change = await compare(
        { action: 'created', version: found },
        { action: 'updated', version: loser },
      )
      time += 20 * minute
      return change
    }

    it('gets to know who did it and when, and nothing is sent again', async () => {
      const change = await afterComparison()
      const before = await versionsOf(store.db, key)
      await webhook('created', found)
      await webhook('updated', loser)
      await settleLater()
      const [first, late, ...more] = await changes()
      expect(more).toEqual([])
      expect(late).toMatchObject({
        kind: 'unchanged',
        detail: { foundBefore: { changeId: change.id, title: change.title } },
      })
      expect(first).toEqual({
        ...change,
        detail: {
          ...change.detail,
          reconciled: {
            ...change.detail.reconciled,
            late: { by: 'Maya Okonkwo', at: start + 30 * minute, changeId: late?.id },
          },
        },
      })
      expect(await deliveries()).toHaveLength(1)
      expect(await versionsOf(store.db, key)).toEqual(before)
      expect(await shownVersions(store.db, key)).toMatchObject([
        { version: 7, author: 'Maya Okonkwo' },
        { version: 6, author: null },
      ])
      expect((await counts()).late).toMatchObject({ count: 1 })
    })

    it('is counted once, though its halves come one after another, in either order', async () => {
      await afterComparison()
      await webhook('updated', loser)
      await settleLater()
      await webhook('created', found)
      await settleLater()
      await webhook('created', found, { id: 'of a second automation' })
      await settleLater()
      const [first] = await changes()
      expect(first?.detail.reconciled?.late).toMatchObject({ by: 'Maya Okonkwo', at: start + 30 * minute })
      expect((await counts()).late).toMatchObject({ count: 1 })
      expect(await deliveries()).toHaveLength(1)
    })

    it('is left alone by the webhook of another edit', async () => {
      const change = await afterComparison()
      await webhook('updated', readOf(7, ['latest', 'production', 'staging'], { updatedAt: time - minute }))
      await settleLater()
      await webhook('updated', readOf(6, ['latest', 'production'], { updatedAt: start - 20 * minute }))
      await settleLater()
      const [first, added, stale] = await changes()
      expect(first).toEqual(change)
      expect(added?.kind).toBe('label-added')
      expect(stale).toMatchObject({ kind: 'unchanged', detail: { stale: [expect.any(String)] } })
      expect(stale?.detail).not.toHaveProperty('foundBefore')
      expect(await counts()).not.toHaveProperty('late')
    })

    it('does not get to know it after a week', async () => {
      const change = await afterComparison()
      time += 8 * 24 * 60 * minute
      await webhook('created', found)
      await settleLater()
      expect((await changes())[0]).toEqual(change)
    })

    it('is found by instances that settle at the same time, and counted once', async () => {
      await afterComparison()
      await webhook('created', found)
      await webhook('updated', loser)
      time += 11_000
      await Promise.all(Array.from({ length: 4 }, settle))
      const [first] = await changes()
      expect(first?.detail.reconciled?.late).toMatchObject({ by: 'Maya Okonkwo' })
      expect((await counts()).late).toMatchObject({ count: 1 })
    })

    it('says who deleted a version, which does not count as a webhook that was missing', async () => {
      const state = v(7, ['staging'], { updatedAt: start })
      await known(state)
      const change = await compare({ action: 'deleted', version: lastKnown(state) })
      expect(change).toMatchObject({
        kind: 'deleted',
        title: expect.stringContaining('was deleted'),
        actor: null,
      })
      time += minute
      await webhook('deleted', readOf(7, ['staging'], { updatedAt: start }))
      await settleLater()
      const [first] = await changes()
      expect(first?.detail.reconciled?.late).toMatchObject({ by: 'Maya Okonkwo' })
      expect(await counts()).not.toHaveProperty('late')
    })
  })

  it('is no news where its webhook comes while its change is open', async () => {
    await known(v(6, ['latest', 'production'], { updatedAt: start }))
    const found = readOf(7, ['latest', 'production'])
    const loser = readOf(6, [], { updatedAt: start + 30 * minute + 3 })
    const both = [
      arrivalOf({ action: 'created', version: found }),
      arrivalOf({ action: 'updated', version: loser }),
    ]
    await store.db.transaction().execute((trx) => storeArrivals(trx, both, { settleMs: 2000, now }))
    await webhook('created', found)
    await webhook('updated', loser)
    await settleLater()
    const [change, ...more] = await changes()
    expect(more).toEqual([])
    expect(change).toMatchObject({
      title: 'Maya Okonkwo created support/refund-reply v7 and promoted it to production, was v6',
      actor: 'Maya Okonkwo',
    })
    expect(change?.detail).not.toHaveProperty('reconciled')
    expect((await counts()).late).toMatchObject({ count: 1 })
  })

  it('wins over a state that a clock ahead dated, but not over what has settled since it was read', async () => {
    const ahead = start + 24 * 60 * minute
    await known(v(7, [], { updatedAt: ahead }))
    await compare({ action: 'updated', version: readOf(7, ['production']) })
    expect(await versionsOf(store.db, key)).toMatchObject([
      { labels: ['production'], updatedAt: start + 30 * minute },
    ])
    const readAt = time
    time += minute
    await webhook('updated', readOf(7, ['staging'], { updatedAt: time }))
    await settleLater()
    const old = await compare({
      action: 'updated',
      version: readOf(7, ['production']),
      reconciled: { readAt, knownAt: start },
    })
    expect(old).toMatchObject({ kind: 'unchanged', detail: { stale: [expect.any(String)] } })
    expect(await versionsOf(store.db, key)).toMatchObject([{ labels: ['staging'] }])
  })

  it('does not undo later edits when its change is interpreted again', async () => {
    await known(v(7, [], { updatedAt: start }))
    const change = await compare({ action: 'updated', version: readOf(7, ['production']) })
    await store.db.updateTable('changes').set({ kind: 'undescribed' }).where('id', '=', change.id).execute()
    time += minute
    await webhook('updated', readOf(7, ['staging'], { updatedAt: time }))
    await settleLater()
    expect(await reinterpret(store.db, change.id, time)).not.toBeNull()
    await settle()
    expect((await changes()).at(-1)).toMatchObject({ kind: 'unchanged' })
    expect(await versionsOf(store.db, key)).toMatchObject([{ labels: ['staging'] }])
  })

  it('shows who inherited `latest`, and notifies no one of that', async () => {
    await known(v(6, [], { updatedAt: start }), v(7, ['latest'], { updatedAt: start, deleted: true }))
    const change = await compare({ action: 'updated', version: readOf(6, ['latest']) })
    expect(change).toMatchObject({ kind: 'unchanged', title: 'latest of support/refund-reply is on v6 now' })
    expect(await deliveries()).toEqual([])
    expect(await versionsOf(store.db, key)).toMatchObject([{ labels: ['latest'] }, { deleted: true }])
  })

  it('shows versions of which Langfuse never sends a webhook, whatever their config, type and text', async () => {
    const odd = { prompt: 'a\0b\u001b[31m\ud800', config: ['gpt', 1], type: 'video', createdBy: 'API' }
    const change = await compare({ action: 'created', version: readOf(1, ['latest'], odd) })
    expect(change).toMatchObject({ title: 'The API created support/refund-reply v1', actor: 'API' })
    expect((await contentOf(store.db, key, 1)).content).toEqual({ text: odd.prompt, config: odd.config })
    const label = await compare({
      action: 'updated',
      version: readOf(1, ['latest', 'a'], { ...odd, config: 'gpt' }),
    })
    expect(label).toMatchObject({ title: 'support/refund-reply v1 was labelled a' })
  })

  it('may be only what a listing shows', async () => {
    const listed: VersionRead = {
      ...readOf(3, ['latest', 'production']),
      ...{ createdAt: null, promptId: null, commitMessage: null, createdBy: null, row: null },
    }
    const other = { ...key, name: '..' }
    const change = await compare({ action: 'created', version: listed, ...other })
    expect(change).toMatchObject({ subject: '..', title: '.. v3 was created and labelled production' })
    expect(await versionsOf(store.db, other)).toMatchObject([
      { promptId: null, labels: ['latest', 'production'] },
    ])
  })

  it('may have 9,000 labels and 5 MB of text', async () => {
    const labels = Array.from({ length: 9000 }, (_, i) => `label-${i}`)
    const prompt = 'é'.repeat(2.5 * 1024 * 1024)
    await known(v(1, [], { updatedAt: start }))
    const change = await compare({
      action: 'updated',
      version: readOf(1, ['latest', 'production', ...labels], { prompt }),
    })
    expect(change).toMatchObject({ kind: 'label-added', detail: { omitted: { facts: 9001 - 200 } } })
    expect(change.detail.reconciled?.versions?.[0]?.after?.labels.length).toBeLessThanOrEqual(200)
    expect(JSON.stringify(change.detail).length).toBeLessThan(100_000)
    expect(
      (await contentOf(store.db, key, 1)).content ?? (await contentOf(store.db, key, 1)).eventId,
    ).not.toBeNull()
  })

  it('is found by the word "reconciled" and deleted with its change', async () => {
    await known(v(7, [], { updatedAt: start }))
    await compare({ action: 'updated', version: readOf(7, ['production']) })
    const rows = await store.db
      .selectFrom('events')
      .select(['source', 'type', 'action', 'twin_key'])
      .execute()
    expect(rows).toEqual([
      { source: 'langfuse-reconcile', type: 'prompt-version', action: 'updated', twin_key: null },
    ])
  })
})
