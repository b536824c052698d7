import { type Random, uuid } from './edits.ts'
import type { PromptWebhook } from './langfuse.ts'

/** What can befall events on their way. None of these changes its argument. */

export function shuffle<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random() }))
  return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item)
}

/** A few of them come again, with the same id. */
export const repeat = <T>(items: readonly T[], random: Random): T[] => [
  ...items,
  ...items.filter(() => random() < 0.3),
]

/** Two automations point at the relay: each tells every event, under an id of its own. */
export const doubleAutomation = (events: readonly PromptWebhook[], random: Random): PromptWebhook[] =>
  events.flatMap((event) => [event, { ...event, id: uuid({ random }) }])

/** `share` of them never arrives. */
export const lose = <T>(items: readonly T[], random: Random, share: number): T[] =>
  items.filter(() => random() >= share)
