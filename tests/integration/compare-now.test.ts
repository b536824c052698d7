import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareNow } from '#lib/pipeline/reconcile/compare-now.ts'
import { claimLook, readLease } from '#lib/store/tables/looks.ts'
import { langfuseProject } from '../projects.ts'
import { baseUrl, everyMs, lookWorld, minute, settleMs, type World } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

const keys = { publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }
const project = langfuseProject({ name: 'support', baseUrl, keys })

describe.each(engines)('comparing now, for the doctor, on %s', (_, openStore) => {
  let store: TestStore
  let world: World
  beforeEach(async () => {
    store = await openStore()
    world = lookWorld(store)
    world.edit('create')
  })
  afterEach(() => store.close())

  const compare = (fetch = world.api.fetch) => {
    const { clock } = world.model
    const sleep = async (ms: number) => {
      clock.at += ms
    }
    const deps = { db: store.db, now: world.now, sleep, until: world.now() + minute }
    return compareNow(deps, [{ project, api: { baseUrl, ...keys, fetch }, everyMs, settleMs }])
  }
  const fullAt = async () => (await world.state()).state.fullAt

  it('makes a comparison of everything, also the first one, where no relay runs', async () => {
    const first = world.now()
    world.model.clock.at += 10 * minute
    await compare()
    expect(await fullAt()).toBeGreaterThan(first)
    const second = world.now()
    await compare()
    expect(await fullAt()).toBeGreaterThanOrEqual(second)
  })

  it('waits for a relay that is at work, no longer than a minute', async () => {
    await world.pass(20 * minute)
    const before = await fullAt()
    const lease = await readLease(store.db, 'support')
    world.model.clock.at = Math.max(world.now(), lease?.nextAt ?? 0)
    expect(
      await claimLook(store.db, 'support', { now: world.now(), leaseMs: 10 * minute, restMs: 60 * minute }),
    ).not.toBeNull()
    const began = world.now()
    await compare()
    expect(world.now() - began).toBe(minute)
    expect(await fullAt()).toBe(before)
    expect((await world.state()).requested).toMatchObject({ why: 'requested' })
  })

  it('ends at once where Langfuse refuses the keys', async () => {
    await world.pass(20 * minute)
    const began = world.now()
    await compare(async () => Response.json({ message: 'Invalid credentials' }, { status: 401 }))
    expect(world.now()).toBe(began)
    expect((await world.lease())?.error?.message).toContain('does not know these API keys')
  })
})
