import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Change, ChangeDetail, Fact, FactKind } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import { bucketsOf } from '#lib/core/list/buckets.ts'
import { facetsOf, kindFacet } from '#lib/core/list/facets.ts'
import { emptyFilter, httpClasses, type ListFilter, listStatuses, timeRange } from '#lib/core/list/filter.ts'
import { termsOf } from '#lib/core/list/search-words.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { recordAttempts } from '#lib/pipeline/deliver/record.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import type { Db } from '#lib/store/client.ts'
import { countFiltered, filterChoices, idsAfter, listFiltered } from '#lib/store/search/list.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { claimDeliveries } from '#lib/store/tables/deliveries.ts'
import { deleteChanges } from '#lib/store/tables/prune.ts'
import { ensureTargets } from '#lib/store/tables/targets.ts'
import { countOverTime } from '#lib/store/views/over-time.ts'
import { insertChanges } from '../../scripts/seed.ts'
import { type GeneratedChange, generateChange } from '../../scripts/seed-rows.ts'
import { labels, prompts, randomFrom } from '../../scripts/seed-words.ts'
import { type FixtureName, fixture, secret, sign, t } from '../fixtures.ts'
import { engines, type TestStore } from './stores.ts'

const now = Date.UTC(2026, 7, 21, 9)
const hour = 3_600_000
const count = 4000
const projects = ['cm1q7ayx2000008l2g7rz3v5k', 'cm2w4bmd1000108jv9h3kq6pt', 'nobody']

/** Newest first. Deliveries of the newest 300 are not all done, and the newest 20 changes are still settling. */
function makeSome(random: () => number): GeneratedChange[] {
  const made = Array.from({ length: count }, (_, i) =>
    generateChange({ random, at: now - (count - i) * 20 * 60_000, isFresh: i >= count - 300 }),
  )
  for (const { change, ...rest } of made.slice(-20)) {
    Object.assign(change, { status: 'settling', next_at: now, settled_at: null, kind: 'unchanged' })
    for (const key of ['deliveries', 'attempts', 'facets', 'documents'] as const) rest[key].length = 0
  }
  return made.toReversed()
}

/** The filter as plain code over everything in memory, with which the queries are compared. */
function lets(
  filter: ListFilter,
  { change, facets: _, deliveries, documents }: GeneratedChange,
  open: string[],
): boolean {
  const { facts } = JSON.parse(change.detail) as ChangeDetail
  const { from, to } = timeRange(filter.time, now)
  const isSettled = change.status === 'settled'
  const delivery = deliveries.some(
    (one) =>
      (filter.target === null || one.target === filter.target) &&
      (filter.http.length === 0 || (one.http_class !== null && filter.http.includes(one.http_class))) &&
      (filter.status.length === 0
        ? filter.target === null || one.status !== 'skipped'
        : filter.status.some((status) =>
            status === 'held'
              ? ['queued', 'retrying'].includes(one.status) && open.includes(one.target)
              : status === one.status,
          )),
  )
  const isSettling = filter.status.includes('settling') && filter.target === null && filter.http.length === 0
  const asksDelivery = filter.status.length + filter.http.length > 0 || filter.target !== null
  const labelsOf = (fact: object): string[] =>
    'label' in fact ? [fact.label as string] : 'labels' in fact ? (fact.labels as string[]) : []
  const fact = facts.some(
    (one) =>
      (filter.kind.length === 0 || filter.kind.includes(one.kind)) &&
      (filter.label === null || labelsOf(one).includes(filter.label)),
  )
  const { prompt } = filter
  return (
    (filter.test === 'shown' || change.test === (filter.test === 'only' ? 1 : 0)) &&
    (!filter.danger || change.danger === 1) &&
    (filter.project === null || change.project_id === filter.project) &&
    (prompt === null ||
      (prompt.endsWith('/') ? change.subject.startsWith(prompt) : change.subject === prompt)) &&
    (from === null || change.opened_at >= from) &&
    (to === null || change.opened_at <= to) &&
    (!asksDelivery || delivery || (isSettling && !isSettled)) &&
    ((filter.kind.length === 0 && filter.label === null) || (isSettled && fact)) &&
    (filter.q === null || documents.some(({ words }) => holds(words, filter.q ?? '')))
  )
}

const holds = (words: string[], q: string): boolean =>
  termsOf(q).every(({ word, isBeginning }) =>
    words.some((one) => (isBeginning ? one.startsWith(word) : one === word)),
  )

function randomFilter(random: () => number): ListFilter {
  const chance = (share: number) => random() < share
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() ** 2 * values.length)] as T
  const some = <T>(values: readonly T[]): T[] => values.filter(() => chance(1.5 / values.length))
  const [folder = ''] = one(prompts).split('/')
  const from = now - Math.floor(random() * count) * 20 * 60_000
  return {
    status: chance(0.35) ? some(listStatuses) : [],
    kind: chance(0.3) ? some(factKinds) : [],
    prompt: chance(0.2) ? (chance(0.5) ? one(prompts) : `${folder}/`) : null,
    label: chance(0.2) ? one(labels) : null,
    target: chance(0.25) ? one(['slack', 'github', 'pagerduty', 'none']) : null,
    http: chance(0.2) ? some(httpClasses) : [],
    test: chance(0.7) ? 'hidden' : chance(0.5) ? 'shown' : 'only',
    time: chance(0.7) ? null : chance(0.5) ? '7d' : { from, to: chance(0.5) ? from + 200 * hour : null },
    project: chance(0.15) ? one(projects) : null,
    danger: chance(0.1),
    q: chance(0.35)
      ? one(['customer', 'help custom', 'gpt', 'timeout', 'voucher', 'slack timeout', 'zzz'])
      : null,
  }
}

describe.each(engines)('the filtered list on %s, against a plain filter in memory', (_, openStore) => {
  const random = randomFrom(7)
  let store: TestStore
  let made: GeneratedChange[]
  beforeAll(async () => {
    store = await openStore()
    made = makeSome(random)
    await insertChanges(store.db, made.toReversed())
    const circuit = { failures: 5, opened: 1, next_slot_at: 0, announced_at: null }
    await store.db
      .insertInto('targets')
      .values([
        { ...circuit, name: 'github', open_until: now + 1 },
        { ...circuit, name: 'slack', open_until: now - 1 },
      ])
      .execute()
  }, 120_000)
  afterAll(() => store.close())

  const check = async (filter: ListFilter, size = 7): Promise<number> => {
    const wanted = made.filter((one) => lets(filter, one, ['github'])).map(({ change }) => change.id)
    const asked = { filter, now }
    const ids = async (cursor: object) => {
      const page = await listFiltered(store.db, asked, cursor, size)
      return { ...page, rows: page.rows.map(({ change }) => change.id) }
    }
    const shown = JSON.stringify(filter)
    expect((await ids({})).rows, shown).toEqual(wanted.slice(0, size))
    const deep = Math.floor(wanted.length * 0.7)
    const before = wanted[deep - 1]
    if (before !== undefined) {
      const page = await ids({ before })
      expect(page.rows, shown).toEqual(wanted.slice(deep, deep + size))
      expect(page.older !== null, shown).toBe(wanted.length > deep + size)
      if (page.newer) {
        const back = wanted.slice(Math.max(0, deep - size), deep)
        expect((await ids({ after: page.newer })).rows, shown).toEqual(back)
      }
    }
    const max = 50
    expect(await countFiltered(store.db, asked, max), shown).toEqual({
      count: Math.min(max, wanted.length),
      isMore: wanted.length > max,
    })
    return wanted.length
  }

  it.each<[string, Partial<ListFilter>]>([
    ['everything but tests', {}],
    ['everything', { test: 'shown' }],
    ['tests only', { test: 'only' }],
    ...listStatuses.map((status): [string, Partial<ListFilter>] => [status, { status: [status] }]),
    ...httpClasses
      .filter((one) => one !== '3xx')
      .map((one): [string, Partial<ListFilter>] => [one, { http: [one] }]),
    ['failed or settling', { status: ['failed', 'settling'] }],
    ['held or failed at GitHub', { status: ['held', 'failed'], target: 'github' }],
    ['skipped for PagerDuty', { status: ['skipped'], target: 'pagerduty' }],
    ['sent to PagerDuty', { target: 'pagerduty' }],
    ['answered 5xx and given up', { http: ['5xx'], status: ['failed'] }],
    ['promoted', { kind: ['promoted'] }],
    ['promoted to production', { kind: ['promoted'], label: 'production' }],
    ['deleted or rolled back', { kind: ['deleted', 'rolled-back'] }],
    ['a folder', { prompt: 'support/' }],
    ['the last week', { time: '7d' }],
    ['danger', { danger: true }],
    ['another project', { project: 'cm2w4bmd1000108jv9h3kq6pt' }],
    ['a common word', { q: 'customer' }],
    ['a rare word', { q: 'voucher' }],
    ['the beginning of a word', { q: 'vouc' }],
    ['a failure', { q: 'timeout' }],
    ['a common word of failed changes', { q: 'customer', status: ['failed'] }],
    ['a rare word of a folder', { q: 'voucher', prompt: 'support/' }],
  ])('%s', async (_name, over) => {
    expect(await check({ ...emptyFilter, ...over })).toBeGreaterThan(0)
  })

  it('the hundredth page', async () => {
    for (const over of [{}, { q: 'customer' }, { kind: ['promoted', 'version-created'] as FactKind[] }]) {
      const filter = { ...emptyFilter, ...over }
      const wanted = made.filter((one) => lets(filter, one, [])).map(({ change }) => change.id)
      let cursor = {}
      let page: Awaited<ReturnType<typeof listFiltered>> | null = null
      for (let n = 0; n < 100; n++) {
        page = await listFiltered(store.db, { filter, now }, cursor, 10)
        cursor = { before: page.older ?? '' }
      }
      expect(page?.rows.map(({ change }) => change.id)).toEqual(wanted.slice(990, 1000))
    }
  }, 60_000)

  it('counts the changes over time, without tests, and the failures', async () => {
    const { buckets } = bucketsOf('30d', now)
    const wanted = buckets.map((bucket) => {
      const came = made.filter(
        ({ change }) => change.opened_at >= bucket.from && change.opened_at < bucket.to,
      )
      const failed = came.flatMap(({ deliveries }) => deliveries).filter(({ status }) => status === 'failed')
      const changes = came.filter(({ change }) => change.test === 0).length
      return { ...bucket, changes, failures: failed.length }
    })
    expect(await countOverTime(store.db, buckets)).toEqual(wanted)
    expect(wanted.some(({ failures }) => failures > 0)).toBe(true)
  })

  it('150 random combinations', async () => {
    for (let i = 0; i < 150; i++) await check(randomFilter(random))
  }, 120_000)

  it.each(['chg', 'evt', 'dlv'] as const)('an id that begins with %s, whole or in part', async (kind) => {
    const [one] = made.slice(50).filter(({ change, events }) => change.test === 0 && events.length > 0)
    const id = { chg: one?.change.id, evt: one?.events[0]?.id, dlv: one?.deliveries[0]?.id }[kind] ?? ''
    for (const q of [id, id.slice(0, 19)]) {
      const { rows } = await listFiltered(store.db, { filter: { ...emptyFilter, q }, now }, {}, 10)
      expect(rows.map(({ change }) => change.id)).toEqual([one?.change.id])
    }
  })

  it('Langfuse’s own id of an event', async () => {
    const [one] = made.slice(50).filter(({ change, events }) => change.test === 0 && events.length > 0)
    const q = one?.events[0]?.dedupe_key.slice('langfuse:'.length) ?? null
    expect(await countFiltered(store.db, { filter: { ...emptyFilter, q }, now })).toMatchObject({ count: 1 })
  })

  it.each(['"', "'", '*', '-', 'a" OR "b', "o'neil:*", '\0', '退', 'NEAR(a b)', '\\', '{a}:b', '%_'])(
    'is not broken by a search for %j',
    async (q) => {
      await expect(countFiltered(store.db, { filter: { ...emptyFilter, q }, now })).resolves.toBeDefined()
    },
  )

  it('names the labels, targets and projects to choose from', async () => {
    const choices = await filterChoices(store.db)
    expect(choices.targets).toEqual(['github', 'pagerduty', 'slack'])
    expect(choices.labels.toSorted()).toEqual(
      labels.filter((label) => choices.labels.includes(label)).toSorted(),
    )
    expect(choices.labels).toContain('production')
    expect(choices.projects).toContain(projects[1])
  })
})

/** More than are checked one by one. */
const manyCount = 5300
const promoted: Fact = { kind: 'promoted', label: 'production', from: 1, to: 2 }

describe.runIf(engines[0]?.[0] === 'Postgres')('a list on Postgres that was read many times', () => {
  it('is planned with the values of its filter, which may be rare', async () => {
    const store = await engines[0]?.[1]()
    if (!store) throw new Error('There is no engine')
    await insertChanges(store.db, makeSome(randomFrom(3)).slice(0, 300))
    const filter: ListFilter = { ...emptyFilter, status: ['failed', 'queued'], http: ['5xx'] }
    for (let times = 0; times < 8; times++) {
      await listFiltered(store.db, { filter, now }, {}, 10)
      await countFiltered(store.db, { filter, now })
    }
    const { rows } = await sql<{ generic: number; custom: number }>`
      select coalesce(sum(generic_plans), 0)::int as generic, coalesce(sum(custom_plans), 0)::int as custom
      from pg_prepared_statements where statement like '%"deliveries" as s%'`.execute(store.db)
    await store.close()
    expect(rows[0]?.generic).toBe(0)
    expect(rows[0]?.custom).toBeGreaterThanOrEqual(8)
  })
})

describe.each(engines)('a word in many changes of one kind, on %s', (_, openStore) => {
  const random = randomFrom(11)
  let store: TestStore
  const made = Array.from({ length: manyCount }, (__, i) => {
    const one = generateChange({ random, at: now - (manyCount - i) * 60_000, isFresh: false })
    if (i % 50 === 0) return one
    const detail = { ...(JSON.parse(one.change.detail) as ChangeDetail), facts: [promoted] }
    const change = { ...one.change, detail: JSON.stringify(detail), kind: promoted.kind }
    return { ...one, change, facets: facetsOf({ projectId: null, subject: change.subject, detail }) }
  }).toReversed()
  beforeAll(async () => {
    store = await openStore()
    await insertChanges(store.db, made.toReversed())
    // As the server does by itself after a while: how a word is searched depends on its estimated number of documents.
    await sql`analyze`.execute(store.db)
  }, 120_000)
  afterAll(() => store.close())

  it('is counted together with words that begin with it', async () => {
    for (const q of ['custom', 'customer'])
      expect(await countFiltered(store.db, { filter: { ...emptyFilter, q }, now })).toEqual({
        count: 1000,
        isMore: true,
      })
  })

  it.each<[string, Partial<ListFilter>]>([
    ['of the kind', {}],
    ['and delivered', { status: ['delivered'] }],
    ['and answered 2xx', { http: ['2xx'] }],
    ['in a time', { time: { from: now - 88 * hour, to: now - hour } }],
  ])('is found %s', async (_name, over) => {
    const filter: ListFilter = { ...emptyFilter, kind: ['promoted'], label: 'production', q: 'vouc', ...over }
    const wanted = made.filter((one) => lets(filter, one, [])).map(({ change }) => change.id)
    expect(wanted.length).toBeGreaterThan(10)
    const before = wanted[4]
    const { rows } = await listFiltered(store.db, { filter, now }, { before }, 5)
    expect(rows.map(({ change }) => change.id)).toEqual(wanted.slice(5, 10))
    expect(await countFiltered(store.db, { filter, now })).toEqual({ count: wanted.length, isMore: false })
    expect(await countFiltered(store.db, { filter, now }, 7)).toEqual({ count: 7, isMore: true })
  })
})

/** More than are counted to find the smaller part. */
const largeCount = 20_100
const both = 40

describe.each(engines)('two large parts of a filter on %s', (_, openStore) => {
  let store: TestStore
  const of = (i: number, danger: boolean, isPromoted: boolean): GeneratedChange => ({
    change: newChange({ now: now - i * 1000, subject: 'a', danger, isSettled: true }),
    events: [],
    deliveries: [],
    attempts: [],
    facets: isPromoted ? [kindFacet('promoted')] : [],
    documents: [],
  })
  const made = Array.from({ length: 2 * largeCount }, (__, i) =>
    i < 2 * largeCount - both ? of(i, i % 2 === 0, i % 2 === 1) : of(i, true, true),
  )
  beforeAll(async () => {
    store = await openStore()
    await insertChanges(store.db, made.toReversed())
  }, 120_000)
  afterAll(() => store.close())

  it('find the few and old changes that pass both', async () => {
    const wanted = made.slice(-both).map(({ change }) => change.id)
    const request = { filter: { ...emptyFilter, kind: ['promoted' as const], danger: true }, now }
    const { rows } = await listFiltered(store.db, request, {}, 50)
    expect(rows.map(({ change }) => change.id)).toEqual(wanted)
    const before = wanted[9] ?? ''
    const next = await listFiltered(store.db, request, { before }, 20)
    expect(next.rows.map(({ change }) => change.id)).toEqual(wanted.slice(10, 30))
    expect(await idsAfter(store.db, request, '', 100)).toEqual(wanted.toReversed())
  })

  it('are counted as far as the newest 10,000 of one show', async () => {
    const count = (over: Partial<ListFilter>) =>
      countFiltered(store.db, { filter: { ...emptyFilter, ...over }, now })
    expect(await count({ kind: ['promoted'], danger: true })).toEqual({ count: 0, isMore: true })
    expect(await count({ danger: true })).toEqual({ count: 1000, isMore: true })
  })
})

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const target = { type: 'slack', url: 'https://slack.example/x' } as const
const routes: Routes = {
  targets: { slack: target },
  rules: [{ name: 'all', to: ['slack'] }],
  alertTargets: [],
}

describe.each(engines)('what happens to a change on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  beforeEach(async () => {
    time = t * 1000
    store = await openStore()
  })
  afterEach(() => store.close())
  const clock = () => time

  const happens = async (db: Db, name: FixtureName) => {
    const receive = receiver(db, { settleMs: 0, now: clock })
    const body = fixture(name)
    const headers = { 'x-langfuse-signature': sign(body, { t }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body: body as BodyInit })
    if (!env) throw new Error('The environment has problems')
    await answerWebhook(request, { env, now: clock, receive, reject: async () => {} })
    while ((await settleDue({ db, routes, now: clock })).claimed > 0);
  }
  const found = async (over: Partial<ListFilter>): Promise<Change[]> => {
    const filter = { ...emptyFilter, ...over }
    const { rows } = await listFiltered(store.db, { filter, now: time }, {}, 10)
    return rows.map(({ change }) => change)
  }
  const attempt = async (statusCode: number | null, reason: string | null) => {
    await ensureTargets(store.db, ['slack'])
    time += 1000
    const [row] = await claimDeliveries(store.db, 'slack', { max: 1, now: time }, 60_000)
    if (!row) throw new Error('Nothing is due')
    const ended = { statusCode, request: '', response: null }
    const outcome =
      reason === null
        ? ({ ...ended, outcome: 'delivered', reason, retryAfterMs: null } as const)
        : ({ ...ended, outcome: 'retry', reason, retryAfterMs: null } as const)
    const deps = { db: store.db, now: clock, random: () => 0.5, target: 'slack', announces: false }
    await recordAttempts({ ...deps, schedule: [0, 0, 0], periodMs: 0 }, [
      { row, startedAt: time, endedAt: time, outcome, probe: false, weight: 'counts' },
    ])
  }

  it('is found by its kind and by the words of its text, author and commit message as soon as it is settled', async () => {
    await happens(store.db, '01-prompt-created-text.json')
    const [kind] = (await found({})).map((change) => change.kind)
    expect(kind).toBe('version-created')
    for (const q of ['support/refund-reply', 'maya', 'refund repl', 'MAX_SENTENCES'])
      expect(await found({ q }), q).toHaveLength(1)
    expect(await found({ q: 'unrelated' })).toEqual([])
    expect(await found({ kind: ['version-created'] })).toHaveLength(1)
    expect(await found({ kind: ['deleted'] })).toEqual([])
  })

  it('is found by the answer to its newest attempt, and by the error of any attempt', async () => {
    await happens(store.db, '01-prompt-created-text.json')
    expect(await found({ http: ['none', '2xx', '5xx'] })).toEqual([])
    await attempt(null, 'The socket hung up.')
    expect(await found({ http: ['none'] })).toHaveLength(1)
    expect(await found({ q: 'refund socket' })).toHaveLength(1)
    await attempt(502, 'Bad gateway.')
    expect(await found({ http: ['none'] })).toEqual([])
    expect(await found({ http: ['5xx'], status: ['retrying'] })).toHaveLength(1)
    await attempt(200, null)
    expect(await found({ http: ['2xx'], status: ['delivered'], target: 'slack' })).toHaveLength(1)
    expect(await found({ q: 'socket gateway' })).toHaveLength(1)
  })

  it('leaves nothing in lists and search when it is deleted', async () => {
    await happens(store.db, '01-prompt-created-text.json')
    await attempt(502, 'Bad gateway.')
    await happens(store.db, '09-monitor-alert.json')
    const [kept, gone] = await found({})
    await deleteChanges(store.db, [gone?.id ?? ''])
    expect((await found({})).map(({ id }) => id)).toEqual([kept?.id])
    expect(await found({ q: 'gateway' })).toEqual([])
    expect(await found({ q: 'refund' })).toEqual([])
    const facets = await store.db.selectFrom('change_facets').select('change_id').execute()
    expect(new Set(facets.map((facet) => facet.change_id))).toEqual(new Set([kept?.id]))
  })
})
