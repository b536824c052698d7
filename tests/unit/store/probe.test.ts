import { describe, expect, it } from 'vitest'
import { storeErrorKind } from '#lib/base/store-error.ts'
import { storeFailed } from '#lib/pipeline/setup/store-check.ts'
import { createStoreProbe } from '#lib/store/probe.ts'

const sqliteError = (errcode: number, message = 'database or disk is full') =>
  Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR', errcode })
const pgError = (code: string) => Object.assign(new Error('could not extend file'), { code })

/** A store with limited room for one write, and a clock. */
function world() {
  const state = {
    room: Number.POSITIVE_INFINITY,
    now: 1_000_000,
    writes: [] as number[],
    changes: [] as (string | null)[],
  }
  const probe = createStoreProbe({
    now: () => state.now,
    onChange: (problem) => state.changes.push(problem?.kind ?? null),
    write: async (bytes) => {
      state.writes.push(bytes)
      if (bytes > state.room) throw sqliteError(13)
    },
  })
  return { state, probe }
}

describe('the write probe', () => {
  it('writes at most once in 30 seconds, however many callers check it', async () => {
    const { state, probe } = world()
    await Promise.all([probe.check(), probe.check(), probe.check()])
    state.now += 29_999
    await probe.check()
    expect(state.writes).toHaveLength(1)
    state.now += 1
    await probe.check()
    expect(state.writes).toHaveLength(2)
  })

  it('reports that the disk is full and since when, until a write fits again', async () => {
    const { state, probe } = world()
    expect(await probe.check()).toBeNull()
    state.room = 0
    state.now += 30_000
    expect(await probe.check()).toEqual({ kind: 'disk-full', since: 1_030_000 })
    state.now += 30_000
    expect(await probe.check()).toEqual({ kind: 'disk-full', since: 1_030_000 })
    state.room = 1e9
    state.now += 30_000
    expect(await probe.check()).toBeNull()
    // Each is logged once.
    expect(state.changes).toEqual(['disk-full', null])
  })

  it('reports a full disk as soon as an event did not fit, until a write of its size does', async () => {
    const { state, probe } = world()
    state.room = 50_000
    await probe.check()
    probe.noteFailure(sqliteError(13), 200_000)
    expect(await probe.check()).toMatchObject({ kind: 'disk-full' })
    state.now += 30_000
    expect(await probe.check()).toMatchObject({ kind: 'disk-full' })
    state.room = 1_000_000
    state.now += 30_000
    expect(await probe.check()).toBeNull()
    expect(state.writes.at(-1)).toBe(400_000)
  })

  it('checks an unreachable store again at once, and does not take a bug for a full disk', async () => {
    let error: Error | null = pgError('ECONNREFUSED')
    const write = async () => {
      if (error) throw error
    }
    const probe = createStoreProbe({ now: () => 1, write, onChange: () => {} })
    expect(await probe.check()).toEqual({ kind: 'unreachable', since: 1 })
    error = null
    expect(await probe.check()).toBeNull()
    probe.noteFailure(new TypeError('x is not a function'), 10)
    expect(await probe.check()).toBeNull()
  })

  it('checks again after the clock was set back', async () => {
    const { state, probe } = world()
    await probe.check()
    state.now -= 86_400_000
    state.room = 0
    expect(await probe.check()).toMatchObject({ kind: 'disk-full' })
  })
})

describe('an error of the store', () => {
  it.each([
    [sqliteError(13), 'disk-full'],
    [sqliteError(778, 'disk I/O error'), 'disk-error'],
    [sqliteError(1544, 'attempt to write a readonly database'), 'read-only'],
    [sqliteError(5, 'database is locked'), 'busy'],
    [sqliteError(19, 'UNIQUE constraint failed'), 'other'],
    [pgError('53100'), 'disk-full'],
    [pgError('25006'), 'read-only'],
    [pgError('42501'), 'read-only'],
    [pgError('ECONNREFUSED'), 'unreachable'],
    [pgError('08006'), 'unreachable'],
    [new Error('Query read timeout'), 'unreachable'],
    [pgError('23505'), 'other'],
    ['a string', 'other'],
  ])('%o is of its kind', (error, kind) => {
    expect(storeErrorKind(error)).toBe(kind)
  })

  it('names the disk and the path if it is full', () => {
    const disk = { path: '/data/relay.db', free: 4096, size: 4 * 1024 * 1024 }
    expect(storeFailed(sqliteError(13), disk)).toMatchObject({
      state: 'problem',
      words:
        'Accepts no writes: its disk is full (database or disk is full). /data/relay.db, 4.0 KB of 4.0 MB free.',
      fix: expect.stringContaining('Free space on the disk that holds /data/relay.db'),
    })
  })
})
