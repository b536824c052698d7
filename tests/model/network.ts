import { type Random, uuid } from './edits.ts'
import type { PromptWebhook } from './langfuse.ts'

/** What can happen to events in transit. None of these functions changes its argument. */

export function shuffle<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item)
}

/** Repeats a few of them, with the same id. */
export const repeat = <T>(items: readonly T[], random: Random): T[] => [
  ...items,
  ...items.filter(() => random() < 0.3),
]

/** Two automations point at the relay, and each sends every event under its own id. */
export const doubleAutomation = (events: readonly PromptWebhook[], random: Random): PromptWebhook[] =>
  events.flatMap((event) => [event, { ...event, id: uuid({ random }) }])

/** Loses a `share` of them. */
export const lose = <T>(items: readonly T[], random: Random, share: number): T[] =>
  items.filter(() => random() >= share)
