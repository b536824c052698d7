import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { emptyFilter } from '#lib/core/list/filter.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { countFiltered, filterChoices, listFiltered } from '#lib/store/search/list.ts'
import { claimChanges } from '#lib/store/tables/changes.ts'
import { claimDeliveries } from '#lib/store/tables/deliveries.ts'
import { polledRows } from '#lib/store/tables/polls.ts'
import { versionsFor } from '#lib/store/tables/prompts.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { claimReplay, recentReplays, replayById } from '#lib/store/tables/replays.ts'
import { deliveriesOfChange } from '#lib/store/tables/requeue.ts'
import { allTargets, ensureTargets, lockTarget, openCircuits } from '#lib/store/tables/targets.ts'
import { attemptsOf, eventsWithHeads } from '#lib/store/views/change-page.ts'
import { deliveriesOf, listedChanges, liveChanges } from '#lib/store/views/listed-changes.ts'
import { listEvents, listRejections } from '#lib/store/views/paged-lists.ts'
import { changesOfPrompt, shownVersions } from '#lib/store/views/prompt-page.ts'
import { type FixtureName, fixture, secret, sign, t } from '../fixtures.ts'
import { queueChanges } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const now = () => t * 1000
const key = { projectId: 'cmfq1x7h3000108l4b2k9d6tz', name: 'support/refund-reply' }
const routes: Routes = {
  targets: { slack: { type: 'slack', url: 'https://slack.example/x' } },
  rules: [{ name: 'all', on: ['prompt.created'], to: ['slack'] }],
  alertTargets: [],
}

async function receiveAndSettle(db: Db, name: FixtureName, round: number): Promise<void> {
  const { prompt, payload, ...rest } = JSON.parse(fixture(name).toString())
  // Another monitor each time, because two alerts of one run are one change.
  const alert = payload && { payload: { ...payload, monitorId: `monitor ${round}` } }
  const version = prompt && { prompt: { ...prompt, id: `prompt ${round}`, version: 7 + round } }
  const body = JSON.stringify({ ...rest, ...version, ...alert, id: `${name} ${round}` })
  const request = new Request('http://localhost/', {
    method: 'POST',
    headers: { 'x-langfuse-signature': sign(body) },
    body,
  })
  if (!env) throw new Error('The environment has problems')
  const receive = receiver(db, { settleMs: 0, now })
  const reject = (row: Parameters<typeof insertRejections>[1][0]) => insertRejections(db, [row])
  expect((await answerWebhook(request, { env, now, receive, reject })).status).toBe(202)
  const settled = await settleDue({ db, routes, now })
  expect(settled.settled).toBe(1)
}

/** The statements of an instance; run often enough for Postgres to prepare them. */
async function work(db: Db, round: number): Promise<void> {
  await ensureTargets(db, ['slack'])
  await receiveAndSettle(db, '01-prompt-created-text.json', round)
  await receiveAndSettle(db, '09-monitor-alert.json', round)
  const { rows } = await listFiltered(db, { filter: emptyFilter, now: now() }, {}, 10)
  const ids = rows.map(({ change }) => change.id)
  const [first = ''] = ids
  const filter = { ...emptyFilter, q: 'refund' }
  await Promise.all([
    claimChanges(db, { now: now(), id: null }),
    lockTarget(db, 'slack'),
    allTargets(db),
    openCircuits(db, now()),
    deliveriesOf(db, ids),
    deliveriesOfChange(db, first),
    attemptsOf(db, ['dlv_1']),
    listEvents(db, {}, {}, 10),
    eventsWithHeads(db, first, 10, 10),
    listRejections(db, {}, 10),
    listFiltered(db, { filter, now: now() }, {}, 10),
    countFiltered(db, { filter, now: now() }),
    filterChoices(db),
    liveChanges(db, [first]),
    listedChanges(db, [first]),
    shownVersions(db, key),
    changesOfPrompt(db, key, {}, 10),
    versionsFor(db, key, [{ version: 7, tags: [] }]),
    polledRows(db, ['k']),
    replayById(db, 'rpl_1'),
    recentReplays(db, 10),
    claimReplay(db, now(), 1000),
  ])
  await claimDeliveries(db, 'slack', { max: 10, now: now() }, 1000)
}

describe.each(engines)('an instance on %s', (engine, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  it('keeps working while a newer version adds columns to every table', async () => {
    for (let round = 0; round < 4; round++) await work(store.db, round)
    const newer = await openDatabase(store.url)
    const tables = await newer.introspection.getTables()
    for (const { name } of tables.filter(({ name }) => !/^search|migration/.test(name)))
      await newer.schema.alterTable(name).addColumn('of_a_later_version', 'text').execute()
    await newer.destroy()
    for (let round = 4; round < 8; round++) await work(store.db, round)
  })

  it.runIf(engine === 'Postgres')(
    'claims no more deliveries than it asked for, whatever plan Postgres makes',
    async () => {
      await queueChanges(store.db, 20, ['slack'], { next_at: now() })
      const taken = await store.db.connection().execute(async (one) => {
        // Forces a plan that runs the subquery anew for each row.
        for (const way of [
          'hashagg',
          'hashjoin',
          'mergejoin',
          'material',
          'memoize',
          'sort',
          'indexonlyscan',
        ])
          await sql`set ${sql.raw(`enable_${way}`)} = off`.execute(one)
        return claimDeliveries(one, 'slack', { max: 3, now: now() }, 1000)
      })
      expect(taken).toHaveLength(3)
    },
  )

  it.runIf(engine === 'Postgres')('keeps at most 500 prepared statements on a connection', async () => {
    const count = await store.db.connection().execute(async (one) => {
      for (let n = 1; n <= 600; n++)
        for (let time = 0; time < 2; time++)
          await sql`select ${n}::int as ${sql.ref(`number_${n}`)}`.execute(one)
      // A dropped statement is prepared again, also after a failed transaction.
      await sql`begin`.execute(one)
      await expect(sql`select 1 / ${0}::int`.execute(one)).rejects.toThrow('zero')
      await expect(sql`select ${1}::int as number_1`.execute(one)).rejects.toThrow('aborted')
      await sql`rollback`.execute(one)
      for (let time = 0; time < 3; time++) await sql`select ${1}::int as number_1`.execute(one)
      const { rows } = await sql<{ n: number }>`select count(*) as n from pg_prepared_statements`.execute(one)
      return rows[0]?.n ?? 0
    })
    expect(count).toBeLessThanOrEqual(500)
    expect(count).toBeGreaterThan(400)
  })
})
