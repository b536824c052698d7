import { describe, expect, it } from 'vitest'
import {
  afterPage,
  begin,
  freshState,
  nextStream,
  overlapMs,
  recheck,
  type Stream,
  sliceMs,
} from '#lib/core/polling/state.ts'

const now = Date.parse('2026-08-21T12:00:00Z')
const hour = 3_600_000
const day = 24 * hour
const fresh: Stream = freshState.observations

describe('what is read next', () => {
  it('starts one overlap back, without an end', () => {
    expect(begin(fresh, now, day).slice).toEqual({
      from: now - overlapMs,
      to: null,
      startedAt: now,
      cursor: null,
    })
  })

  it('reads the overlap before the mark again', () => {
    const { slice } = begin({ ...fresh, mark: now - 60_000 }, now, day)
    expect(slice).toMatchObject({ from: now - 60_000 - overlapMs, to: null })
  })

  it('goes on with a started slice', () => {
    const begun = { from: 1, to: 2, startedAt: 3, cursor: 'c' }
    expect(begin({ ...fresh, mark: 1, slice: begun }, now, day).slice).toEqual(begun)
  })

  it('catches up in slices without gaps', () => {
    let stream: Stream = { ...fresh, mark: now - 5 * hour }
    const ends: (number | null)[] = []
    for (let round = 0; round < 20 && ends.at(-1) !== null; round++) {
      const begun = begin(stream, now, day)
      expect(begun.slice.from).toBe((begun.mark ?? 0) - overlapMs)
      ends.push(begun.slice.to)
      stream = afterPage(begun, null, now)
    }
    expect(ends).toHaveLength(10)
    expect(ends.slice(0, 2)).toEqual([now - 5 * hour + sliceMs, now - 5 * hour + 2 * sliceMs])
    expect(stream).toMatchObject({ mark: now, doneAt: now, slice: null, skipped: null })
  })

  it('skips what lies before BACKFILL_HOURS, and says so', () => {
    const stream = begin({ ...fresh, mark: now - 3 * day }, now, day)
    expect(stream.skipped).toEqual({ from: now - 3 * day, to: now - day })
    expect(stream.slice).toMatchObject({ from: now - day, to: now - day + sliceMs })
  })

  it('moves the mark only with the last page', () => {
    const begun = begin({ ...fresh, mark: now - 60_000 }, now, day)
    const half = afterPage(begun, 'next', now + 1000)
    expect(half).toMatchObject({ mark: now - 60_000, slice: { cursor: 'next' }, doneAt: null })
    expect(afterPage(half, null, now + 2000)).toMatchObject({ mark: now, slice: null, doneAt: now + 2000 })
  })

  it('never moves the mark back, whatever the clock does', () => {
    const begun = begin({ ...fresh, mark: now + hour }, now, day)
    expect(afterPage(begun, null, now).mark).toBe(now + hour)
  })
})

describe('the endpoints from before v4', () => {
  it('are given up after a day', () => {
    const old = { ...fresh, oldSince: now }
    expect(recheck(old, now + day - 1).oldSince).toBe(now)
    expect(recheck(old, now + day).oldSince).toBeNull()
  })

  it('are not given up in the middle of a slice', () => {
    const slice = { from: 0, to: null, startedAt: now, cursor: '3' }
    expect(recheck({ ...fresh, oldSince: now, slice }, now + 2 * day).oldSince).toBe(now)
  })
})

describe('the two streams', () => {
  it('take turns by how far behind they are', () => {
    const state = {
      ...freshState,
      observations: { ...fresh, mark: now },
      scores: { ...fresh, mark: now - 1 },
    }
    expect(nextStream(state, new Set())).toBe('scores')
    expect(nextStream(state, new Set(['scores']))).toBe('observations')
    expect(nextStream(state, new Set(['scores', 'observations']))).toBeNull()
  })
})
