import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Routes } from '#lib/core/rules/rules.ts'
import {
  type Call,
  fetchDouble,
  ok,
  passTime,
  queueChanges,
  type Reply,
  simulatedLoop,
  simulateTime,
  slackTargets,
  slackUrl,
  status,
  type WatchedStore,
  watchStore,
} from './simulation.ts'
import { engines, type TestStore } from './stores.ts'

const day = 86_400_000
const seed: number = Number(process.env.CHAOS_SEED ?? Date.now() % 1_000_000)

/** mulberry32 */
function randomFrom(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const routes: Routes = {
  targets: {
    ...slackTargets('one', 'two', 'three', 'dead'),
    paced: { type: 'slack', url: slackUrl('paced'), perSecond: 1 },
    github: {
      type: 'github',
      repo: 'acme/prompts',
      token: 'github_pat_secret',
      apiUrl: 'https://github.test',
      eventType: 'prompt-updated',
    },
  },
  rules: [],
  alertTargets: [],
}

/** Random behaviour of targets. `arrived`: what a target accepted, answered or not; `broken`: what it did not answer. */
function chaos(random: () => number) {
  const arrived = new Map<string, number>()
  const broken = new Map<string, number>()
  const refused = new Set<string>()
  const add = (map: Map<string, number>, { url, changes }: Call) => {
    for (const id of changes) map.set(`${url} ${id}`, (map.get(`${url} ${id}`) ?? 0) + 1)
  }
  const reply = (call: Call): Reply => {
    if (call.url === slackUrl('dead')) return status(503)
    const isGithub = call.url.startsWith('https://github.test')
    const chance = random()
    if (chance < 0.12) return status(500)
    if (chance < 0.15) return status(503, { 'retry-after': '20' })
    if (chance < 0.17) return status(429, { 'retry-after': '3' })
    if (chance < 0.19) return 'hang'
    if (chance < 0.22) return { code: 'ECONNREFUSED' }
    if (chance < 0.24) {
      for (const id of call.changes) refused.add(`${call.url} ${id}`)
      return isGithub ? status(404) : status(410, {}, 'channel_is_archived')
    }
    add(arrived, call)
    if (chance > 0.97) {
      add(broken, call)
      return { code: 'ECONNRESET' }
    }
    return isGithub ? new Response(null, { status: 204 }) : ok()
  }
  return { reply, arrived, broken, refused }
}

describe.each(engines)('five thousand deliveries to failing targets, on %s', (_, openStore) => {
  let store: TestStore
  let watched: WatchedStore

  beforeEach(async () => {
    // Loaded before time is simulated: to the simulation, reading a module from disk looks like being idle.
    await import('octokit')
    store = await openStore()
    watched = watchStore(store.url)
    simulateTime()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await watched.db.destroy()
    await store.close()
  })

  it(`are all delivered or given up as the table says, and none twice unless an answer was lost (CHAOS_SEED=${seed})`, async () => {
    const random = randomFrom(seed)
    const { reply, arrived, broken, refused } = chaos(random)
    const { fetch } = fetchDouble(reply)
    await queueChanges(store.db, 980, ['one', 'two', 'three', 'paced', 'github'])
    await queueChanges(store.db, 100, ['dead'])
    const loop = simulatedLoop(watched, { fetch, routes, random })
    await passTime(loop.drain(Date.now() + 60 * day), [watched])
    await loop.stop()
    expect(loop.errors).toEqual([])

    const rows = await store.db.selectFrom('deliveries').selectAll().execute()
    expect(rows).toHaveLength(5000)
    const urlOf = (target: string) =>
      target === 'github' ? 'https://github.test/repos/acme/prompts/dispatches' : slackUrl(target)
    const wrong = rows.filter((row) => {
      const key = `${urlOf(row.target)} ${row.change_id}`
      const came = arrived.get(key) ?? 0
      const lost = broken.get(key) ?? 0
      if (row.status === 'delivered') return came !== lost + 1
      if (row.status !== 'failed') return true
      return came !== lost || (row.failures === 13) === refused.has(key)
    })
    expect(wrong).toEqual([])
    const dead = rows.filter((row) => row.target === 'dead')
    expect(dead.every((row) => row.status === 'failed' && row.failures === 13)).toBe(true)
    expect(rows.filter((row) => row.status === 'delivered').length).toBeGreaterThan(4000)
  }, 240_000)
})
