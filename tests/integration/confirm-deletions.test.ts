import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { confirmHeld, requestLooks } from '#lib/pipeline/reconcile/request.ts'
import { readLook } from '#lib/store/tables/looks.ts'
import { countDeletions, pendingDeletions } from '#lib/store/tables/prompt-looks.ts'
import { readProofs } from '#lib/store/views/proof.ts'
import { langfuseProject } from '../projects.ts'
import { baseUrl, lookWorld, minute, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

const project = langfuseProject({ name: 'support', baseUrl, keys: { publicKey: 'pk', secretKey: 'sk' } })

describe.each(engines)('confirming deletions on %s', (_, openStore) => {
  let store: TestStore
  let world: World
  beforeEach(async () => {
    store = await openStore()
    world = lookWorld(store)
    for (let i = 0; i < 30; i++) world.edit('create')
    await world.pass(20 * minute)
    for (const [name, versions] of [...world.model.prompts]) world.model.deleteByApi(name, versions)
    await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
    await world.pass(20 * minute)
  })
  afterEach(() => store.close())

  const held = async () =>
    (await readLook(store.db, { baseUrl, projectId: world.model.projectId })).state.held

  /** What the page shows now. */
  const page = async () => {
    const seenAt = world.now()
    const { seen } = await countDeletions(store.db, world.model.projectId, seenAt)
    return { versions: seen, since: (await held())?.since ?? 0, seenAt }
  }

  it('shows what would be reported, and reports it', async () => {
    const seen = await page()
    expect(seen.versions).toBe((await held())?.versions)
    const pending = await pendingDeletions(store.db, world.model.projectId, 200)
    expect(pending.flatMap(({ versions }) => versions)).toHaveLength(seen.versions)
    expect(await world.found()).toEqual([])
    expect(await confirmHeld(store.db, project, { seen, now: world.now() })).toBe(true)
    await world.pass(20 * minute)
    expect((await world.found()).map(({ subject }) => subject).toSorted()).toEqual(
      pending.map(({ name }) => name).toSorted(),
    )
    expect(await held()).toBeNull()
    expect(await pendingDeletions(store.db, world.model.projectId, 200)).toEqual([])
  })

  it('changes nothing if they are not the ones that were seen', async () => {
    const shown = await page()
    for (const seen of [
      { ...shown, versions: shown.versions - 1 },
      { ...shown, since: shown.since - 1 },
      { ...shown, seenAt: shown.since - 60 * minute },
      { ...shown, seenAt: shown.seenAt + 60 * minute },
    ])
      expect(await confirmHeld(store.db, project, { seen, now: world.now() })).toBe(false)
    await world.pass(20 * minute)
    expect(await held()).not.toBeNull()
    expect(await world.found()).toEqual([])
  })

  it('is for a project that is known, and for deletions that are held', async () => {
    const other = langfuseProject({ name: 'sales', baseUrl })
    const seen = await page()
    expect(await confirmHeld(store.db, other, { seen, now: world.now() })).toBe(false)
  })

  it('shows that a comparison was asked for, until it has begun', async () => {
    await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
    const asked = async () => (await readProofs(store.db, [project], world.now()))[0]?.isRequested
    expect(await asked()).toBe(true)
    await world.look()
    expect(await asked()).toBe(false)
  })

  it('does not count with what is deleted soon after', async () => {
    const seen = await page()
    for (let i = 0; i < 30; i++) world.edit('create', `later-${i}`)
    await confirmHeld(store.db, project, { seen, now: world.now() })
    await world.pass(10 * minute)
    const before = (await world.found()).length
    world.edit('delete prompt by API', 'later-7')
    await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
    await world.pass(15 * minute)
    expect(await held()).toBeNull()
    expect((await world.found()).slice(before).map(({ subject }) => subject)).toEqual(['later-7'])
  })

  it('is asked for those that were not reported, where each was deleted soon after the one before', async () => {
    const names = Array.from({ length: 60 }, (_, i) => `later-${i}`)
    for (const name of names) world.edit('create', name)
    const seen = await page()
    await confirmHeld(store.db, project, { seen, now: world.now() })
    await world.pass(80 * minute)
    const before = (await world.found()).length
    for (const name of names.slice(0, 14)) {
      world.edit('delete prompt by API', name)
      await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
      await world.pass(minute)
    }
    await world.pass(minute)
    const reported = (await world.found()).length - before
    expect(reported).toBeGreaterThan(0)
    expect((await held())?.versions ?? 0).toBeLessThanOrEqual(14 - reported)
    await world.pass(3 * 60 * minute)
    expect((await world.found()).length - before).toBe(14)
    expect(await held()).toBeNull()
  })
})

describe.each(engines)(
  'deletions that a comparison finds while a person confirms others, on %s',
  (_, openStore) => {
    let store: TestStore
    beforeEach(async () => {
      store = await openStore()
    })
    afterEach(() => store.close())

    it('are held, wherever the comparison was', async () => {
      const world = lookWorld(store, { delayOf: () => null })
      const names = Array.from({ length: 540 }, (_, i) => `p${i}`)
      for (const name of names) world.edit('create', name)
      await world.pass(10 * minute)
      for (const name of names.slice(0, 60)) world.edit('delete prompt by API', name)
      await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
      await world.pass(10 * minute)
      const since = (await world.state()).state.held?.since ?? 0
      const seen = { versions: 60, since, seenAt: world.now() }
      world.model.clock.at += 1000
      for (const name of names.slice(60)) world.edit('delete prompt by API', name)
      await requestLooks(store.db, [project], { why: 'requested', now: world.now() })
      const current = async () => (await world.state()).state.current
      for (let i = 0; i < 100 && !(await current())?.after; i++) {
        let asked = 0
        await world.look({ stopping: () => asked++ >= 2 })
        world.model.clock.at += 100
      }
      expect(await current()).toMatchObject({ step: 'gone' })
      expect((await current())?.gone).toBeGreaterThan(400)
      expect(await confirmHeld(store.db, project, { seen, now: world.now() })).toBe(true)
      await world.pass(25 * minute)
      expect((await world.found()).map(({ subject }) => subject).toSorted()).toEqual(
        names.slice(0, 60).toSorted(),
      )
      expect((await world.state()).state.held).toMatchObject({ versions: 480 })
    }, 120_000)
  },
)
