import { z } from 'zod'

/**
 * One version whose state in Langfuse differs from the known one. `key`: the row that Langfuse showed
 * (`<prompt id>@<updatedAt>`), or `gone`. `since`: when that was first seen, epoch milliseconds.
 */
const doubtItem = z.object({ version: z.number(), key: z.string(), since: z.number() })
export type DoubtItem = z.output<typeof doubtItem>

/** What a webhook on its way may still explain. `revision`: of the prompt when it was last read (`revisionOf`). */
export const doubt = z.object({
  since: z.number(),
  revision: z.string(),
  items: z.array(doubtItem).default([]),
})
export type Doubt = z.output<typeof doubt>
