import fc from 'fast-check'
import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { promptBody } from '#lib/core/change/event.ts'
import { type Fold, foldPrompt } from '#lib/core/prompt/fold.ts'
import { toEvent } from '#lib/langfuse/body.ts'
import type { ModelVersion, Random } from './edits.ts'
import { createModel, type PromptWebhook, type Step } from './langfuse.ts'
import { doubleAutomation, repeat, shuffle } from './network.ts'

/** mulberry32: small, and identical on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** As the store returns it. */
export function stored(body: PromptWebhook): StoredPromptEvent {
  const event = toEvent(JSON.parse(JSON.stringify(promptBody.parse(body))))
  if (event.type !== 'prompt-version') throw new Error('The model made a body that is not a prompt version')
  const { text: _, config: __, ...kept } = event
  return { ...kept, eventId: body.id, occurredAt: Date.parse(body.timestamp) }
}

/** A relay without a store: what it knows of each prompt. */
export type Known = Map<string, VersionState[]>

export function fold(known: Known, name: string, events: StoredPromptEvent[]): Fold {
  const folded = foldPrompt(known.get(name) ?? [], events)
  known.set(name, folded.after)
  return folded
}

const editsPerRun = 60
/** `EDITS=5000`: this many in each test. */
const runs = Math.ceil(Number(process.env.EDITS ?? 1200) / editsPerRun)
export const editsInAll: number = runs * editsPerRun

export interface Played extends Step {
  /** Langfuse's versions of the prompt just before and after the edit. */
  truthBefore: readonly ModelVersion[]
  truth: readonly ModelVersion[]
  /** What the relay knew of the prompt before. */
  before: VersionState[]
}

interface World {
  known: Known
  random: Random
}

/**
 * Plays random edits from random seeds; fast-check prints the seed that fails. `crossed`: the share of steps that are two
 * edits of one prompt by two people.
 */
export function forEachEdit(startChecks: (world: World) => (played: Played) => void, crossed = 0): void {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
      const random = randomFrom(seed)
      const model = createModel(random)
      const known: Known = new Map()
      const check = startChecks({ known, random })
      for (let count = 0; count < editsPerRun; count++) {
        const snapshot = new Map(structuredClone([...model.prompts]))
        const step = random() < crossed ? model.crossing() : model.edit()
        const { name } = step.edit
        check({
          ...step,
          truthBefore: snapshot.get(name) ?? [],
          truth: structuredClone([...(model.prompts.get(name) ?? [])]),
          before: known.get(name) ?? [],
        })
      }
    }),
    { numRuns: runs },
  )
}

/** In any order, some repeated, and each sent by two automations. */
export const arrivals = (events: PromptWebhook[], random: Random): StoredPromptEvent[] =>
  shuffle(repeat(doubleAutomation(events, random), random), random).map(stored)
