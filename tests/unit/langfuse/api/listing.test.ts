import { describe, expect, it } from 'vitest'
import { type ListedPrompt, type ListRequest, listPrompts } from '#lib/langfuse/api/listing.ts'
import { createApi } from '../../../model/api.ts'
import { createModel, type Model } from '../../../model/langfuse.ts'
import { randomFrom } from '../../../model/play.ts'

const keys = { baseUrl: 'https://langfuse.test/base', publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }
const names = ['support/refund-reply', '.', '..', '', 'a b/c?d#e%2F&f', '✨ "test"', 'Zürich', 'Banana']

function start(version: 'v3' | 'v4' = 'v4', edits = 80) {
  const model = createModel(randomFrom(7), { names: names.filter((name) => name !== '') })
  for (let i = 0; i < edits; i++) model.edit()
  const api = createApi([{ name: 'Model', ...keys, model }], { random: randomFrom(8), version })
  return { model, api, client: { ...keys, fetch: api.fetch } }
}

const liveOf = ({ prompts }: Model) => [...prompts].filter(([, versions]) => versions.length > 0)
const truthOf = (model: Model): ListedPrompt[] =>
  liveOf(model).map(([name, versions]) => ({
    name,
    type: 'text',
    versions: versions.map(({ version }) => version),
    labels: [...new Set(versions.flatMap(({ labels }) => labels))].toSorted(),
    tags: versions[0]?.tags ?? [],
    lastUpdatedAt: Math.max(...versions.map(({ updatedAt }) => updatedAt)),
  }))
const byName = (rows: readonly ListedPrompt[]) => rows.toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** Answers every listing with this. */
const answering = (json: unknown, init: ResponseInit = {}) => ({
  ...keys,
  fetch: async () => Response.json(json, init),
})
const meta = { page: 1, limit: 100, totalItems: 1, totalPages: 1 }
const row = {
  name: 'support/refund-reply',
  type: 'text',
  versions: [1, 2],
  labels: ['latest'],
  tags: [],
  lastUpdatedAt: '2026-08-21T09:14:07.412Z',
  lastConfig: {},
}
const first: ListRequest = { page: 1, limit: 100 }

describe('listing prompts', () => {
  it.each(['v3', 'v4'] as const)('gives every prompt of a server of %s, page by page', async (version) => {
    const { model, api, client } = start(version)
    const rows: ListedPrompt[] = []
    for (let page = 1, last = 1; page <= last; page++) {
      const read = await listPrompts(client, { page, limit: 1 })
      if (!read.ok) throw new Error(read.message)
      expect(read).toMatchObject({ page, at: Math.floor(model.clock.at / 1000) * 1000 })
      rows.push(...read.rows)
      last = read.totalPages
    }
    expect(byName(rows)).toEqual(byName(truthOf(model)))
    expect(rows.length).toBeGreaterThan(4)
    expect(api.problems).toEqual([])
  })

  it('filters by label, name, version and time', async () => {
    const { model, client } = start()
    const holders = liveOf(model).flatMap(([name, versions]) => {
      const held = versions.filter(({ labels }) => labels.includes('production'))
      return held.length > 0 ? [[name, held.map(({ version }) => version)]] : []
    })
    const byLabel = await listPrompts(client, { ...first, label: 'production' })
    if (!byLabel.ok) throw new Error(byLabel.message)
    const shown = byName(byLabel.rows).map(({ name, versions }) => [name, versions])
    expect(shown).toEqual(holders.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)))
    const [[name, versions] = ['', []]] = liveOf(model)
    const [one] = versions
    expect(await listPrompts(client, { ...first, name, version: one?.version ?? 0 })).toMatchObject({
      rows: [
        { name, versions: [one?.version], labels: one?.labels.toSorted(), lastUpdatedAt: one?.updatedAt },
      ],
    })
    const newest = Math.max(...truthOf(model).map(({ lastUpdatedAt }) => lastUpdatedAt))
    expect(await listPrompts(client, { ...first, fromUpdatedAt: newest })).toMatchObject({
      rows: [{ lastUpdatedAt: newest }],
    })
    expect(await listPrompts(client, { ...first, fromUpdatedAt: newest + 1 })).toMatchObject({ rows: [] })
  })

  it.each<[string, unknown, string]>([
    ['a row without its versions', { ...row, versions: undefined }, '`data[1].versions`'],
    ['a row without any version', { ...row, versions: [] }, '`data[1].versions`'],
    ['a version that is no number', { ...row, versions: ['3'] }, '`data[1].versions[0]`'],
    ['a row without a name', { ...row, name: '' }, '`data[1].name`'],
    ['labels in another form', { ...row, labels: { latest: 2 } }, '`data[1].labels`'],
    ['tags in another form', { ...row, tags: null }, '`data[1].tags`'],
    ['a time that is none', { ...row, lastUpdatedAt: 'yesterday' }, '`data[1].lastUpdatedAt`'],
    ['a row that is nothing', null, '`data[1]`'],
  ])('fails as a whole over %s, and names it: a row left out would seem deleted', async (_, bad, field) => {
    const read = await listPrompts(answering({ data: [row, bad], meta }), first)
    expect(read).toMatchObject({ ok: false, status: 200, message: expect.stringContaining(field) })
  })

  it.each<[string, unknown, string]>([
    ['is no listing', { message: 'Welcome' }, '`data`'],
    ['does not say how many pages there are', { data: [row], meta: { page: 1 } }, '`meta.totalPages`'],
    ['is another page', { data: [row], meta: { ...meta, page: 2 } }, '`meta.page`: expected 1, received 2'],
    ['is a list', [row], ''],
  ])('fails where the answer %s', async (_, json, field) => {
    const read = await listPrompts(answering(json), first)
    expect(read).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^Langfuse answered in an unknown form/),
    })
    expect(read).toMatchObject({ message: expect.stringContaining(field) })
  })

  it('accepts a type and fields that it does not know, and leaves out names that cannot be stored', async () => {
    const read = await listPrompts(
      answering({
        data: [
          { ...row, type: 'video', more: 1 },
          { ...row, name: 'x'.repeat(100_001) },
        ],
        meta,
      }),
      first,
    )
    expect(read).toMatchObject({ ok: true, rows: [{ name: row.name, type: 'video' }] })
  })

  it('sorts versions, and makes names, labels and tags storable', async () => {
    const odd = { ...row, name: 'a\0b', labels: ['\ud800'], tags: ['\0'], versions: [3, 1, 2] }
    const read = await listPrompts(answering({ data: [odd], meta }), first)
    expect(read).toMatchObject({
      rows: [{ name: 'a\uFFFDb', labels: ['\uFFFD'], tags: ['\uFFFD'], versions: [1, 2, 3] }],
    })
  })

  it.each(['failed', 'reset', 'cut', 'hung', 'limited'] as const)(
    'fails without rows if a request is %s',
    async (fault) => {
      const { api, client } = start()
      api.next.push(fault)
      const read = await listPrompts(client, first)
      expect(read.ok).toBe(false)
      expect(read).not.toHaveProperty('rows')
      if (fault === 'limited') expect(read).toMatchObject({ status: 429, retryAfterMs: 30_000 })
    },
  )

  it('keeps the wait that Langfuse asks for, and sends nothing once the budget is spent', async () => {
    const { client, api } = start()
    const read = await listPrompts({ ...client, draw: async () => 4000 }, first)
    expect(read).toMatchObject({ ok: false, isOverBudget: true, retryAfterMs: 4000 })
    expect(api.requests).toEqual([])
  })
})

describe('a page that is too large', () => {
  /** Prompts that need so many bytes each, by their place in the listing. */
  function large(sizes: readonly number[]) {
    const limits: number[] = []
    const fetch: typeof globalThis.fetch = async (input) => {
      const query = new URL(new Request(input).url).searchParams
      const [page, limit] = [Number(query.get('page')), Number(query.get('limit'))]
      limits.push(limit)
      const some = sizes.slice((page - 1) * limit, page * limit)
      const data = some.map((size, i) => ({
        ...row,
        name: `p${String((page - 1) * limit + i).padStart(3, '0')}`,
        lastConfig: { text: 'x'.repeat(size) },
      }))
      const totalPages = Math.ceil(sizes.length / limit)
      return Response.json({ data, meta: { page, limit, totalItems: sizes.length, totalPages } })
    }
    return { limits, client: { ...keys, fetch } }
  }
  const kb = 1024

  it('is read in tenths, and those that are still too large prompt by prompt', async () => {
    const sizes = Array.from({ length: 134 }, (_, i) => (i >= 40 && i < 45 ? 2000 * kb : 50 * kb))
    const { limits, client } = large(sizes)
    const pages = [await listPrompts(client, first), await listPrompts(client, { page: 2, limit: 100 })]
    expect(pages).toMatchObject([
      { ok: true, page: 1, totalPages: 2 },
      { ok: true, page: 2, totalPages: 2 },
    ])
    const all = pages.flatMap((page) => (page.ok ? page.rows.map(({ name }) => name) : []))
    expect(all).toEqual(sizes.map((_, i) => `p${String(i).padStart(3, '0')}`))
    expect(limits.filter((limit) => limit === 1)).toHaveLength(10)
    expect(limits).toHaveLength(1 + 10 + 10 + 1)
  })

  it('fails if one prompt alone is too large', async () => {
    const { client } = large([7000 * kb])
    expect(await listPrompts(client, first)).toMatchObject({ ok: false, isTooLarge: true })
  })
})
