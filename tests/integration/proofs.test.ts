import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lookState } from '#lib/core/reconcile/state.ts'
import type { LangfuseProject } from '#lib/core/rules/projects.ts'
import { prune } from '#lib/pipeline/prune.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { saveLook } from '#lib/store/tables/looks.ts'
import { addCount } from '#lib/store/tables/reconcile-counts.ts'
import { langfuseProject } from '../projects.ts'
import { watchStore } from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const baseUrl = 'https://langfuse.test'
const keys = { publicKey: 'pk', secretKey: 'sk' }
const minute = 60_000
const day = 24 * 60 * minute
const evening = Date.UTC(2026, 10, 27, 23, 50)

const projectNamed = (name: string, over: Partial<LangfuseProject> = {}) =>
  langfuseProject({ name, baseUrl, keys, id: `id-of-${name}`, ...over })

describe.each(engines)('the proofs on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const compared = (projectId: string, checkedAt: number) =>
    saveLook(store.db, { baseUrl, projectId }, lookState.parse({ baselineAt: 0, fullAt: 0, checkedAt }))
  const proofs = (projects: LangfuseProject[], now: number, db = store.db) =>
    proofsOf(db, { env: { RECONCILE_SECONDS: 300 }, projects, problems: [] }, { now, isServerless: false })
  const one = async (now: number) => (await proofs([projectNamed('support')], now))[0]

  it('count by the day, which ends at midnight in UTC, and for thirty days', async () => {
    await addCount(store.db, 'id-of-support', 'missing', {
      count: 3,
      from: evening,
      to: evening,
      now: evening,
    })
    await compared('id-of-support', evening)
    expect(await one(evening + minute)).toMatchObject({ state: 'found', today: 3, recent: 3 })
    const after = evening + 11 * minute
    expect(await one(after)).toMatchObject({ state: 'checked', words: '3 missing in 30 days', today: 0 })
    await compared('id-of-support', evening + 29 * day)
    expect(await one(evening + 29 * day)).toMatchObject({ recent: 3 })
    await compared('id-of-support', evening + 30 * day)
    expect(await one(evening + 30 * day)).toMatchObject({ words: '0 missing in 30 days', recent: 0 })
  })

  it('outlive the changes', async () => {
    await addCount(store.db, 'id-of-support', 'missing', {
      count: 3,
      from: evening,
      to: evening,
      now: evening,
    })
    await compared('id-of-support', evening + 20 * day)
    await prune(store.db, { retentionDays: 1, now: () => evening + 20 * day, stopping: () => false })
    expect(await one(evening + 20 * day)).toMatchObject({ recent: 3 })
  })

  it('are of each project, and of each server', async () => {
    await compared('id-of-support', evening)
    const projects = [
      projectNamed('support'),
      projectNamed('sales'),
      projectNamed('elsewhere', { id: 'id-of-support', baseUrl: 'https://other.test' }),
      projectNamed('unknown', { id: null }),
      projectNamed('keyless', { keys: null }),
    ]
    expect((await proofs(projects, evening)).map(({ project, state }) => [project, state])).toEqual([
      ['support', 'checked'],
      ['sales', 'first'],
      ['elsewhere', 'first'],
      ['unknown', 'first'],
      ['keyless', 'no-keys'],
    ])
  })

  it('of fifty projects are read by as many statements as of one', async () => {
    const projects = Array.from({ length: 50 }, (_, i) => projectNamed(`p${i}`))
    for (const { id } of projects) await compared(id ?? '', evening)
    const watched = watchStore(store.url)
    const statementsFor = async (some: LangfuseProject[]) => {
      const before = watched.statements()
      const states = (await proofs(some, evening, watched.db)).map(({ state }) => state)
      expect(new Set(states)).toEqual(new Set(['checked']))
      return watched.statements() - before
    }
    const [all, single] = [await statementsFor(projects), await statementsFor(projects.slice(0, 1))]
    await watched.db.destroy()
    expect(all).toBe(single)
  })

  it('are of every project, however many there are and were', async () => {
    const projects = Array.from({ length: 250 }, (_, i) => projectNamed(`project-${i}`))
    for (const { name } of projects) await compared(`id-of-${name}`, evening)
    for (let i = 0; i < 250; i++) await compared(`id-gone-${i}`, evening)
    const states = (await proofs(projects, evening)).map(({ state }) => state)
    expect(states).toEqual(projects.map(() => 'checked'))
  })
})
