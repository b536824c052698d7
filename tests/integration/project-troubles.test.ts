import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDirectory, type ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { watch } from '#lib/pipeline/watch.ts'
import { confirmDeletions, endLookRequest, requestFullLook, saveOutage } from '#lib/store/tables/looks.ts'
import { langfuseProject } from '../projects.ts'
import { baseUrl, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

describe.each(engines)('troubles that comparing with Langfuse shows, on %s', (_, openStore) => {
  let store: TestStore
  let isLost = false
  let world: World
  let directory: ProjectDirectory

  beforeEach(async () => {
    store = await openStore()
    isLost = false
    world = lookWorld(store, { delayOf: () => (isLost ? null : 500) })
    const keys = { publicKey: 'pk', secretKey: 'sk' }
    directory = createDirectory([langfuseProject({ name: 'support', baseUrl, keys })])
    for (let i = 0; i < 5; i++) world.edit('create with labels')
    await pass(20)
  })
  afterEach(() => store.close())

  const key = () => ({ baseUrl, projectId: world.model.projectId })

  /** The watch runs once a minute. */
  async function pass(minutes: number) {
    for (let i = 0; i < minutes; i++) {
      await world.pass(minute)
      const { db } = store
      const deps = { db, now: world.now, directory, compares: true, quietMs: 0, targets: [] }
      await watch({ ...deps, onTrouble: () => {} })
      await world.settle()
    }
  }

  const titles = async () =>
    (await world.changes()).flatMap(({ kind, title }) => (kind.startsWith('trouble') ? [title] : []))

  async function proof() {
    const given = { env: { RECONCILE_SECONDS: 300 }, projects: directory.projects, problems: [] }
    const [first] = await proofsOf(store.db, given, { now: world.now(), isServerless: false })
    return first
  }

  it('are an automation that was switched off, and that it is on again', async () => {
    isLost = true
    for (let i = 0; i < 3; i++) {
      world.edit('create')
      await pass(10)
    }
    const [began, ...others] = await titles()
    expect(began).toMatch(/^No webhook has come since 20\d\d-.* UTC, although 2 changes were made$/)
    expect(others).toEqual([])
    const [trouble] = (await world.changes()).filter(({ kind }) => kind === 'trouble')
    expect(trouble?.detail.links).toEqual([
      { label: 'Open the automations', url: `${baseUrl}/project/${world.model.projectId}/automations` },
    ])
    expect(await proof()).toMatchObject({ state: 'found', today: 3, recent: 3 })
    isLost = false
    world.edit('create')
    await pass(5)
    expect((await titles())[1]).toMatch(/^Webhooks come again, after /)
    expect(await titles()).toHaveLength(2)
  })

  it('are none where the endpoint failed', async () => {
    isLost = true
    const from = world.now()
    for (const name of ['a', 'b', 'c']) world.edit('create', name)
    await saveOutage(store.db, key(), { from, to: world.now() + 1000, status: 503 })
    await pass(20)
    expect(await titles()).toEqual([])
    const { words } = (await proof()) ?? {}
    expect(words).toMatch(/^3 found today \(.*, endpoint answered 503\)$/)
  })

  it('are none where Langfuse sends no webhook', async () => {
    await pass(5)
    for (let i = 0; i < 5; i++) world.edit('create', 'a')
    await pass(10)
    const versions = world.model.prompts.get('a') ?? []
    // The newest one too, so that another inherits `latest`.
    for (const version of versions.slice(1)) {
      world.model.deleteByApi('a', [version])
      await pass(3)
    }
    await requestFullLook(store.db, key(), { why: 'requested', at: world.now() })
    await pass(20)
    expect((await world.counts()).unsent).toBeGreaterThan(0)
    expect(await titles()).toEqual([])
    expect(await proof()).toMatchObject({ state: 'checked', tone: 'good', today: 0 })
  })

  it('begin with a comparison of everything, once, after QUIET_HOURS without a signed event', async () => {
    const { db } = store
    const asked: (string | undefined)[] = []
    const api = {
      baseUrl,
      publicKey: 'pk',
      secretKey: 'sk',
      fetch: async () => new Response('', { status: 500 }),
    }
    for (let hour = 0; hour < 5; hour++) {
      const more = { quietMs: 2 * 60 * minute, targets: [], apis: [api], onTrouble: () => {} }
      await watch({ db, now: world.now, directory, compares: true, ...more })
      const { requested } = await world.state()
      asked.push(requested?.why)
      if (requested) await endLookRequest(db, key(), requested)
      world.model.clock.at += 61 * minute
    }
    expect(asked).toEqual([undefined, undefined, 'quiet', undefined, undefined])
  })

  it('are keys of another project, and nothing is compared until they are right again', async () => {
    const keys = { publicKey: 'pk-of-another', secretKey: 'sk-of-another' }
    const fetch = async () => Response.json({ data: [{ id: 'another', name: 'Another' }] })
    await world.look({ api: { baseUrl, ...keys, fetch }, now: () => world.now() + 600_000 })
    await pass(2)
    const { projectId } = world.model
    expect(await titles()).toEqual([`The API keys belong to the project another, no longer to ${projectId}`])
    expect(await proof()).toMatchObject({ state: 'project', tone: 'bad' })
    await pass(20)
    expect((await titles())[1]).toMatch(/^The API keys belong to \S+ again, after /)
    expect(await proof()).toMatchObject({ state: 'checked' })
  })

  it('are deletions that nobody believes, until a person confirms them', async () => {
    for (let i = 0; i < 40; i++) world.edit('create with labels')
    await pass(20)
    const changes = (await world.changes()).length
    for (const [name, versions] of [...world.model.prompts]) world.model.deleteByApi(name, versions)
    await requestFullLook(store.db, key(), { why: 'requested', at: world.now() })
    await pass(30)
    expect(await titles()).toEqual([
      expect.stringMatching(/^\d+ versions are gone in Langfuse, and their deletion is not reported$/),
    ])
    expect((await world.changes()).length).toBe(changes + 1)
    expect(await proof()).toMatchObject({ state: 'deletions', tone: 'bad' })
    await confirmDeletions(store.db, key(), world.now())
    await pass(30)
    expect((await titles())[1]).toMatch(/^The versions that were gone are there again, or their deletion/)
    const found = await world.found()
    expect(found.map(({ kind }) => kind)).toEqual(['deleted', 'deleted', 'deleted'])
    expect(await world.known()).toEqual([])
  })
})
