import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { confirmDeletions, requestFullLook } from '#lib/store/tables/looks.ts'
import { countDoubts } from '#lib/store/tables/prompt-looks.ts'
import { baseUrl, everyMs, graceMs, Killed, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

const refund = 'support/refund-reply'
const router = 'router/intent-classifier'

const json = (body: unknown, status = 200) => Response.json(body, { status })
const isListing = ({ pathname }: URL): boolean => pathname.endsWith('/v2/prompts')
const isPrompts = ({ pathname }: URL): boolean => pathname.includes('/v2/prompts')
const emptyListing = (page = 1) =>
  json({ data: [], meta: { page, limit: 100, totalItems: 0, totalPages: 0 } })

const kindsOf = (changes: { detail: { facts: readonly Fact[] } }[]): string[] =>
  changes.flatMap(({ detail }) => detail.facts.map(({ kind }) => kind)).toSorted()

describe.each(engines)('comparing a project with Langfuse on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const lost = () => null
  const keyOf = ({ model }: World) => ({ baseUrl, projectId: model.projectId })
  const askForFull = (world: World) =>
    requestFullLook(store.db, keyOf(world), { why: 'requested', at: world.now() })
  /** A world whose first look has ended, and of which nothing is in doubt. */
  async function looked(options: Parameters<typeof lookWorld>[1] = {}, prompts = 12): Promise<World> {
    const world = lookWorld(store, { delayOf: lost, ...options })
    for (let i = 0; i < prompts; i++) world.edit('create with labels')
    if (!options.delayOf || options.delayOf === lost) world.model.clock.at += 60 * minute
    await world.pass(20 * minute)
    expect(await world.known()).toEqual(world.truth())
    return world
  }
  /** Everything is compared, and what is found has had time to be reported. */
  async function lookAgain(world: World, ms = everyMs + 3 * graceMs): Promise<void> {
    await askForFull(world)
    await world.pass(ms)
  }

  describe('the first look', () => {
    it('stores the state and reports nothing; ids and authors only of what users are served', async () => {
      const world = lookWorld(store, { delayOf: lost })
      for (let i = 0; i < 60; i++) world.edit()
      // Longer ago than any webhook takes.
      world.model.clock.at += 60 * minute
      await world.pass(60 * minute)
      expect(world.truth().length).toBeGreaterThan(10)
      expect(await world.known()).toEqual(world.truth())
      expect(await world.changes()).toEqual([])
      expect(await world.counts()).toEqual({})
      expect((await world.state()).state).toMatchObject({ details: null, current: null, held: null })
      const rows = await store.db
        .selectFrom('prompt_versions')
        .select(['labels', 'prompt_id', 'read_at'])
        .execute()
      expect(rows.every(({ read_at }) => read_at !== null)).toBe(true)
      const live = rows.filter(({ labels }) => labels.includes('production'))
      expect(live.length).toBeGreaterThan(0)
      expect(live.every(({ prompt_id }) => prompt_id !== null)).toBe(true)
      expect(rows.some(({ prompt_id }) => prompt_id === null)).toBe(true)
    })

    it('leaves a change to its webhook, which is on its way', async () => {
      const world = lookWorld(store, { delayOf: () => 60_000 })
      world.edit('create with labels', refund)
      await world.pass(60 * minute)
      expect(kindsOf(await world.changes())).toContain('version-created')
      expect(await world.found()).toEqual([])
      expect(await world.known()).toEqual(world.truth())
    })

    it('writes what differs from what webhooks had said, and reports that once, as corrected', async () => {
      // The keys are added later: webhooks came before, and some were lost.
      const world = lookWorld(store)
      world.between = () => Promise.reject(new TypeError('fetch failed'))
      for (let i = 0; i < 20; i++) world.edit('create with labels')
      await world.pass(10 * minute)
      world.delayOf = lost
      world.edit('create with labels', refund)
      world.edit('move label', router)
      world.edit('delete version by API', router)
      await world.pass(60 * minute)
      const before = (await world.changes()).length
      world.between = null
      await world.pass(60 * minute)
      expect(await world.known()).toEqual(world.truth())
      const fresh = (await world.changes()).slice(before)
      expect(fresh.map(({ kind, detail }) => [kind, detail.facts])).toEqual([
        ['corrected', [{ kind: 'corrected', prompts: 2, names: [router, refund] }]],
      ])
      expect(await world.counts()).toEqual({ corrected: 2 })
    })

    it('is not made again when keys are rotated', async () => {
      const world = await looked()
      const { baselineAt } = (await world.state()).state
      world.between = (_url, _ask) => Promise.resolve(json({ message: 'Invalid credentials' }, 401))
      world.edit('create', refund)
      await world.pass(60 * minute)
      expect((await world.lease())?.error?.message).toContain('401')
      world.between = null
      await lookAgain(world)
      expect((await world.state()).state.baselineAt).toBe(baselineAt)
      expect((await world.lease())?.error).toBeNull()
      expect(kindsOf(await world.found())).toEqual(['version-created'])
      expect(await world.known()).toEqual(world.truth())
    })
  })

  describe('a later look', () => {
    it('finds what no webhook came of, once, and nothing that one came of', async () => {
      const world = await looked({ delayOf: () => 500 }, 30)
      const before = (await world.changes()).length
      const silent = world.model.edit('create', { after: 0, name: router })
      expect(silent.events.length).toBeGreaterThan(0)
      world.edit('move label', refund)
      await world.pass(60 * minute)
      expect(await world.known()).toEqual(world.truth())
      const found = await world.found()
      expect(found.map(({ subject, kind }) => [subject, kind])).toEqual([[router, 'version-created']])
      expect(found[0]?.detail.reconciled?.from).toBeLessThan(found[0]?.detail.reconciled?.to ?? 0)
      expect((await world.changes()).length).toBe(before + 2)
      expect(await world.counts()).toEqual({ missing: 1 })
      await lookAgain(world)
      expect(await world.found()).toHaveLength(1)
    })

    it('invents nothing that went there and back', async () => {
      const world = await looked()
      const holder = world.model.prompts.get(refund)?.find(({ labels }) => labels.includes('production'))
      const other = world.model.prompts.get(refund)?.find((one) => one !== holder)
      if (!holder || !other) throw new Error('No holder')
      world.model.labelByApi(refund, other, ['production'])
      world.model.labelByApi(refund, holder, ['production'])
      await lookAgain(world)
      expect(await world.found()).toEqual([])
      expect(await countDoubts(store.db, world.model.projectId)).toBe(0)
      expect(await world.counts()).toEqual({})
    })

    it('does not write an older state over a webhook that arrives while the listing is on its way', async () => {
      const world = await looked({ delayOf: () => 0 })
      const holder = () =>
        world.model.prompts.get(refund)?.find(({ labels }) => labels.includes('production'))
      const first = holder()
      let hasMoved = false
      world.between = async (url, ask) => {
        const answer = await ask()
        if (!isPrompts(url) || hasMoved) return answer
        hasMoved = true
        const other = world.model.prompts.get(refund)?.find((one) => one.version !== first?.version)
        if (other) world.send(world.model.labelByApi(refund, other, ['production']).events)
        await world.arrive()
        await world.settle()
        return answer
      }
      await lookAgain(world)
      expect(hasMoved).toBe(true)
      expect(holder()?.version).not.toBe(first?.version)
      expect(await world.known()).toEqual(world.truth())
      expect(await world.found()).toEqual([])
    })

    it('reads a prompt again that changes while it is read exactly', async () => {
      const world = await looked({ delayOf: lost })
      world.edit('create with labels', refund)
      let edits = 0
      world.between = async (url, ask) => {
        const answer = await ask()
        if (isPrompts(url) && !isListing(url) && edits < 5 && ++edits) {
          world.send(world.model.edit('create with labels', { after: 0, name: refund }).events, () => 0)
          await world.arrive()
          await world.settle()
        }
        return answer
      }
      await world.pass(60 * minute)
      expect(edits).toBeGreaterThan(0)
      expect(await world.known()).toEqual(world.truth())
    })

    it('names `latest` that went back, and a prompt that was deleted and created again', async () => {
      const world = await looked()
      const back = world.edit('latest goes back', refund)
      expect(back.edit.kind).toBe('latest goes back')
      world.model.deleteByApi(router, [...(world.model.prompts.get(router) ?? [])])
      world.edit('create', router)
      await lookAgain(world)
      expect(await world.known()).toEqual(world.truth())
      const found = await world.found()
      expect(found.find(({ subject }) => subject === refund)?.detail.facts).toMatchObject([
        { kind: 'rolled-back', label: 'latest' },
      ])
      const anew = found.filter(({ subject }) => subject === router)
      expect(kindsOf(anew)).toContain('version-created')
      expect(kindsOf(anew)).toContain('deleted')
    })

    it('finds changes of prompts whose names no address can contain', async () => {
      const world = await looked({ names: ['.', '..', 'a/b', 'a b?c#d%2F&f'] }, 20)
      for (const name of ['.', '..', 'a b?c#d%2F&f']) world.edit('create with labels', name)
      world.edit('delete version by API', '..')
      await lookAgain(world)
      expect(await world.known()).toEqual(world.truth())
      expect(new Set((await world.found()).map(({ subject }) => subject))).toEqual(
        new Set(['.', '..', 'a b?c#d%2F&f']),
      )
    })

    it('compares a prompt with 9,000 labels', async () => {
      const world = await looked()
      const [first, second] = world.model.prompts.get(refund) ?? []
      if (!first || !second) throw new Error('No versions')
      const labels = Array.from({ length: 9000 }, (_, i) => `tenant-${i}`)
      world.model.labelByApi(refund, first, labels)
      await lookAgain(world)
      expect(await world.known()).toEqual(world.truth())
      world.model.labelByApi(refund, second, ['tenant-17', 'tenant-8999'])
      await world.pass(60 * minute)
      expect(await world.known()).toEqual(world.truth())
      const moves = (await world.found()).at(-1)?.detail.facts
      expect(moves?.map((fact) => 'label' in fact && fact.label).toSorted()).toEqual([
        'tenant-17',
        'tenant-8999',
      ])
    })

    it('marks a webhook that comes after all, and notifies no one again', async () => {
      const world = await looked()
      const { events } = world.edit('create', refund)
      await lookAgain(world)
      expect(kindsOf(await world.found())).toEqual(['version-created'])
      world.send(events, () => 0)
      await world.pass(minute)
      const changes = await world.changes()
      expect(changes.map(({ kind }) => kind)).toEqual(['version-created', 'unchanged'])
      expect(changes[0]?.detail.reconciled?.late).toBeDefined()
      expect(await world.counts()).toEqual({ missing: 1, late: 1 })
    })
  })

  describe('a Langfuse that is not the right one, or not all of it', () => {
    it('is not compared if the keys belong to another project', async () => {
      const world = await looked()
      world.between = async (url, ask) =>
        url.pathname.endsWith('/projects') ? json({ data: [{ id: 'other' }] }) : ask()
      const asked = world.api.requests.length
      world.model.deleteByApi(refund, [...(world.model.prompts.get(refund) ?? [])])
      await lookAgain(world, 60 * minute)
      expect(world.api.requests.length).toBe(asked)
      expect(await world.found()).toEqual([])
      expect(await world.lease()).toMatchObject({ otherId: 'other', projectId: world.model.projectId })
      expect((await world.lease())?.error?.message).toContain('other')
      world.between = null
      await lookAgain(world)
      expect(await world.lease()).toMatchObject({ otherId: null, error: null })
      expect(kindsOf(await world.found())).toEqual(['deleted'])
    })

    const emptied = (world: World) => {
      world.between = async (url, ask) => {
        if (isListing(url)) return emptyListing(Number(url.searchParams.get('page') ?? 1))
        return isPrompts(url)
          ? json({ message: 'Prompt not found', error: 'LangfuseNotFoundError' }, 404)
          : ask()
      }
    }

    it('does not make it report that all is gone, and is forgotten when it is there again', async () => {
      const world = await looked({}, 20)
      emptied(world)
      await lookAgain(world, 5 * 60 * minute)
      expect(await world.found()).toEqual([])
      expect((await world.state()).state.held?.versions).toBe(world.truth().length)
      world.between = null
      await lookAgain(world, 3 * 60 * minute)
      expect((await world.state()).state.held).toBeNull()
      expect(await world.found()).toEqual([])
      expect(await world.known()).toEqual(world.truth())
    })

    it('reports that all is gone once a person has confirmed it, each version once', async () => {
      const world = await looked({}, 20)
      const versions = world.truth().length
      for (const [name, all] of [...world.model.prompts]) world.model.deleteByApi(name, [...all])
      await lookAgain(world, 60 * minute)
      expect(await world.found()).toEqual([])
      await confirmDeletions(store.db, keyOf(world), world.now())
      await lookAgain(world, 60 * minute)
      expect(await world.known()).toEqual([])
      const gone = (await world.found()).flatMap(({ detail }) =>
        detail.facts.flatMap((fact) => (fact.kind === 'deleted' ? fact.versions : [])),
      )
      expect(gone).toHaveLength(versions)
      expect((await world.state()).state.held).toBeNull()
      expect((await world.counts()).missing).toBeUndefined()
    })

    it('does not report what half a listing leaves out', async () => {
      const world = await looked({ names: Array.from({ length: 30 }, (_, i) => `prompt-${i}`) }, 120)
      world.between = async (url, ask) => {
        const answer = await ask()
        if (!isListing(url) || url.searchParams.has('name') || !answer.ok) return answer
        const { data, meta } = (await answer.json()) as { data: unknown[]; meta: object }
        return json({ data: data.slice(0, 10), meta: { ...meta, totalItems: 10, totalPages: 1 } })
      }
      await lookAgain(world, 60 * minute)
      expect(await world.found()).toEqual([])
      expect(await countDoubts(store.db, world.model.projectId)).toBe(0)
      expect(await world.known()).toEqual(world.truth())
    })

    it('goes on where it was after a server error, and waits as long as it is asked to', async () => {
      const world = lookWorld(store, {
        delayOf: lost,
        names: Array.from({ length: 250 }, (_, i) => `prompt-${String(i).padStart(3, '0')}`),
        without: ['duplicate'],
      })
      for (let i = 0; i < 500; i++) world.edit('create with labels')
      await world.pass(10 * minute)
      const pages: string[] = []
      let failures = 1
      world.between = async (url, ask) => {
        const page = url.searchParams.get('page')
        if (isListing(url) && !url.searchParams.has('label') && !url.searchParams.has('name'))
          pages.push(page ?? '')
        const isTurn = page === '2' && !url.searchParams.has('label') && failures-- > 0
        return isTurn ? new Response('gone', { status: 503, headers: { 'retry-after': '600' } }) : ask()
      }
      await askForFull(world)
      const { number } = (await world.state()).state
      await world.pass(everyMs + minute)
      expect((await world.state()).state.current).toMatchObject({
        step: 'names',
        page: 2,
        number: number + 1,
      })
      expect((await world.lease())?.error?.message).toContain('503')
      await world.pass(4 * minute)
      expect(pages.at(-1)).toBe('2')
      await world.pass(30 * minute)
      expect((await world.lease())?.error).toBeNull()
      expect(pages.filter((page) => page === '1').length).toBeLessThanOrEqual(6)
      expect((await world.state()).state.current).toBeNull()
      expect(await world.known()).toEqual(world.truth())
      expect(await world.found()).toEqual([])
    })
  })

  describe('instances', () => {
    it('goes on after a kill at any moment, and reports each difference once', async () => {
      const world = await looked({ seed: 3 })
      let kills = 0
      for (let moment = 0; moment < 50; moment++) {
        world.edit('create with labels')
        await askForFull(world)
        world.model.clock.at += everyMs
        let left = moment
        const now = () => {
          if (left-- === 0) throw new Killed()
          return world.now()
        }
        await world.look({ now }).catch((error) => {
          if (!(error instanceof Killed)) throw error
          kills++
        })
        await world.pass(2 * graceMs + everyMs)
      }
      expect(kills).toBeGreaterThan(20)
      await lookAgain(world)
      expect(await world.known()).toEqual(world.truth())
      const created = kindsOf(await world.found()).filter((kind) => kind === 'version-created')
      expect(created).toHaveLength(50)
    })

    it('lets one of two instances compare, and the other take over when that has died', async () => {
      const world = await looked()
      world.edit('create with labels', refund)
      await askForFull(world)
      await world.pass(everyMs - 1000)
      const asked = world.api.requests.length
      await askForFull(world)
      world.model.clock.at += everyMs
      await Promise.all([world.look(), world.look(), world.look()])
      const names = world.api.requests
        .slice(asked)
        .filter(({ path }) => /prompts\?page=1&limit=100$/.test(path))
      expect(names).toHaveLength(1)
      await lookAgain(world)
      expect(kindsOf(await world.found()).filter((kind) => kind === 'version-created')).toHaveLength(1)
    })

    it('writes nothing once another instance has taken over', async () => {
      const world = await looked()
      world.edit('create with labels', refund)
      world.model.clock.at += everyMs
      let isTaken = false
      world.between = async (url, ask) => {
        const answer = await ask()
        if (isListing(url) && !isTaken) {
          isTaken = true
          world.model.clock.at += 200_000
          await world.look()
        }
        return answer
      }
      await world.look()
      expect(isTaken).toBe(true)
      world.between = null
      await lookAgain(world)
      expect(await world.known()).toEqual(world.truth())
      expect(kindsOf(await world.found()).filter((kind) => kind === 'version-created')).toHaveLength(1)
    })
  })
})
