import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requestLooks } from '#lib/pipeline/reconcile/request.ts'
import { readLook } from '#lib/store/tables/looks.ts'
import { countDoubts } from '#lib/store/tables/prompt-looks.ts'
import { readProofs } from '#lib/store/views/proof.ts'
import { langfuseProject } from '../projects.ts'
import { baseUrl, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

const lost = () => null
const hours = 60 * minute

const isAbout =
  (name: string) =>
  ({ pathname, searchParams }: URL): boolean =>
    pathname.endsWith(`/prompts/${name}`) || searchParams.get('name') === name

describe.each(engines)('comparing with a Langfuse that answers strangely, on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  async function looked(names: readonly string[]): Promise<World> {
    const world = lookWorld(store, { delayOf: lost })
    for (const name of names) world.edit('create', name)
    await world.pass(60 * minute)
    expect(await world.known()).toEqual(world.truth())
    return world
  }
  const project = langfuseProject({ name: 'support', baseUrl })
  const lookAtAll = ({ now }: World) => requestLooks(store.db, [project], { why: 'requested', now: now() })
  const unread = async ({ now }: World) => (await readProofs(store.db, [project], now()))[0]?.unread
  const foundOf = async (world: World) => (await world.found()).map(({ subject }) => subject)

  describe('about one prompt only', () => {
    const answers: [string, () => Response][] = [
      ['a server error', () => new Response('Internal Server Error', { status: 500 })],
      ['the refusal of a firewall', () => new Response('blocked', { status: 403 })],
      ['that its address is too long', () => new Response('', { status: 431 })],
      ['nothing', () => Response.error()],
      ['a page', () => new Response('<html>', { status: 200 })],
      ['that it is not found, as a prompt that has never been', () => Response.json({}, { status: 404 })],
      ['that there are too many requests', () => new Response('', { status: 429 })],
      ['that it is busy', () => new Response('', { status: 503, headers: { 'retry-after': '60' } })],
    ]
    it.each(answers)(
      'with %s, it reports the others, and that one once it can be read',
      async (_, answer) => {
        const world = await looked(['bad', 'good', 'other'])
        const isBad = isAbout('bad')
        world.between = async (url, ask) => (isBad(url) ? answer() : ask())
        world.edit('create', 'bad')
        await world.pass(minute)
        world.edit('create', 'good')
        await world.pass(3 * hours)
        expect(await foundOf(world)).toEqual(['good'])
        // A 429 is about all requests, and shown as such.
        const named = { prompts: 1, name: 'bad', problem: expect.any(String) }
        expect(await unread(world)).toEqual(answer().status === 429 ? null : named)
        world.edit('create', 'other')
        await world.pass(30 * minute)
        expect(await foundOf(world)).toEqual(['good', 'other'])
        world.between = null
        await world.pass(70 * minute)
        expect(await foundOf(world)).toEqual(['good', 'other', 'bad'])
        expect(await unread(world)).toBeNull()
        expect(await world.known()).toEqual(world.truth())
      },
    )
  })

  it('reads the details of versions that users are served by although one cannot be read', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `prompt-${String(i).padStart(2, '0')}`)
    const world = lookWorld(store, { delayOf: lost })
    for (const name of names) {
      world.edit('create', name)
      const version = world.model.prompts.get(name)?.at(-1)
      if (version) world.model.labelByApi(name, version, ['production'])
    }
    world.model.clock.at += 60 * minute
    world.between = async (url, ask) =>
      url.pathname.endsWith('/prompts/prompt-50') ? new Response('', { status: 500 }) : ask()
    await world.pass(20 * minute)
    expect((await world.state()).state.details).toBeNull()
    const rows = await store.db.selectFrom('prompt_versions').select(['name', 'prompt_id']).execute()
    const unread = rows.filter(({ prompt_id }) => prompt_id === null).map(({ name }) => name)
    expect(unread).toContain('prompt-50')
    expect(unread.length).toBeLessThan(5)
    world.edit('create', 'prompt-00')
    await world.pass(20 * minute)
    expect(await foundOf(world)).toEqual(['prompt-00'])
  })

  it('leaves prompts due while nothing answers, and settles them as soon as it does', async () => {
    const names = Array.from({ length: 8 }, (_, i) => `prompt-${i}`)
    const world = await looked(names)
    for (const name of names) world.edit('create', name)
    await world.pass(6 * minute)
    world.between = async () => new Response('', { status: 502 })
    await world.pass(5 * hours)
    world.between = null
    await world.pass(10 * minute)
    expect((await foundOf(world)).toSorted()).toEqual(names.toSorted())
  })

  it.each([1, 3])('deletes nothing that only a listing of %i pages is without', async (totalPages) => {
    const names = Array.from({ length: 8 }, (_, i) => `prompt-${i}`)
    const world = await looked(names)
    world.between = async (url, ask) =>
      url.pathname.endsWith('/v2/prompts')
        ? Response.json({ data: [], meta: { page: Number(url.searchParams.get('page')), totalPages } })
        : ask()
    await lookAtAll(world)
    await world.pass(2 * hours)
    expect(await world.found()).toEqual([])
    expect(await world.known()).toEqual(world.truth())
    const asked = world.api.requests.length
    await world.pass(hours)
    // Each prompt at most once an hour, besides looks.
    expect(world.api.requests.length - asked).toBeLessThan(200)
    world.between = null
    await lookAtAll(world)
    await world.pass(2 * hours)
    expect(await world.found()).toEqual([])
    expect((await world.state()).state).toMatchObject({ held: null, current: null })
  })

  it('follows a listing that repeats itself no further than a page after its last', async () => {
    const world = await looked(['prompt'])
    const row = { type: 'text', labels: [], tags: [], lastUpdatedAt: new Date(world.now()).toISOString() }
    const data = Array.from({ length: 100 }, (_, i) => ({ ...row, name: `ghost-${i}`, versions: [1] }))
    const pages: string[] = []
    world.between = async (url, ask) => {
      const page = url.searchParams.get('page')
      if (!url.pathname.endsWith('/v2/prompts')) return ask()
      if (!url.searchParams.has('name')) pages.push(page ?? '')
      return Response.json({ data, meta: { page: Number(page), totalPages: 3 } })
    }
    await world.pass(6 * minute)
    expect(pages).toEqual(['1', '2', '3', '4'])
    world.between = async (url, ask) =>
      url.searchParams.has('name')
        ? Response.json({
            data: [{ ...row, name: url.searchParams.get('name'), versions: [1] }],
            meta: { page: 1, totalPages: 1 },
          })
        : ask()
    await world.pass(hours)
    expect(await world.found()).toEqual([])
  })

  it('sends nothing as long as it is asked to, whoever wants a comparison', async () => {
    const world = await looked(['prompt'])
    const key = { baseUrl, projectId: world.model.projectId }
    world.between = async () => new Response('', { status: 429, headers: { 'retry-after': '3600' } })
    await world.pass(6 * minute)
    let asked = 0
    world.between = (_, ask) => {
      asked++
      return ask()
    }
    for (let i = 0; i < 50; i++) {
      await lookAtAll(world)
      await world.look()
      world.model.clock.at += minute
    }
    expect(asked).toBe(0)
    await world.pass(20 * minute)
    expect(asked).toBeGreaterThan(0)
    expect((await readLook(store.db, key)).requested).toBeNull()
  })

  it('goes on after a clock was ahead by a day and is set right', async () => {
    const world = await looked(['a', 'b', 'c'])
    world.edit('create', 'a')
    await world.pass(6 * minute)
    world.model.clock.at -= 24 * hours
    world.edit('create', 'b')
    for (let i = 0; i < 90; i++) {
      await world.look()
      await world.settle()
      world.model.clock.at += minute
    }
    expect((await foundOf(world)).toSorted()).toEqual(['a', 'b'])
  })

  it('compares a prompt whose versions have a label each, however many', async () => {
    const world = lookWorld(store, { delayOf: lost })
    const labelled = (version: number, label: string) => {
      const one = world.model.prompts.get('p')?.find((other) => other.version === version)
      if (one) world.model.labelByApi('p', one, [label])
    }
    for (let version = 1; version <= 400; version++) {
      world.edit('create', 'p')
      labelled(version, `build-${version}`)
    }
    await world.pass(2 * hours)
    expect(await world.known()).toEqual(world.truth())
    expect(await world.found()).toEqual([])
    labelled(3, 'production')
    await world.pass(hours)
    labelled(7, 'build-398')
    labelled(9, 'build-1')
    labelled(400, 'new')
    await world.pass(hours)
    expect(await world.known()).toEqual(world.truth())
    const labels = (await world.found()).flatMap(({ detail }) =>
      detail.facts.flatMap((fact) => ('label' in fact ? [fact.label] : [])),
    )
    expect(labels.toSorted()).toEqual(['build-1', 'build-398', 'new', 'production'])
    expect(await countDoubts(store.db, world.model.projectId)).toBe(0)
  })

  it('counts nothing as missing of which there is no change to show', async () => {
    const world = await looked(['a'])
    world.edit('create', 'a')
    await world.pass(30 * minute)
    expect(await world.counts()).toEqual({ missing: 1 })
    const before = (await world.changes()).length
    await store.db.updateTable('prompt_versions').set({ labels: '["latest"]' }).execute()
    expect(await world.known()).not.toEqual(world.truth())
    await lookAtAll(world)
    await world.pass(30 * minute)
    expect(await world.known()).toEqual(world.truth())
    expect((await world.changes()).length).toBe(before)
    expect(await world.counts()).toEqual({ missing: 1 })
  })
})
