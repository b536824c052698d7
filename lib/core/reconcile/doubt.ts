import { z } from 'zod'

/**
 * One version whose state in Langfuse differs from the known one. `key`: the row that Langfuse showed
 * (`<prompt id>@<updatedAt>`), or `gone`. `since`: when that was first seen, epoch milliseconds.
 */
const doubtItem = z.object({ version: z.number(), key: z.string(), since: z.number() })

/** A prompt that differs from Langfuse. A webhook on its way may still explain it. Times in epoch milliseconds. */
export const doubt = z.object({
  since: z.number(),
  /** Of the prompt when the doubt began (`revisionOf`): a webhook of it changes that. */
  revision: z.string().default(''),
  /** What the listing said when the doubt began, by Langfuse's clock; null: it did not begin with one. */
  lastUpdatedAt: z.number().nullable().default(null),
  /** When the known state was last known to be true; null: not known. */
  knownAt: z.number().nullable().default(null),
  items: z.array(doubtItem).default([]),
  /** Found by a first look, which reports no prompt by itself. */
  isSilent: z.boolean().default(false),
  /** How many of its labels have been compared, of a prompt that has too many to be read at once. */
  passed: z.number().default(0),
  /** How often in a row the prompt could not be read, and why. */
  failures: z.number().default(0),
  problem: z.string().nullable().default(null),
})
export type Doubt = z.output<typeof doubt>

/** One failure may be a hiccup. */
const fewFailures = 3

/** Whether a prompt could not be read for so long that nothing can be claimed of it. */
export const isUnreadable = ({ failures }: Doubt): boolean => failures >= fewFailures
