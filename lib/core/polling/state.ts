import { createHash } from 'node:crypto'
import { z } from 'zod'

/** The name of the state for these keys: other keys read another project, and start anew. */
export const pollName = ({ baseUrl, publicKey }: { baseUrl: string; publicKey: string }): string =>
  `langfuse:${createHash('sha256').update(`${baseUrl}\n${publicKey}`).digest('hex').slice(0, 32)}`

/** Rows can arrive or change this late, so this much is read again each time. Langfuse says up to 10 minutes. */
export const overlapMs = 15 * 60_000
/** How much time is read at once while catching up, so that each walk through pages stays short. */
export const sliceMs = 30 * 60_000
/** After this long with the older endpoints, the newer ones are tried again. */
const recheckMs = 24 * 3_600_000

const slice = z.object({
  from: z.number(),
  /** Null: up to now, whatever a client's clock says. */
  to: z.number().nullable(),
  /** When it was started, by Langfuse's clock. */
  startedAt: z.number(),
  cursor: z.string().nullable(),
})
const span = z.object({ from: z.number(), to: z.number() })

const stream = z.object({
  /** Everything that started before is read. Null: nothing yet. */
  mark: z.number().nullable(),
  /** What is being read, page by page. */
  slice: slice.nullable(),
  /** Since when the endpoints from before v4 are used; null: they are not. */
  oldSince: z.number().nullable(),
  /** The newest span that was skipped because an outage was longer than `BACKFILL_HOURS`. */
  skipped: span.nullable(),
  /** When everything had last been read. */
  doneAt: z.number().nullable(),
  error: z.object({ at: z.number(), message: z.string() }).nullable(),
})
export type Stream = z.output<typeof stream>

/** The progress of polling; one for the store. `mark` and `slice` are by Langfuse's clock, other times by the relay's. */
export const pollState = z.object({
  projectId: z.string().nullable(),
  /** How far Langfuse's clock is ahead of the relay's, by its `Date` header; milliseconds. */
  skewMs: z.number(),
  /** Unused: older versions counted requests here and do not read a state without it. */
  minute: z.object({ from: z.number(), requests: z.number() }),
  error: z.object({ at: z.number(), message: z.string() }).nullable(),
  observations: stream,
  scores: stream,
})
export type PollState = z.output<typeof pollState>
export type StreamName = 'observations' | 'scores'
export const streamNames: readonly StreamName[] = ['observations', 'scores']

const fresh: Stream = { mark: null, slice: null, oldSince: null, skipped: null, doneAt: null, error: null }
export const freshState: PollState = {
  projectId: null,
  skewMs: 0,
  minute: { from: 0, requests: 0 },
  error: null,
  observations: fresh,
  scores: fresh,
}

/**
 * What to read next: the slice in progress, or a new one from a little before the mark. `now`: by Langfuse's clock. Time
 * before `backfillMs` ago is skipped, which `skipped` records.
 */
export function begin(
  given: Stream,
  now: number,
  backfillMs: number,
): Stream & { slice: NonNullable<Stream['slice']> } {
  const { slice: begun } = given
  if (begun) return { ...given, slice: begun }
  const before = given.mark ?? now - overlapMs
  const earliest = now - backfillMs
  const isTooOld = before < earliest
  const mark = isTooOld ? earliest : before
  const skipped = isTooOld ? { from: before, to: earliest } : given.skipped
  const to = now - mark > sliceMs ? mark + sliceMs : null
  const from = given.mark === null ? mark : Math.max(mark - overlapMs, isTooOld ? earliest : 0)
  return { ...given, mark, skipped, slice: { from, to, startedAt: now, cursor: null } }
}

/** The state after one page. `next`: the cursor of the following page; null: it was the last, so the mark moves on. */
export function afterPage(given: Stream, next: string | null, now: number): Stream {
  const { slice: begun } = given
  if (!begun) return given
  if (next !== null) return { ...given, error: null, slice: { ...begun, cursor: next } }
  const isLive = begun.to === null
  return {
    ...given,
    error: null,
    slice: null,
    mark: begun.to ?? Math.max(begun.startedAt, given.mark ?? 0),
    doneAt: isLive ? now : given.doneAt,
  }
}

/** Switches to the other endpoint, from the start of the slice, since cursors differ. */
export function withOld(given: Stream, oldSince: number | null): Stream {
  const begun = given.slice && { ...given.slice, cursor: null }
  return { ...given, oldSince, slice: begun }
}

/** Tries the newer endpoint again, once a day. */
export const recheck = (given: Stream, now: number): Stream =>
  given.oldSince !== null && now - given.oldSince >= recheckMs && given.slice?.cursor == null
    ? withOld(given, null)
    : given

/** The stream with the oldest mark, of those not in `over` (complete, or failed). */
export function nextStream(state: PollState, over: ReadonlySet<StreamName>): StreamName | null {
  const open = streamNames.filter((name) => !over.has(name))
  return open.toSorted((a, b) => (state[a].mark ?? 0) - (state[b].mark ?? 0))[0] ?? null
}
