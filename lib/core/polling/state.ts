import { createHash } from 'node:crypto'
import { z } from 'zod'

/** Under what polling with these keys is kept: other keys read another project, and begin anew. */
export const pollName = ({ baseUrl, publicKey }: { baseUrl: string; publicKey: string }): string =>
  `langfuse:${createHash('sha256').update(`${baseUrl}\n${publicKey}`).digest('hex').slice(0, 32)}`

/** Rows can come this late, or change: so far back is read again each time. Langfuse says up to 10 minutes. */
export const overlapMs = 15 * 60_000
/** While it catches up, it reads so much time at once, so that a walk through pages stays short. */
export const sliceMs = 30 * 60_000
/** Which endpoints there are is found out anew after this long. */
const recheckMs = 24 * 3_600_000

const slice = z.object({
  from: z.number(),
  /** Null: up to now, whatever a client's clock says. */
  to: z.number().nullable(),
  /** Langfuse's time when it was begun. */
  startedAt: z.number(),
  cursor: z.string().nullable(),
})
const span = z.object({ from: z.number(), to: z.number() })

const stream = z.object({
  /** All that began before is read. Null: nothing yet. */
  mark: z.number().nullable(),
  /** What is being read, page by page. */
  slice: slice.nullable(),
  /** Since when the endpoints from before v4 are in use; null: they are not. */
  oldSince: z.number().nullable(),
  /** The newest time that was left out, because an outage was longer than the back-fill. */
  skipped: span.nullable(),
  /** When it had last read all there was. */
  doneAt: z.number().nullable(),
  error: z.object({ at: z.number(), message: z.string() }).nullable(),
})
export type Stream = z.output<typeof stream>

/** How far polling is; one for the store. Times of Langfuse's clock in `mark` and `slice`, of ours elsewhere. */
export const pollState = z.object({
  projectId: z.string().nullable(),
  /** How far Langfuse's clock is ahead of ours, by its `Date` header; milliseconds. */
  skewMs: z.number(),
  /** Not in use: an older version, which counted its requests here, would not read a state without it. */
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
 * What to read next: what was begun, or a new slice from a bit before the mark on. `now`: of Langfuse's clock. Where
 * the mark is longer ago than `backfillMs`, the time before is left out, and `skipped` says so.
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

/** A page of it was read. `next`: where the following one begins; null: it was the last, and the mark moves on. */
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

/** Where an endpoint is not there: the other one, from the slice's beginning, since cursors differ. */
export function withOld(given: Stream, oldSince: number | null): Stream {
  const begun = given.slice && { ...given.slice, cursor: null }
  return { ...given, oldSince, slice: begun }
}

/** Once a day the newer endpoint is tried again. */
export const recheck = (given: Stream, now: number): Stream =>
  given.oldSince !== null && now - given.oldSince >= recheckMs && given.slice?.cursor == null
    ? withOld(given, null)
    : given

/** The stream whose mark is oldest, of those that have not read all by now and have not failed. */
export function nextStream(state: PollState, over: ReadonlySet<StreamName>): StreamName | null {
  const open = streamNames.filter((name) => !over.has(name))
  return open.toSorted((a, b) => (state[a].mark ?? 0) - (state[b].mark ?? 0))[0] ?? null
}
