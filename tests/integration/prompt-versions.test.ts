import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { awaitsCounterpart } from '#lib/core/prompt/counterpart.ts'
import type { PromptKey } from '#lib/core/prompt/fold.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import { comparedVersions } from '#lib/pipeline/settle/interpret.ts'
import { saveVersions, versionsFor, versionsOf } from '#lib/store/tables/prompts.ts'
import { created, deleted, flat, updated, v } from '../model/prompt-events.ts'
import { engines, type TestStore } from './stores.ts'

/** The result of the events if these versions are known, and `unread` more. */
function told(versions: VersionState[], events: StoredPromptEvent[], unread: number) {
  const { after, touched, ...fold } = foldPrompt(versions, events)
  const known = after.map(({ version }) => version)
  return {
    ...fold,
    written: after.filter(({ version }) => touched.includes(version)),
    compared: comparedVersions(fold.facts, known),
    isWaiting: awaitsCounterpart(versions, events, unread),
  }
}

const actions = { created, updated, deleted }

/** About any of a few versions, at times in any order, mostly ascending. */
const anyEvent = fc
  .record({
    action: fc.constantFrom('created', 'updated', 'updated', 'deleted'),
    isFlat: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    version: fc.integer({ min: 1, max: 12 }),
    labels: fc.subarray(['latest', 'production', 'staging'], { maxLength: 2 }),
    tags: fc.constantFrom(...Array(9).fill(['support']), ['eu'], []),
    isAnew: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
    late: fc.integer({ min: 0, max: 30 }),
    age: fc.integer({ min: 0, max: 40 }),
  })
  .map(
    ({ action, version, labels, tags, isFlat, isAnew, late, age }) =>
      (time: number): StoredPromptEvent => {
        const updatedAt = time - late
        if (isFlat) return { ...flat(action, version, updatedAt, labels), tags: late > 15 ? tags : undefined }
        const promptId = `p${version}${isAnew ? ' anew' : ''}`
        const createdAt = action === 'created' ? updatedAt : updatedAt - age
        return actions[action](version, labels, { tags, promptId, updatedAt, createdAt })
      },
  )

/** The events of some edits of a prompt with this many versions. */
const anyHistory = fc.record({
  first: fc.integer({ min: 0, max: 10 }),
  edits: fc
    .array(fc.array(anyEvent, { minLength: 1, maxLength: 3 }), { minLength: 5, maxLength: 20 })
    .map((edits) => edits.map((events, i) => events.map((event) => event((i + 1) * 10)))),
})

describe.each(engines)('the versions read for a change, on %s', (_, openStore) => {
  let store: TestStore
  beforeAll(async () => {
    store = await openStore()
  })
  afterAll(() => store.close())

  let count = 0
  const newKey = (): PromptKey => ({ projectId: 'project', name: `prompt ${++count}` })
  const nothing = new Map()
  const numbersFor = async (key: PromptKey, events: StoredPromptEvent[]) => {
    const { versions, unread } = await versionsFor(store.db, key, events)
    return { read: versions.map(({ version }) => version).toSorted((a, b) => a - b), unread }
  }

  it('are a few of many: those with a label, and those from the next lower live one up', async () => {
    const key = newKey()
    const many = Array.from({ length: 40 }, (_, i) => v(i + 1, [], { deleted: i === 37 }))
    await saveVersions(store.db, key, [...many, v(41, ['latest'])], nothing)
    await saveVersions(store.db, key, [v(7, ['production'])], nothing)
    const edit = [created(42, ['latest']), updated(41, [])]
    expect(await numbersFor(key, edit)).toEqual({ read: [7, 40, 41], unread: 38 })
    expect(await numbersFor(key, [updated(39, ['production'])])).toEqual({
      read: [7, 37, 38, 39, 40, 41],
      unread: 35,
    })
  })

  it('are all of them if tags change, if events contradict each other, or if no event has tags', async () => {
    const key = newKey()
    const all = [1, 2, 3, 4]
    await saveVersions(store.db, key, [v(1), v(2), v(3), v(4, ['latest'])], nothing)
    const edits = [
      [updated(4, ['latest'], { tags: ['eu'] })],
      [updated(4, ['latest'], { tags: ['eu'] }), updated(3, [])],
      [flat('updated', 4, 600)],
    ]
    for (const edit of edits) expect(await numbersFor(key, edit)).toEqual({ read: all, unread: 0 })
  })

  it('are none for an unknown prompt', async () => {
    expect(await numbersFor(newKey(), [created(1)])).toEqual({ read: [], unread: 0 })
  })

  it('give the same result for any events as all versions do', async () => {
    let unreadInAll = 0
    await fc.assert(
      fc.asyncProperty(anyHistory, async ({ first, edits }) => {
        const key = newKey()
        const start = Array.from({ length: first }, (_, i) => v(i + 1, [], { updatedAt: i }))
        await saveVersions(store.db, key, start, nothing)
        for (const events of edits) {
          const all = await versionsOf(store.db, key)
          const { versions, unread } = await versionsFor(store.db, key, events)
          const whole = told(all, events, 0)
          expect(told(versions, events, unread)).toEqual(whole)
          expect(versions.length + unread).toBe(all.length)
          await saveVersions(store.db, key, whole.written, nothing)
          unreadInAll += unread
        }
      }),
      { numRuns: 150 },
    )
    expect(unreadInAll).toBeGreaterThan(500)
  }, 60_000)
})
