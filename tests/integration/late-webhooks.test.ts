import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { editKinds, type Step } from '../model/langfuse.ts'
import { shuffle } from '../model/network.ts'
import { randomFrom } from '../model/play.ts'
import { lookWorld, minute } from './look-world.ts'
import { engines, type TestStore } from './stores.ts'

/** `EDITS=500`: this many in each test. */
const edits = Number(process.env.EDITS ?? 60)

/** A deletion shows only in a full look, which finds many edits at once; a copy is made by the first one's author. */
const without = editKinds.filter((kind) => /delete|duplicate|latest goes back/.test(kind))

describe.each(engines)(
  'webhooks that come hours after a comparison found what they say, on %s,',
  (_, openStore) => {
    let store: TestStore
    beforeEach(async () => {
      store = await openStore()
    })
    afterEach(() => store.close())

    /** Edits whose webhooks do not come, up to so many before each comparison; then all their webhooks, in any order. */
    async function play(maxAtOnce: number) {
      const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
      const random = randomFrom(seed)
      const world = lookWorld(store, { seed, delayOf: () => null, without })
      for (let i = 0; i < 20; i++) world.edit()
      await world.pass(10 * minute)
      const played: { found: string; steps: Step[] }[] = []
      for (let done = 0; done < edits; ) {
        const before = new Set((await world.found()).map(({ id }) => id))
        const steps = Array.from({ length: 1 + Math.floor(random() * maxAtOnce) }, () => world.edit())
        done += steps.length
        await world.pass(10 * minute)
        for (const { id, subject } of await world.found())
          if (!before.has(id))
            played.push({ found: id, steps: steps.filter(({ edit }) => edit.name === subject) })
      }
      expect(await world.known(), `seed ${seed}`).toEqual(world.truth())
      const before = await world.changes()
      const events = played.flatMap(({ steps }) => steps.flatMap((step) => step.events))
      world.send(shuffle(events, random), () => Math.floor(random() * 60 * minute))
      await world.pass(70 * minute)
      expect(await world.known(), `seed ${seed}`).toEqual(world.truth())
      const known = new Set(before.map(({ id }) => id))
      const news = (await world.changes()).filter(({ id }) => !known.has(id))
      expect(new Set(news.map(({ kind }) => kind)), `seed ${seed}`).toEqual(new Set(['unchanged']))
      const after = new Map((await world.changes()).map((change) => [change.id, change]))
      const outcomes = played.flatMap(({ found, steps }) => {
        const change = after.get(found)
        return change ? [{ change, steps, by: change.detail.reconciled?.late?.by }] : []
      })
      const { late = 0, missing = 0 } = await world.counts()
      expect(late).toBe(outcomes.filter(({ by }) => by !== undefined).length)
      expect(late).toBeLessThanOrEqual(missing)
      return { seed, outcomes }
    }

    it('name who did it, and change nothing else', async () => {
      const { seed, outcomes } = await play(1)
      let named = 0
      for (const { change, steps, by } of outcomes) {
        const [step] = steps
        if (!step?.expected || change.kind !== step.expected.kind) continue
        named++
        expect({ seed, ...step.edit, by }).toEqual({ seed, ...step.edit, by: step.expected.actor })
      }
      expect(named).toBeGreaterThan(edits / 4)
    }, 120_000)

    it('name one who did some of it, where a comparison found several edits at once', async () => {
      const { seed, outcomes } = await play(6)
      let several = 0
      for (const { steps, by } of outcomes) {
        if (steps.length < 2) continue
        several++
        const actors = [undefined, ...steps.map(({ expected }) => expected?.actor)]
        expect(actors, `seed ${seed}`).toContain(by)
      }
      expect(several).toBeGreaterThan(2)
    }, 120_000)
  },
)
