import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lookWorld, minute } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

describe.each(engines)('comparing a project with Langfuse on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const lost = () => null

  it('stores the state at the first look, and reports nothing', async () => {
    const world = lookWorld(store, { delayOf: lost })
    for (let i = 0; i < 60; i++) world.edit()
    await world.pass(24 * 60 * minute)
    expect(world.truth().length).toBeGreaterThan(10)
    expect(await world.known()).toEqual(world.truth())
    expect(await world.changes()).toEqual([])
    expect((await world.state()).state).toMatchObject({ details: null, current: null, held: null })
    expect(await world.counts()).toEqual({})
    const live = await store.db
      .selectFrom('prompt_versions')
      .select(['prompt_id', 'created_by'])
      .where('labels', 'like', '%"production"%')
      .where('deleted', '=', 0)
      .execute()
    expect(live.length).toBeGreaterThan(0)
    expect(live.every(({ prompt_id, created_by }) => prompt_id !== null && created_by !== null)).toBe(true)
  })

  it('finds what no webhook came of, once, and nothing that one came of', async () => {
    const world = lookWorld(store)
    for (let i = 0; i < 30; i++) world.edit('create with labels')
    await world.pass(60 * minute)
    const before = (await world.changes()).length
    const silent = world.model.edit('create', { after: 0, name: 'router/intent-classifier' })
    expect(silent.events.length).toBeGreaterThan(0)
    world.edit('move label', 'support/refund-reply')
    await world.pass(60 * minute)
    expect(await world.known()).toEqual(world.truth())
    const found = await world.found()
    expect(found.map(({ subject, kind }) => [subject, kind])).toEqual([
      ['router/intent-classifier', 'version-created'],
    ])
    expect((await world.changes()).length).toBe(before + 2)
    expect(await world.counts()).toEqual({ missing: 1 })
    await world.pass(3 * 24 * 60 * minute)
    expect(await world.found()).toHaveLength(1)
  })
})
