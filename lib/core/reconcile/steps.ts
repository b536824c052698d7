import type { ListedPage } from './compare.ts'
import {
  type CurrentLook,
  type LookReason,
  type LookRequest,
  type LookState,
  maxLabelPasses,
} from './state.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** An edit may be listed this long after the time that it carries. */
const overlapMs = 5 * 60_000
/** Rows of a page, Langfuse's maximum. */
export const pageSize = 100
/** A server whose listing never ends is not followed for ever: a million prompts. */
const maxPages = 10_000

interface Wants {
  state: LookState
  requested: LookRequest | null
}

interface Interval {
  now: number
  /** Between two looks, milliseconds. */
  everyMs: number
}

/** A time in the future was written while a clock was wrong. */
const isDue = (at: number | null, everyMs: number, now: number): boolean =>
  at === null || now - at >= everyMs || at - now > hourMs

/** The look to begin now; null: none is due. */
export function dueLook(
  { state, requested }: Wants,
  { now, everyMs }: Interval,
): { kind: CurrentLook['kind']; why: LookReason } | null {
  if (state.baselineAt === null) return { kind: 'full', why: 'baseline' }
  if (requested && mayBegin(requested, state, { now, everyMs })) return { kind: 'full', why: requested.why }
  if (isDue(state.fullAt, dayMs, now)) return { kind: 'full', why: 'daily' }
  if (state.held && isDue(state.fullAt, hourMs, now)) return { kind: 'full', why: 'held' }
  return isDue(state.checkedAt, everyMs, now) ? { kind: 'delta', why: 'interval' } : null
}

/** An endpoint that keeps failing does not cause one full look after the other. */
const mayBegin = ({ why }: LookRequest, { fullAt }: LookState, { now, everyMs }: Interval): boolean =>
  why === 'requested' || isDue(fullAt, everyMs, now)

/** When the next look is due, epoch milliseconds. */
export function nextLookAt({ state, requested }: Wants, { now, everyMs }: Interval): number {
  if (state.checkedAt === null || (requested && mayBegin(requested, state, { now, everyMs }))) return now
  return Math.min(state.checkedAt, now) + everyMs
}

export function begin(
  state: LookState,
  { kind, why }: { kind: CurrentLook['kind']; why: LookReason },
  now: number,
): LookState & { current: CurrentLook } {
  const number = state.number + 1
  const from = kind === 'delta' && state.watermark !== null ? state.watermark - overlapMs : null
  // Without a watermark, a delta look lists everything.
  const current: CurrentLook = {
    ...{ number, kind, why, startedAt: now, from, step: 'names', page: 1, labels: [], passed: 0, after: '' },
    ...{ newest: null, date: null, prompts: 0, requests: 0, gone: 0 },
  }
  return { ...state, number, current }
}

const isLastPage = ({ rows, page, totalPages }: ListedPage): boolean =>
  // The total comes from another query than the rows, so there may be a page more.
  rows.length === 0 ||
  page > totalPages ||
  (page === totalPages && rows.length < pageSize) ||
  page >= maxPages

const firstLabels = ['production', 'latest']

function withLabels(labels: readonly string[], rows: ListedPage['rows']): string[] {
  const all = new Set(labels)
  for (const row of rows) for (const label of row.labels) all.add(label)
  const others = [...all].filter((label) => !firstLabels.includes(label))
  return [
    ...firstLabels.filter((label) => all.has(label)),
    ...others.slice(0, maxLabelPasses - firstLabels.length),
  ]
}

/** A look after a page. `isOver`: it was the last of its listing. */
interface Paged {
  look: CurrentLook
  isOver: boolean
}

export function afterNames(look: CurrentLook, listed: ListedPage & { at: number | null }): Paged {
  const { rows, page, at } = listed
  const newest = rows.reduce((most, { lastUpdatedAt }) => Math.max(most, lastUpdatedAt), look.newest ?? 0)
  const read: CurrentLook = {
    ...look,
    newest: newest === 0 ? null : newest,
    date: page === 1 ? at : look.date,
    prompts: look.prompts + rows.length,
    labels: look.kind === 'full' ? withLabels(look.labels, rows) : [],
  }
  if (!isLastPage(listed)) return { look: { ...read, page: page + 1 }, isOver: false }
  return { look: { ...read, step: read.labels.length > 0 ? 'labels' : 'gone', page: 1 }, isOver: true }
}

export function afterLabel(look: CurrentLook, listed: ListedPage): Paged {
  if (!isLastPage(listed)) return { look: { ...look, page: listed.page + 1 }, isOver: false }
  const passed = look.passed + 1
  const step = passed < look.labels.length ? 'labels' : 'gone'
  return { look: { ...look, passed, step, page: 1 }, isOver: true }
}

/**
 * The state after a look has ended. The watermark is the smallest of what was listed last, Langfuse's own time and the
 * relay's: a pod whose clock is ahead may both have written that and have answered, and would hide what others write.
 */
export function ended(state: LookState, look: CurrentLook, now: number): LookState {
  const { kind, why, startedAt, prompts, requests, newest, date } = look
  const isFull = kind === 'full'
  return {
    ...state,
    current: null,
    baselineAt: state.baselineAt ?? (isFull ? now : null),
    fullAt: isFull ? now : state.fullAt,
    checkedAt: now,
    watermark: Math.min(startedAt, newest ?? startedAt, date ?? startedAt),
    details: isFull ? '' : state.details,
    last: { kind, why, startedAt, prompts, requests },
  }
}
