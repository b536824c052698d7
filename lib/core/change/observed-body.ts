import { z } from 'zod'
import { maxIndexed } from './indexable.ts'

/**
 * Traces, generations and scores: Langfuse has no webhook for them, so the relay reads them from its API and writes
 * each as one flat body of our own. The signed door takes the same form.
 */

const text = z.string().min(1)
/** As in `event.ts`: part of the keys of several indexes. */
const projectId = text.max(200)
/** Looked up by index. */
const scoreName = text.max(maxIndexed)
const time = z.iso.datetime({ offset: true })
const amount = z.number().nonnegative()

export const observationNames = [
  'trace.created',
  'trace.updated',
  'generation.created',
  'observation.created',
] as const
export const scoreNames = ['score.created', 'score.updated'] as const
export type ObservedName = (typeof observationNames)[number] | (typeof scoreNames)[number]

/** `trace`: its root observation. `observation`: any other that is no generation. */
export const observationBody = z.looseObject({
  event: z.enum(observationNames),
  timestamp: time,
  data: z.looseObject({
    projectId,
    traceId: text,
    observationId: text.nullish(),
    /** Langfuse's own type: `GENERATION`, `SPAN`, `AGENT`, … */
    type: z.string().nullish(),
    name: z.string().nullish(),
    traceName: z.string().nullish(),
    environment: z.string().nullish(),
    /** `DEBUG`, `DEFAULT`, `WARNING`, `ERROR`. */
    level: z.string().nullish(),
    statusMessage: z.string().nullish(),
    model: z.string().nullish(),
    /** Seconds. */
    latency: amount.nullish(),
    /** USD. */
    totalCost: amount.nullish(),
    inputTokens: amount.nullish(),
    outputTokens: amount.nullish(),
    totalTokens: amount.nullish(),
    userId: z.string().nullish(),
    sessionId: z.string().nullish(),
    promptName: z.string().nullish(),
    promptVersion: z.number().nullish(),
    updatedAt: time.nullish(),
  }),
})

export const scoreBody = z.looseObject({
  event: z.enum(scoreNames),
  timestamp: time,
  data: z.looseObject({
    projectId,
    scoreId: text,
    name: scoreName,
    /** By `dataType`: a number, a boolean, or text. */
    value: z.union([z.number(), z.boolean(), z.string()]).nullish(),
    /** `NUMERIC`, `BOOLEAN`, `CATEGORICAL`, `TEXT`, `CORRECTION`. */
    dataType: z.string().nullish(),
    /** `API`, `ANNOTATION`, `EVAL`. */
    source: z.string().nullish(),
    comment: z.string().nullish(),
    environment: z.string().nullish(),
    traceId: z.string().nullish(),
    observationId: z.string().nullish(),
    sessionId: z.string().nullish(),
    updatedAt: time.nullish(),
  }),
})

export type ObservationBody = z.output<typeof observationBody>
export type ScoreBody = z.output<typeof scoreBody>
