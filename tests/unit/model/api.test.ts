import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readProject } from '#lib/langfuse/api/project.ts'
import { promptChangedAt, readLabelHolder, readPromptVersion } from '#lib/langfuse/api/prompts.ts'
import { getFromLangfuse } from '#lib/langfuse/api/request.ts'
import { createApi, type Fault, type ModelApi } from '../../model/api.ts'
import type { ModelVersion } from '../../model/edits.ts'
import { createModel, type Model, type ModelOptions, rowOf, type Step } from '../../model/langfuse.ts'
import { randomFrom } from '../../model/play.ts'

const base = 'https://langfuse.test/base'
const names = [
  'support/refund-reply',
  '.',
  '..',
  'a b/c?d#e%2F&f',
  '✨ "test"',
  'Zürich',
  'zebra',
  'apple',
  'Banana',
]
const keys = { publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }

type Overrides = ModelOptions & Omit<Parameters<typeof createApi>[1], 'random'>

function start(
  seed = 1,
  { onStep, version, latency, faults, retryAfterSeconds, edits, ...more }: Overrides = {},
) {
  const model = createModel(randomFrom(seed), { names, ...more })
  const random = randomFrom(seed + 1)
  const given = { onStep, version, latency, faults, retryAfterSeconds, edits }
  const knobs = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const api = createApi([{ name: 'Model', ...keys, model }], { random, ...knobs })
  return { model, api }
}

function edited(model: Model, count: number): Model {
  for (let i = 0; i < count; i++) model.edit()
  return model
}

const auth = { authorization: `Basic ${btoa(`${keys.publicKey}:${keys.secretKey}`)}` }
const get = (api: ModelApi, path: string, init: RequestInit = {}): Promise<Response> =>
  api.fetch(`${base}/api/public${path}`, { headers: auth, ...init })
const client = (api: ModelApi) => ({ baseUrl: base, ...keys, fetch: api.fetch })

interface ListRow {
  name: string
  versions: number[]
  labels: string[]
  tags: string[]
  lastUpdatedAt: string
  lastConfig: unknown
}

interface ListPage {
  data: ListRow[]
  meta: { page: number; limit: number; totalItems: number; totalPages: number }
}

async function page(api: ModelApi, query: Record<string, string | number>): Promise<ListPage> {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
  const response = await get(api, `/v2/prompts?${search}`)
  expect(response.status).toBe(200)
  return (await response.json()) as ListPage
}

async function listing(api: ModelApi, query: Record<string, string | number> = {}): Promise<ListRow[]> {
  const rows: ListRow[] = []
  for (let number = 1; ; number++) {
    const { data, meta } = await page(api, { limit: 3, ...query, page: number })
    rows.push(...data)
    if (number >= meta.totalPages) return rows
  }
}

const liveOf = ({ prompts }: Model): [string, readonly ModelVersion[]][] =>
  [...prompts].filter(([, versions]) => versions.length > 0)

/** What a listing should say of these versions. */
const rowsOf = (prompts: [string, readonly ModelVersion[]][]) =>
  prompts.map(([name, versions]) => ({
    name,
    type: 'text',
    versions: versions.map(({ version }) => version),
    labels: [...new Set(versions.flatMap(({ labels }) => labels))].toSorted(),
    tags: versions[0]?.tags,
    lastUpdatedAt: new Date(Math.max(...versions.map(({ updatedAt }) => updatedAt))).toISOString(),
    lastConfig: versions.at(-1)?.config,
  }))

const sorted = <T extends { name: string }>(rows: readonly T[]): T[] =>
  rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** From random seeds; fast-check prints the one that fails. */
const forSeeds = (check: (seed: number) => Promise<void>, numRuns = 20): Promise<void> =>
  fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), check), { numRuns })

describe('the API of the model while nothing changes', () => {
  it('lists exactly the prompts of the model, whatever the page size', () =>
    forSeeds(async (seed) => {
      const { model, api } = start(seed, { oddConfigs: 0.3 })
      edited(model, 80)
      const rows = await listing(api, { limit: 1 + (seed % 7) })
      expect(sorted(rows)).toEqual(sorted(rowsOf(liveOf(model))))
      expect(await page(api, { page: 1000, limit: 100 })).toMatchObject({
        data: [],
        meta: { page: 1000, limit: 100, totalItems: liveOf(model).length, totalPages: 1 },
      })
      expect(api.problems).toEqual([])
    }))

  it('lists by label exactly the versions that have it, and by tag and name the prompts that match', () =>
    forSeeds(async (seed) => {
      const { model, api } = start(seed)
      edited(model, 80)
      for (const label of ['production', 'staging', 'latest', 'nowhere']) {
        const holders = liveOf(model).flatMap(([name, versions]) => {
          const held = versions.filter(({ labels }) => labels.includes(label))
          return held.length > 0 ? [{ name, versions: held.map(({ version }) => version) }] : []
        })
        const rows = await listing(api, { label })
        expect(sorted(rows.map(({ name, versions }) => ({ name, versions })))).toEqual(sorted(holders))
      }
      const tagged = liveOf(model).filter(([, [first]]) => first?.tags.includes('support'))
      expect(sorted(await listing(api, { tag: 'support' }))).toEqual(sorted(rowsOf(tagged)))
      for (const one of liveOf(model)) expect(await listing(api, { name: one[0] })).toEqual(rowsOf([one]))
      expect(api.problems).toEqual([])
    }, 10))

  it('lists by fromUpdatedAt every version that changed: both halves of each move, and the heirs of `latest`', () =>
    forSeeds(async (seed) => {
      const { model, api } = start(seed)
      let moves = 0
      for (let i = 0; i < 80; i++) {
        const from = new Date(model.clock.at + 1).toISOString()
        const before = new Map(structuredClone([...model.prompts]))
        const { name } = model.edit().edit
        const old = before.get(name) ?? []
        const touched = (model.prompts.get(name) ?? []).filter((one) => {
          const was = old.find(({ id }) => id === one.id)
          return was?.labels.join() !== one.labels.join() || was.tags.join() !== one.tags.join()
        })
        if (touched.length > 1) moves++
        const rows = await listing(api, { fromUpdatedAt: from })
        const [row] = rows.filter((one) => one.name === name)
        expect(row?.versions ?? []).toEqual(expect.arrayContaining(touched.map(({ version }) => version)))
        expect(rows.length).toBeLessThanOrEqual(1)
        expect(await listing(api, { toUpdatedAt: from })).not.toContainEqual(row)
      }
      expect(moves).toBeGreaterThan(10)
      expect(api.problems).toEqual([])
    }, 10))

  it('gives each version in full by number and by label, and 404 for any other', () =>
    forSeeds(async (seed) => {
      const { model, api } = start(seed, { oddConfigs: 0.3 })
      edited(model, 60)
      for (const [name, versions] of model.prompts) {
        if (name === '.' || name === '..') continue
        const path = `/v2/prompts/${encodeURIComponent(name)}`
        for (const one of versions) {
          const isActive = one.labels.includes('production')
          const row = { ...rowOf(model, name, one), isActive, resolutionGraph: null }
          for (const query of [`version=${one.version}`, ...one.labels.map((label) => `label=${label}`)])
            expect(await (await get(api, `${path}?${query}&resolve=false`)).json()).toEqual(row)
        }
        const production = versions.find(({ labels }) => labels.includes('production'))
        const usual = await get(api, path)
        expect(usual.status).toBe(production ? 200 : 404)
        if (production) expect(await usual.json()).toMatchObject({ id: production.id })
        expect((await get(api, `${path}?version=999`)).status).toBe(404)
      }
      expect((await get(api, '/v2/prompts/unknown?label=latest')).status).toBe(404)
      expect(api.problems).toEqual([])
    }, 10))

  it("can be read by the relay's own client", async () => {
    const { model, api } = start(5)
    edited(model, 60)
    const { projectId } = model
    expect(await readProject(client(api))).toEqual({
      ok: true,
      projectId,
      at: Math.floor(model.clock.at / 1000) * 1000,
    })
    for (const [name, versions] of liveOf(model)) {
      if (name === '.' || name === '..') continue
      const [first] = versions
      const version = first?.version ?? 0
      const read = await readPromptVersion(client(api), { projectId, name, version })
      expect(read).toEqual({ text: first?.text, config: first?.config })
      for (const label of ['production', 'staging', 'latest']) {
        const held = versions.find(({ labels }) => labels.includes(label))
        const state = await readLabelHolder(client(api), { projectId, name, label })
        expect(state?.holder?.promptId).toBe(held?.id)
      }
    }
    const changedAt = Math.max(...liveOf(model).flatMap(([, all]) => all.map(({ updatedAt }) => updatedAt)))
    const span = { from: changedAt - 5000, to: changedAt + 1 }
    expect(await promptChangedAt(client(api), span)).toEqual({ ok: true, changedAt })
    expect(api.problems).toEqual([])
  })
})

describe('the API of the model, like Langfuse,', () => {
  it('sorts names by collation, not by code units', async () => {
    const { model, api } = start(2, { names: ['zebra', 'Banana', 'apple', 'Zürich'] })
    for (const name of ['zebra', 'Banana', 'apple', 'Zürich']) model.edit('create', { name })
    expect((await listing(api)).map(({ name }) => name)).toEqual(['apple', 'Banana', 'zebra', 'Zürich'])
  })

  it.each([
    ['limit=101', 400],
    ['limit=0', 400],
    ['page=0', 400],
    ['page=two', 400],
    ['limit=', 400],
    ['fromUpdatedAt=yesterday', 400],
    ['fromUpdatedAt=', 400],
    ['name=a&name=b', 400],
    ['name=&label=&tag=&version=', 200],
    ['unknown=1', 200],
  ])('answers a listing with %s by status %i', async (query, status) => {
    const { api } = start()
    expect((await get(api, `/v2/prompts?${query}`)).status).toBe(status)
  })

  it('ignores a parameter that is not documented, and reports it to the test', async () => {
    const { api } = start()
    await get(api, '/v2/prompts?labels=production')
    await get(api, '/v2/prompts?name=a&version=1')
    expect(api.problems).toEqual(['/api/public/v2/prompts has no parameter labels'])
  })

  it('lists ten rows by default, and gives the total in `meta` and `pagination`', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `prompt ${i}`)
    const { model, api } = start(3, { names: many })
    for (const name of many) model.edit('create', { name })
    const { data, ...rest } = await page(api, {})
    const meta = { page: 1, limit: 10, totalItems: 12, totalPages: 2 }
    expect(data).toHaveLength(10)
    expect(rest).toEqual({ meta, pagination: meta })
  })

  it('refuses missing and wrong keys, and serves each pair of keys its own project', async () => {
    const clock = { at: Date.UTC(2026, 7, 21, 9) }
    const model = createModel(randomFrom(1), { clock, projectId: 'p-1' })
    const other = createModel(randomFrom(2), { clock, projectId: 'p-2' })
    model.edit('create')
    const others = { publicKey: 'pk-lf-other', secretKey: 'sk-lf-other' }
    const projects = [
      { name: 'One', ...keys, model },
      { name: 'Other', ...others, model: other },
    ] as const
    const api = createApi(projects, { random: randomFrom(3) })
    expect((await get(api, '/projects', { headers: {} })).status).toBe(401)
    const mixed = { ...client(api), secretKey: others.secretKey }
    expect(await getFromLangfuse(mixed, '/api/public/v2/prompts')).toMatchObject({ ok: false, status: 401 })
    const elsewhere = { ...client(api), ...others }
    expect(await readProject(client(api))).toMatchObject({ projectId: 'p-1' })
    expect(await readProject(elsewhere)).toMatchObject({ projectId: 'p-2' })
    expect(await getFromLangfuse(elsewhere, '/api/public/v2/prompts')).toMatchObject({ json: { data: [] } })
    expect(api.problems).toEqual([])
  })

  it('does not find an unencoded name with a slash, and takes `.` and `..` for other addresses', async () => {
    const { model, api } = start()
    for (const name of ['support/refund-reply', '.', '..']) model.edit('create', { name })
    expect((await get(api, '/v2/prompts/support/refund-reply?label=latest')).status).toBe(404)
    const redirect = await get(api, '/v2/prompts/%2e?version=1', { redirect: 'manual' })
    expect(redirect.status).toBe(308)
    expect(redirect.headers.get('location')).toBe('/api/public/v2/prompts?version=1')
    expect(await (await get(api, '/v2/prompts/.')).json()).toMatchObject({ meta: { totalItems: 3 } })
    await expect(get(api, '/v2/prompts/.', { redirect: 'error' })).rejects.toThrow('fetch failed')
    expect((await get(api, '/v2/prompts/..')).status).toBe(404)
    expect((await listing(api, { name: '..', version: 1 })).map(({ name }) => name)).toEqual(['..'])
  })

  it('refuses a version together with a label, unknown methods and malformed addresses', async () => {
    const { model, api } = start()
    model.edit('create', { name: 'apple' })
    expect((await get(api, '/v2/prompts/apple?version=1&label=latest')).status).toBe(400)
    expect((await get(api, '/v2/prompts/apple', { method: 'PUT' })).status).toBe(405)
    expect((await get(api, '/v2/prompts/%E0%A4%A')).status).toBe(400)
    expect((await get(api, '/v2/nothing')).status).toBe(404)
  })
})

describe('writing through the API of the model', () => {
  const patch = (api: ModelApi, name: string, version: number, newLabels: unknown): Promise<Response> =>
    get(api, `/v2/prompts/${encodeURIComponent(name)}/versions/${version}`, {
      method: 'PATCH',
      body: JSON.stringify({ newLabels }),
    })

  function withTwoVersions() {
    const steps: Step[] = []
    const { model, api } = start(1, { onStep: (step) => void steps.push(step) })
    const name = 'support/refund-reply'
    model.edit('create', { name })
    model.edit('create', { name })
    return { model, api, steps, name, versions: () => model.prompts.get(name) ?? [] }
  }

  it('adds labels, takes them from their holders, and fires an event without a user for each version', async () => {
    const { api, steps, name, versions } = withTwoVersions()
    await patch(api, name, 1, ['production', 'staging'])
    const moved = await patch(api, name, 2, ['production'])
    expect(await moved.json()).toMatchObject({ version: 2, labels: ['latest', 'production'] })
    expect(versions().map(({ labels }) => labels)).toEqual([['staging'], ['latest', 'production']])
    expect(steps[1]?.events.map(({ action, prompt }) => [action, prompt.version])).toEqual([
      ['updated', 2],
      ['updated', 1],
    ])
    expect(steps.flatMap(({ events }) => events).filter((event) => 'user' in event)).toEqual([])
    await patch(api, name, 2, [])
    expect(steps[2]?.events.map(({ prompt }) => prompt.version)).toEqual([2])
    expect(api.problems).toEqual([])
  })

  it('refuses `latest`, a body without a list, and an unknown version', async () => {
    const { api, steps, name } = withTwoVersions()
    const answers = await Promise.all([
      patch(api, name, 1, ['latest']),
      patch(api, name, 1, 'production'),
      patch(api, name, 3, ['production']),
    ])
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 404])
    expect(steps).toEqual([])
  })

  it('deletes without an event, and moves `latest` to the highest version that is left', async () => {
    const { api, steps, name, versions } = withTwoVersions()
    const path = `/v2/prompts/${encodeURIComponent(name)}`
    const before = versions()[0]?.updatedAt ?? 0
    expect((await get(api, `${path}?version=2`, { method: 'DELETE' })).status).toBe(204)
    expect(versions().map(({ version, labels }) => [version, labels])).toEqual([[1, ['latest']]])
    expect(versions()[0]?.updatedAt).toBeGreaterThan(before)
    expect((await get(api, path, { method: 'DELETE' })).status).toBe(204)
    expect((await get(api, path, { method: 'DELETE' })).status).toBe(404)
    expect(await listing(api)).toEqual([])
    expect(steps.map(({ edit, events, expected }) => [edit.kind, events, expected])).toEqual([
      ['delete version by API', [], null],
      ['delete prompt by API', [], null],
    ])
  })

  it('may have taken effect though the answer was an error or never came', async () => {
    for (const fault of ['failed', 'reset', 'hung'] as const) {
      const outcomes = new Set<boolean>()
      const { model, api } = start()
      for (let i = 0; i < 30; i++) {
        model.edit('create', { name: 'apple' })
        const count = model.prompts.get('apple')?.length ?? 0
        api.next.push(fault)
        const answer = await get(api, `/v2/prompts/apple?label=latest`, { method: 'DELETE' }).catch(
          () => null,
        )
        expect(answer?.ok ?? false).toBe(false)
        outcomes.add((model.prompts.get('apple')?.length ?? 0) < count)
      }
      expect(outcomes.size).toBe(2)
    }
  })
})

describe('versions whose config is not an object', () => {
  it('fire no event, though other versions of the prompt do, and are listed', async () => {
    let odd = 0
    await forSeeds(async (seed) => {
      const { model, api } = start(seed, { oddConfigs: 0.5 })
      for (let i = 0; i < 80; i++) {
        const { events, expected, edit } = model.edit()
        for (const { prompt } of events) expect(prompt.config).toEqual({ model: 'gpt-5.4', temperature: 0.2 })
        const all = model.prompts.get(edit.name) ?? []
        const isOdd = all.some(({ config }) => typeof config !== 'object' || Array.isArray(config))
        if (isOdd) {
          odd++
          expect(expected).toBeNull()
        }
      }
      expect(sorted(await listing(api))).toEqual(sorted(rowsOf(liveOf(model))))
    }, 10)
    expect(odd).toBeGreaterThan(0)
  })
})

describe('pages that shift while they are read', () => {
  const five = ['a', 'b', 'c', 'd', 'e']
  const twoPages = async (between: (model: Model) => void): Promise<string[]> => {
    const { model, api } = start(1, { names: [...five, '0'] })
    for (const name of five) model.edit('create', { name })
    const first = await page(api, { page: 1, limit: 2 })
    between(model)
    const rest = await Promise.all([2, 3].map((number) => page(api, { page: number, limit: 2 })))
    return [first, ...rest].flatMap(({ data }) => data.map(({ name }) => name))
  }

  it('lose a prompt when an earlier one is deleted, and repeat one when an earlier one is created', async () => {
    expect(await twoPages(() => {})).toEqual(five)
    const deleted = await twoPages((model) => model.edit('delete prompt', { name: 'a' }))
    expect(deleted).toEqual(['a', 'b', 'd', 'e'])
    const made = await twoPages((model) => model.edit('create', { name: '0' }))
    expect(made).toEqual(['a', 'b', 'b', 'c', 'd', 'e'])
  })

  it('lose and repeat prompts under random edits, but show no row that was never true', async () => {
    const count = { lost: 0, repeated: 0 }
    await forSeeds(async (seed) => {
      const truths = new Set<string>()
      const remember = (model: Model) => {
        for (const row of rowsOf(liveOf(model)))
          truths.add(JSON.stringify([row.name, row.versions, row.lastUpdatedAt]))
      }
      const { model, api } = start(seed, { edits: 0.5, onStep: (_, changed) => remember(changed) })
      edited(model, 60)
      remember(model)
      const before = new Set(liveOf(model).map(([name]) => name))
      const rows = await listing(api, { limit: 2 })
      for (const { name, versions, lastUpdatedAt } of rows)
        expect(truths).toContain(JSON.stringify([name, versions, lastUpdatedAt]))
      const seen = rows.map(({ name }) => name)
      count.repeated += seen.length - new Set(seen).size
      for (const [name] of liveOf(model)) if (before.has(name) && !seen.includes(name)) count.lost++
    }, 100)
    expect(count.lost).toBeGreaterThan(0)
    expect(count.repeated).toBeGreaterThan(0)
  })

  it('can be older than a webhook: an edit is made and handled before the answer without it arrives', async () => {
    const order: string[] = []
    const { model, api } = start(4, {
      edits: 1,
      onStep: async ({ edit }) => {
        await Promise.resolve()
        // Another request because of the edit sees no further edits.
        await get(api, '/projects')
        order.push(edit.name)
      },
    })
    const { data } = await page(api, { limit: 100 })
    expect(order).toHaveLength(3)
    expect(data.length).toBeLessThanOrEqual(1)
    expect(liveOf(model).length).toBeGreaterThanOrEqual(data.length)
  })
})

describe('faults', () => {
  const statuses = async (
    faults: Partial<Record<Fault, number>>,
    count = 1000,
  ): Promise<Map<string, number>> => {
    const { model, api } = start(9, { faults, retryAfterSeconds: 1 })
    const seen: string[] = []
    for (let i = 0; i < count; i++) {
      model.clock.at += 10_000
      const response = await get(api, '/projects').catch((error: Error) => error)
      if (response instanceof Error) seen.push(response.name)
      else
        seen.push(
          await response.text().then(
            () => `${response.status}`,
            () => 'cut',
          ),
        )
    }
    return new Map([...Map.groupBy(seen, (one) => one)].map(([one, all]) => [one, all.length]))
  }

  it('hit the given share of the requests', async () => {
    const seen = await statuses({ limited: 0.1, failed: 0.2, reset: 0.1, cut: 0.1, hung: 0.1 })
    const near = (share: number) => expect.closeTo(share * 1000, -2)
    expect(Object.fromEntries(seen)).toMatchObject({
      200: near(0.4),
      429: near(0.1),
      TypeError: near(0.1),
      cut: near(0.1),
      TimeoutError: near(0.1),
    })
    const failed = [500, 502, 503, 504].map((status) => seen.get(String(status)) ?? 0)
    expect(Math.min(...failed)).toBeGreaterThan(20)
    expect(Object.fromEntries(await statuses({ limited: 1 }, 20))).toEqual({ 429: 20 })
    expect(Object.fromEntries(await statuses({}, 20))).toEqual({ 200: 20 })
  })

  it('of a rate limit last until `Retry-After` has passed', async () => {
    const { model, api } = start(1, { retryAfterSeconds: 20 })
    api.next.push('limited')
    const first = await get(api, '/projects')
    expect([first.status, first.headers.get('retry-after')]).toEqual([429, '20'])
    model.clock.at += 15_000
    expect((await get(api, '/projects')).headers.get('retry-after')).toBe('5')
    model.clock.at += 5000
    expect((await get(api, '/projects')).status).toBe(200)
    api.next.push('limited')
    const answer = await getFromLangfuse(client(api), '/api/public/projects')
    expect(answer).toMatchObject({ ok: false, status: 429, retryAfterMs: 20_000 })
  })

  it("can be scripted request by request, and look to the relay's client like those of a network", async () => {
    const { model, api } = start()
    api.next.push(null, 'cut', 'reset', 'hung', 'failed', null)
    const begun = model.clock.at
    const answers = []
    for (let i = 0; i < 6; i++) answers.push(await getFromLangfuse(client(api), '/api/public/projects'))
    expect(answers.map(({ ok }) => ok)).toEqual([true, false, false, false, false, true])
    expect(answers[3]).toMatchObject({ status: null, message: expect.stringContaining('in time') })
    expect(answers[4]).toMatchObject({ status: expect.any(Number) })
    expect(model.clock.at - begun).toBe(10_000)
    expect(api.requests.map(({ status }) => status)).toEqual([200, 200, null, null, expect.any(Number), 200])
  })
})

describe('the clocks of the model', () => {
  it('move on by the latency of each answer, and only by that', async () => {
    const { model, api } = start(1, { latency: [200, 400] })
    for (let i = 0; i < 20; i++) {
      const before = model.clock.at
      await get(api, '/projects')
      expect(model.clock.at - before).toBeGreaterThanOrEqual(200)
      expect(model.clock.at - before).toBeLessThanOrEqual(400)
    }
    api.knobs.latency = [0, 0]
    const before = model.clock.at
    await get(api, '/projects')
    expect(model.clock.at).toBe(before)
  })

  it('differ between pods in `Date` and `updatedAt`, but not in `createdAt`', async () => {
    const day = 86_400_000
    const { model, api } = start(1, { pods: [0, day] })
    const ahead = (at: number): number => Math.round((at - model.clock.at) / day)
    const seen = { dates: new Set<number>(), updates: new Set<number>(), creations: new Set<number>() }
    for (let i = 0; i < 40; i++) {
      model.edit('create', { name: 'apple', after: 1000 })
      const one = model.prompts.get('apple')?.at(-1)
      seen.updates.add(ahead(one?.updatedAt ?? 0))
      seen.creations.add(ahead(one?.createdAt ?? 0))
      const { headers } = await get(api, '/projects')
      seen.dates.add(ahead(Date.parse(headers.get('date') ?? '')))
    }
    const both = new Set([0, 1])
    expect(seen).toEqual({ dates: both, updates: both, creations: new Set([0]) })
  })

  it('hide an edit from fromUpdatedAt where its pod is behind', async () => {
    const { model, api } = start(1, { pods: [-600_000] })
    const before = model.clock.at
    model.edit('create', { name: 'apple', after: 1000 })
    const since = (at: number) => listing(api, { fromUpdatedAt: new Date(at).toISOString() })
    expect(await since(before)).toEqual([])
    expect(await since(before - 600_000)).toHaveLength(1)
  })
})

describe('a server of v3', () => {
  it('reports its version, deletes nothing, ignores `resolve`, and gives the rows of a page in any order', async () => {
    const { model, api } = start(6, { version: 'v3' })
    edited(model, 60)
    expect(await (await get(api, '/health')).json()).toEqual({ status: 'OK', version: '3.120.0' })
    const [[name, versions] = ['', []]] = liveOf(model).filter(([one]) => !/^\.+$/.test(one))
    const path = `/v2/prompts/${encodeURIComponent(name)}?version=${versions[0]?.version}`
    expect((await get(api, path, { method: 'DELETE' })).status).toBe(405)
    expect((await get(api, `${path}&resolve=perhaps`)).status).toBe(200)
    const orders = new Set<string>()
    for (let i = 0; i < 10; i++) {
      const rows = await listing(api)
      orders.add(rows.map((row) => row.name).join())
      expect(sorted(rows)).toEqual(sorted(rowsOf(liveOf(model))))
    }
    expect(orders.size).toBeGreaterThan(1)
    api.knobs.version = 'v4'
    expect(await (await get(api, '/health')).json()).toMatchObject({ version: '4.16.0' })
    expect((await get(api, `${path}&resolve=perhaps`)).status).toBe(400)
  })
})

it('gives the same answers for the same seeds', async () => {
  const play = async (): Promise<unknown> => {
    const knobs = {
      edits: 0.3,
      latency: [10, 900],
      faults: { failed: 0.2, reset: 0.2, limited: 0.1 },
    } as const
    const { model, api } = start(11, { ...knobs, pods: [0, -4000], oddConfigs: 0.2, retryAfterSeconds: 2 })
    const bodies: string[] = []
    for (let i = 0; i < 60; i++) {
      model.edit()
      const answer = await get(api, `/v2/prompts?limit=4&page=${1 + (i % 3)}`).catch(() => null)
      bodies.push(`${answer?.headers.get('date')} ${await answer?.text()}`)
    }
    return { bodies, requests: api.requests, clock: model.clock }
  }
  expect(await play()).toEqual(await play())
})
