import { z } from 'zod'

/** Why a look compares everything; `interval`: it is the regular one, of what changed recently. */
const reason = z.enum(['interval', 'baseline', 'daily', 'held', 'away', 'outage', 'quiet', 'requested'])
export type LookReason = z.output<typeof reason>

/** Names of labels that one full look compares by a listing of their own. */
export const maxLabelPasses = 200

/**
 * A look in progress. Its steps: `names`, the listing of prompts page by page; in a full look then `labels`, the listing of
 * each label's holders; `gone`, known prompts that were not listed; in the first one then `doubts`, what differs from what
 * was known before.
 */
const current = z.object({
  number: z.number(),
  kind: z.enum(['delta', 'full']),
  why: reason,
  startedAt: z.number(),
  /** A delta look lists what was updated since then, by Langfuse's clock. */
  from: z.number().nullable().default(null),
  step: z.enum(['names', 'labels', 'gone', 'doubts']).default('names'),
  /** The page of the listing that is read next, from 1. */
  page: z.number().default(1),
  /** Labels whose holders are to be listed, and how many of them have been. */
  labels: z.array(z.string()).max(maxLabelPasses).default([]),
  passed: z.number().default(0),
  /** Without a listing: the last prompt that was compared. */
  after: z.string().default(''),
  /** The newest `lastUpdatedAt` listed, and the `Date` of the first page; by Langfuse's clocks. */
  newest: z.number().nullable().default(null),
  date: z.number().nullable().default(null),
  prompts: z.number().default(0),
  requests: z.number().default(0),
  /** Versions that were not listed. */
  gone: z.number().default(0),
})
export type CurrentLook = z.output<typeof current>

/** Prompts that a first look corrected. The first of them by name. */
const corrected = z.object({ count: z.number(), names: z.array(z.string()).max(20) })
export const maxCorrectedNames = 20

/** Deletions that are not believed: so many at once may mean a wrong or an emptied server. */
const held = z.object({ versions: z.number(), since: z.number() })

/**
 * What a project's looks know, written by the instance that makes them. Times in epoch milliseconds, by the relay's clock
 * where nothing else is said. Null: not yet, or nothing.
 */
export const lookState = z.object({
  /** The end of the first full look, which wrote the state without reporting it. */
  baselineAt: z.number().nullable().default(null),
  /** The end of the last full look, and of the last look of either kind. */
  fullAt: z.number().nullable().default(null),
  checkedAt: z.number().nullable().default(null),
  /** The next delta look lists what was updated since then; by Langfuse's clocks. */
  watermark: z.number().nullable().default(null),
  /** The number of the last look that was begun, and of the last listing of a label. */
  number: z.number().default(0),
  pass: z.number().default(0),
  current: current.nullable().default(null),
  held: held.nullable().default(null),
  /** Deletions that were reported shortly after each other, the first at `since`. */
  deleted: held.default({ versions: 0, since: 0 }),
  corrected: corrected.default({ count: 0, names: [] }),
  /** The last prompt whose live version was read in full, where listings do not say enough; null: all were. */
  details: z.string().nullable().default(null),
  /** The last look that ended. */
  last: current
    .pick({ kind: true, why: true, startedAt: true, prompts: true, requests: true })
    .nullable()
    .default(null),
})
export type LookState = z.output<typeof lookState>

export const freshLook: LookState = lookState.parse({})

/** A request for a full look, by a person or another part of the relay. */
export const lookRequest = z.object({ why: reason, at: z.number() })
export type LookRequest = z.output<typeof lookRequest>

/** When the webhook endpoint last answered with a server error, from its first such answer to its last. */
export const outage = z.object({ from: z.number(), to: z.number(), status: z.number() })
export type Outage = z.output<typeof outage>

/** What the instance that makes the looks holds, with the lease. */
export const leaseState = z.object({
  /** Of the project that the keys belong to; null: not asked yet. */
  projectId: z.string().nullable().default(null),
  baseUrl: z.string().nullable().default(null),
  /** Another project, which the keys belong to now, so that nothing is compared; null: none. */
  otherId: z.string().nullable().default(null),
  /** Why the last step ended without an answer; null: it did not. */
  error: z.object({ at: z.number(), message: z.string() }).nullable().default(null),
  /** When the next step is due, as written at the end of the last one; another time in the row: an instance is at work. */
  restUntil: z.number().nullable().default(null),
  /** Until when Langfuse asked to be sent nothing (`Retry-After`). */
  silentUntil: z.number().nullable().default(null),
})
export type LeaseState = z.output<typeof leaseState>

/**
 * What a look counts. `missing`: a change whose webhook did not come although Langfuse sends one. `unsent`: one that
 * Langfuse never sends (deletion by API, the heir of `latest`, a config that is no object). `late`: its webhook came after
 * all. `corrected`: prompts that differed at the first look.
 */
export const countedKinds = ['missing', 'unsent', 'late', 'corrected'] as const
export type CountedKind = (typeof countedKinds)[number]
