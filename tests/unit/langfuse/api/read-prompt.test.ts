import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VersionState } from '#lib/core/change/change.ts'
import { type PromptRead, type PromptTruth, readPrompt } from '#lib/langfuse/api/read-prompt.ts'
import { createApi } from '../../../model/api.ts'
import type { ModelVersion } from '../../../model/edits.ts'
import { createModel, type Model, type ModelOptions, rowOf } from '../../../model/langfuse.ts'
import { randomFrom } from '../../../model/play.ts'

const keys = { baseUrl: 'https://langfuse.test/base', publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }
const names = ['support/refund-reply', '.', '..', 'a b/c?d#e%2F&f', '✨ "test"']

type Overrides = ModelOptions & Omit<Parameters<typeof createApi>[1], 'random'>

function start(seed: number, { version = 'v4', edits = 0, onStep, ...options }: Overrides = {}) {
  const model = createModel(randomFrom(seed), { names, ...options })
  const knobs = { random: randomFrom(seed + 1), version, edits, ...(onStep && { onStep }) }
  const api = createApi([{ name: 'Model', ...keys, model }], knobs)
  return { model, api, client: { ...keys, fetch: api.fetch } }
}

const stateOf = (one: ModelVersion): VersionState => ({
  version: one.version,
  promptId: one.id,
  labels: one.labels,
  tags: one.tags,
  promptType: 'text',
  commitMessage: one.commitMessage,
  createdBy: one.createdBy,
  updatedAt: one.updatedAt,
  deleted: false,
})
const statesOf = (model: Model, name: string): VersionState[] =>
  structuredClone([...(model.prompts.get(name) ?? [])]).map(stateOf)

function good(read: PromptRead): PromptTruth {
  if (!read.ok) throw new Error(read.message)
  return read
}

const labelsAndTags = (versions: readonly { version: number; labels: string[]; tags: string[] }[]) =>
  versions.map(({ version, labels, tags }) => [version, labels.toSorted(), tags])

const forSeeds = (check: (seed: number) => Promise<void>, numRuns = 40): Promise<void> =>
  fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 - 1 }), check), { numRuns })

describe('reading a prompt', () => {
  it.each(['v3', 'v4'] as const)(
    'of a server of %s gives its exact state, whatever was known, and every version that is gone',
    async (version) => {
      const seen = { gone: 0, replaced: 0, versions: 0 }
      await forSeeds(async (seed) => {
        const { model, api, client } = start(seed, { version, oddConfigs: 0.2 })
        for (let i = 0; i < 60; i++) model.edit()
        const known = new Map(names.map((name) => [name, statesOf(model, name)]))
        for (let i = 0; i < seed % 60; i++) model.edit()
        for (const name of names) {
          const before = known.get(name) ?? []
          const read = good(await readPrompt(client, { projectId: model.projectId, name, known: before }))
          const truth = model.prompts.get(name) ?? []
          expect(labelsAndTags(read.versions)).toEqual(labelsAndTags(truth))
          const left = new Set(truth.map((one) => one.version))
          expect(read).toMatchObject({
            gone: before.map((one) => one.version).filter((one) => !left.has(one)),
            unconfirmed: [],
            lastUpdatedAt: truth.length === 0 ? null : Math.max(...truth.map(({ updatedAt }) => updatedAt)),
          })
          for (const one of truth) {
            const shown = read.versions.find((other) => other.version === one.version)
            const was = before.find((other) => other.version === one.version)
            // By address, it has the number of an older version and another id, or is new, or has a label.
            const isNew = was?.promptId !== one.id
            if (was && isNew) seen.replaced++
            if (shown?.updatedAt !== null) expect(shown?.updatedAt).toBe(one.updatedAt)
            if ((isNew || one.labels.length > 0) && !/^\.+$/.test(name))
              expect(shown).toMatchObject({ promptId: one.id, row: rowOf(model, name, one) })
            if (/^\.+$/.test(name)) expect(shown?.row).toBeNull()
          }
          seen.gone += read.gone.length
          seen.versions += read.versions.length
        }
        expect(api.problems).toEqual([])
      })
      for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
    },
  )

  it('takes four requests for a new version that took `latest` and `production` from two others', async () => {
    const { model, api, client } = start(1)
    const name = 'support/refund-reply'
    for (let i = 0; i < 40; i++) model.edit('create', { name })
    const versions = model.prompts.get(name) ?? []
    model.labelByApi(name, versions[30] as ModelVersion, ['production'])
    const known = statesOf(model, name)
    model.edit('create', { name })
    model.labelByApi(name, versions.at(-1) as ModelVersion, [])
    model.labelByApi(name, (model.prompts.get(name) ?? []).at(-1) as ModelVersion, ['production'])
    good(await readPrompt(client, { projectId: model.projectId, name, known }))
    expect(api.requests.map(({ path }) => path)).toEqual([
      '/api/public/v2/prompts?name=support%2Frefund-reply&page=1&limit=1',
      '/api/public/v2/prompts/support%2Frefund-reply?label=latest&resolve=false',
      '/api/public/v2/prompts/support%2Frefund-reply?version=40&resolve=false',
      '/api/public/v2/prompts/support%2Frefund-reply?version=31&resolve=false',
    ])
  })

  it('while it is edited has each label once, or must be read again, and is right once the edits end', async () => {
    const seen = { changing: 0, read: 0, edits: 0 }
    await forSeeds(async (seed) => {
      const name = 'support/refund-reply'
      const { model, api, client } = start(seed, { names: [name], onStep: () => void seen.edits++ })
      for (let i = 0; i < 30; i++) model.edit()
      const known = statesOf(model, name)
      for (let i = 0; i < 5; i++) model.edit()
      api.knobs.edits = 0.2
      const read = await readPrompt(client, { projectId: model.projectId, name, known })
      api.knobs.edits = 0
      if (!read.ok) {
        expect(read).toMatchObject({ isChanging: true })
        seen.changing++
      } else {
        seen.read++
        const held = read.versions.flatMap(({ labels }) => labels)
        expect(held).toHaveLength(new Set(held).size)
      }
      const last = good(await readPrompt(client, { projectId: model.projectId, name, known }))
      expect(labelsAndTags(last.versions)).toEqual(labelsAndTags(model.prompts.get(name) ?? []))
    }, 200)
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(10)
  })

  it.each(['failed', 'reset', 'cut', 'hung', 'limited'] as const)(
    'fails as a whole, with nothing gone, if any of its requests is %s',
    async (fault) => {
      // A 404 is one, even if its text is cut.
      for (let at = 0; at < (fault === 'cut' ? 3 : 4); at++) {
        const { model, api, client } = start(3)
        const name = 'support/refund-reply'
        for (let i = 0; i < 5; i++) model.edit('create', { name })
        const known = statesOf(model, name)
        model.deleteByApi(name, (model.prompts.get(name) ?? []).slice(1, 2))
        model.edit('create with labels', { name })
        api.next.push(...Array(at).fill(null), fault)
        const read = await readPrompt(client, { projectId: model.projectId, name, known })
        expect(read.ok).toBe(false)
        expect(read).not.toHaveProperty('gone')
        if (fault === 'limited') expect(read).toMatchObject({ retryAfterMs: 30_000 })
      }
    },
  )
})

/** A server of one prompt, which may answer in its own way. */
function serverOf(
  versions: Record<string, unknown>[],
  {
    path = () => undefined,
    list = {},
  }: {
    path?: (query: URLSearchParams) => Response | undefined
    list?: Record<string, unknown>
  } = {},
) {
  const requests: string[] = []
  const rows = versions.map((one) => ({ ...usual, ...one }))
  const fetch: typeof globalThis.fetch = async (input) => {
    const { pathname, searchParams: query, search } = new URL(new Request(input).url)
    requests.push(search)
    const [version, label] = [query.get('version'), query.get('label')]
    const some = rows.filter(
      (row) => (!version || row.version === Number(version)) && (!label || row.labels.includes(label)),
    )
    if (pathname.endsWith('/v2/prompts')) {
      const data = some.length === 0 ? [] : [{ ...listedOf(some), ...list }]
      return Response.json({ data, meta: { page: 1, limit: 1, totalItems: 1, totalPages: 1 } })
    }
    const own = path(query)
    if (own) return own
    return some[0] ? Response.json(some[0]) : Response.json({ message: 'Prompt not found' }, { status: 404 })
  }
  return { requests, client: { ...keys, fetch } }
}

const usual = {
  id: 'p1',
  projectId: 'project',
  name: 'support/refund-reply',
  version: 1,
  labels: ['latest'],
  tags: ['support'],
  type: 'text',
  prompt: 'Hello' as unknown,
  config: {} as unknown,
  commitMessage: null,
  createdBy: 'API',
  createdAt: '2026-08-21T09:14:07.412Z',
  updatedAt: '2026-08-21T09:14:07.412Z',
}
const listedOf = (rows: (typeof usual)[]) => ({
  name: usual.name,
  type: 'text',
  versions: rows.map(({ version }) => version),
  labels: [...new Set(rows.flatMap(({ labels }) => labels))],
  tags: rows.at(-1)?.tags,
  lastUpdatedAt: rows
    .map(({ updatedAt }) => updatedAt)
    .toSorted()
    .at(-1),
})
const ask = (known: VersionState[] = []) => ({ projectId: 'project', name: usual.name, known })
const known = (
  version: number,
  labels: string[] = [],
  promptId: string | null = `p${version}`,
): VersionState => ({
  version,
  promptId,
  labels,
  tags: ['support'],
  promptType: 'text',
  commitMessage: null,
  createdBy: 'API',
  updatedAt: 100,
  deleted: false,
})

describe('a prompt in an unusual form', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['no id', { id: undefined }, '`id`'],
    ['labels that are no list', { labels: 'latest' }, '`labels`'],
    [
      'another project, since the keys were exchanged',
      { projectId: 'other' },
      'expected project, received other',
    ],
    ['another name', { name: 'else' }, '`name`'],
    ['no time', { updatedAt: 'now' }, '`updatedAt`'],
  ])('fails over %s, and names it', async (_, change, field) => {
    const { client } = serverOf([{}], { path: () => Response.json({ ...usual, ...change }) })
    const read = await readPrompt(client, ask([known(7)]))
    expect(read).toMatchObject({ ok: false, message: expect.stringContaining(field) })
  })

  it.each<[string, unknown]>([
    ['an array', ['a', 1]],
    ['a text', 'gpt'],
    ['nothing', null],
    ['a number', 7],
  ])('may have %s as its config, an unknown type, and any text', async (_, config) => {
    const prompt = 'a\0b\u001b[31m\ud800'
    const { client } = serverOf([{ config, type: 'video', prompt }])
    const [one] = good(await readPrompt(client, ask())).versions
    expect(one).toMatchObject({ promptType: 'video', row: { config, prompt } })
  })

  it.each(['prompt', 'config'])(
    'nested a hundred thousand levels deep in its %s is read without its row',
    async (key) => {
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
      const json = JSON.stringify({ ...usual, [key]: 'DEEP' }).replace('"DEEP"', deep)
      const { client } = serverOf([{}], { path: () => new Response(json) })
      const [one] = good(await readPrompt(client, ask())).versions
      expect(one).toMatchObject({ promptId: 'p1', labels: ['latest'], row: null })
    },
  )

  it('is read by its listing where a proxy does not find an encoded slash', async () => {
    const { client } = serverOf(
      [{ labels: [] }, { version: 2, id: 'p2', labels: ['latest', 'production'] }],
      {
        path: () => new Response('Not Found', { status: 404 }),
      },
    )
    const read = good(await readPrompt(client, ask([known(1), known(3)])))
    expect(read.versions).toMatchObject([
      { version: 1, labels: [], promptId: null },
      { version: 2, labels: ['latest', 'production'], promptId: null, row: null },
    ])
    expect(read.gone).toEqual([3])
  })

  it('is read by its listing where the answer is too large', async () => {
    const text = 'x'.repeat(7 * 1024 * 1024)
    const { client } = serverOf([{}], { path: () => Response.json({ ...usual, prompt: text }) })
    expect(await readPrompt(client, ask())).toMatchObject({
      ok: true,
      versions: [{ labels: ['latest'], row: null }],
    })
  })

  it('keeps a text of 5 MB', async () => {
    const prompt = 'é'.repeat(2.5 * 1024 * 1024)
    const { client } = serverOf([{ prompt }])
    const [one] = good(await readPrompt(client, ask())).versions
    expect(one?.row?.prompt === prompt).toBe(true)
  })

  it('has the text that webhooks contain: with references resolved, or unresolved where that fails', async () => {
    const raw = 'Hi @@@langfusePrompt:name=tone|label=production@@@'
    const resolving = (resolved: Response) =>
      serverOf([{ prompt: raw }], { path: (query) => (query.has('resolve') ? undefined : resolved) })
    const good1 = resolving(Response.json({ ...usual, prompt: 'Hi, friendly' }))
    expect(await readPrompt(good1.client, ask())).toMatchObject({
      versions: [{ row: { prompt: 'Hi, friendly' } }],
    })
    for (const failure of [
      Response.json({ message: 'circular' }, { status: 400 }),
      Response.json({ ...usual, id: 'another', prompt: 'no' }),
    ]) {
      const { client } = resolving(failure)
      expect(await readPrompt(client, ask())).toMatchObject({ versions: [{ row: { prompt: raw } }] })
    }
  })

  it('with 9,000 labels on one version takes as many requests as with one', async () => {
    const labels = Array.from({ length: 9000 }, (_, i) => `label-${i}`)
    const { client, requests } = serverOf([{ labels: ['latest', ...labels] }])
    expect(good(await readPrompt(client, ask())).versions[0]?.labels).toHaveLength(9001)
    expect(requests).toHaveLength(2)
  })

  it('with a label on each of 300 versions is compared some labels at a time, the others as they are known', async () => {
    const labelsOf = (i: number) =>
      i === 9 ? ['production', 'l9'] : i === 299 ? ['latest', 'l299'] : [`l${i}`]
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...{ version: i + 1, id: `p${i + 1}`, labels: labelsOf(i) },
    }))
    // Two labels were moved: to the versions that have none here.
    const states = many.map(({ version, labels }, i) =>
      known(version, i === 20 || i === 280 ? [] : [...labels]),
    )
    states[5]?.labels.push('l20')
    states[6]?.labels.push('l280')
    const seen = new Set<string>()
    let passed: number | undefined
    for (let go = 0; go < 3; go++) {
      const { client, requests } = serverOf(many)
      const read = good(await readPrompt(client, { ...ask(states), ...(passed && { passed }) }))
      expect(requests.length).toBeLessThanOrEqual(200)
      expect(read.versions).toHaveLength(300)
      for (const { version, labels } of read.versions)
        if (labels.toSorted().join() !== states[version - 1]?.labels.toSorted().join())
          seen.add(`${version} ${labels.join()}`)
      expect(read.passed === null).toBe(go === 2)
      passed = read.passed ?? 0
    }
    expect([...seen].toSorted()).toEqual(['21 l20', '281 l280', '6 l5', '7 l6'])
  })

  it('of which nothing is known, with a label on each of 300 versions, has the labels that could be read', async () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      ...{ version: i + 1, id: `p${i + 1}`, labels: i === 299 ? ['latest', `l${i}`] : [`l${i}`] },
    }))
    const { client, requests } = serverOf(many)
    const { versions, passed } = good(await readPrompt(client, ask()))
    expect(requests).toHaveLength(200)
    expect(versions.filter(({ labels }) => labels.length > 0).length).toBeGreaterThan(190)
    expect(passed).toBeGreaterThan(140)
  })

  it('with 300 new versions is read in 200 requests, the last of them in full', async () => {
    const many = Array.from({ length: 300 }, (_, i) => ({
      version: i + 1,
      id: `p${i + 1}`,
      labels: i === 299 ? ['latest'] : [],
    }))
    const { client, requests } = serverOf(many)
    const { versions } = good(await readPrompt(client, ask()))
    expect(requests).toHaveLength(200)
    expect(versions).toHaveLength(300)
    expect(versions.filter(({ row }) => row !== null).map(({ version }) => version)).toEqual(
      Array.from({ length: 199 }, (_, i) => i + 102),
    )
  })

  it('of which 300 versions are gone has as many confirmed as requests allow', async () => {
    const { client, requests } = serverOf([{ version: 301, id: 'p301' }])
    const all = Array.from({ length: 301 }, (_, i) => known(i + 1))
    const { gone, unconfirmed } = good(await readPrompt(client, ask(all)))
    expect(requests.length).toBeLessThanOrEqual(201)
    expect(gone.length + unconfirmed.length).toBe(300)
    expect(gone.length).toBeGreaterThan(90)
  })

  it('that is not listed has each of its versions asked for, and is gone if none is found', async () => {
    const { client, requests } = serverOf([])
    const { versions, gone } = good(
      await readPrompt(client, ask([known(1), { ...known(2), deleted: true }, known(3)])),
    )
    expect([versions, gone]).toEqual([[], [1, 3]])
    expect(requests.filter((one) => one.startsWith('?version=')).map((one) => one.slice(0, 10))).toEqual([
      '?version=3',
      '?version=1',
    ])
    const many = Array.from({ length: 500 }, (_, i) => known(i + 1))
    expect(good(await readPrompt(client, ask(many))).gone).toHaveLength(500)
    expect(requests.length).toBeLessThan(210)
  })

  it('is not gone where only a listing is without it', async () => {
    const empty = { data: [], meta: { page: 1, totalPages: 1 } }
    for (const name of ['plain', 'in/a/folder']) {
      const fetch: typeof globalThis.fetch = async (input) =>
        new URL(new Request(input).url).pathname.endsWith('/v2/prompts')
          ? Response.json(empty)
          : Response.json({ ...usual, name })
      const read = await readPrompt({ ...keys, fetch }, { ...ask([known(1)]), name })
      expect(read).toMatchObject({ ok: false, isChanging: true })
    }
  })

  it('is not believed to a listing where its own address says that it is not found', async () => {
    const row = { ...listedOf([usual]), name: 'plain' }
    const fetch: typeof globalThis.fetch = async (input) =>
      new URL(new Request(input).url).pathname.endsWith('/v2/prompts')
        ? Response.json({ data: [row], meta: { page: 1, totalPages: 1 } })
        : Response.json({ message: 'Prompt not found' }, { status: 404 })
    const read = await readPrompt({ ...keys, fetch }, { ...ask([]), name: 'plain' })
    expect(read).toMatchObject({ ok: false, isChanging: true })
  })

  it('with one label on two versions, as after two saves at once, has it on the one changed last', async () => {
    const { client } = serverOf([
      { labels: ['latest', 'a'], updatedAt: '2026-08-21T09:14:07.500Z' },
      { version: 2, id: 'p2', labels: ['latest', 'b'] },
    ])
    const { versions } = good(await readPrompt(client, ask()))
    expect(versions.map(({ labels }) => labels)).toEqual([['latest', 'a'], ['b']])
  })

  it('that loses a version which the listing still shows is read again', async () => {
    const { client } = serverOf([{}], { list: { versions: [1, 2] } })
    expect(await readPrompt(client, ask())).toMatchObject({ ok: false, isChanging: true })
  })
})
