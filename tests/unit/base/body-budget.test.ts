import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bodyBudget } from '#lib/base/body-budget.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const budget = () => bodyBudget({ maxBytes: 100, patienceMs: 250, waitMs: 3000, now: () => Date.now() })

/** A share, with what became of it. */
function opened(from: ReturnType<typeof budget>) {
  const evicted = vi.fn()
  const share = from.open()
  share.onEvict(evicted)
  return { ...share, evicted }
}

/** What a promise says by now. */
async function stateOf(of: true | Promise<boolean>): Promise<boolean | 'waiting'> {
  return Promise.race([of, Promise.resolve().then(() => Promise.resolve('waiting' as const))])
}

describe('bodies that are read at once', () => {
  it('have room while they fit', () => {
    const room = budget()
    const [a, b] = [opened(room), opened(room)]
    expect(a.reserve(50)).toBe(true)
    expect(b.reserve(50)).toBe(true)
    expect(room.held()).toBe(100)
    a.close()
    b.close()
    expect(room.held()).toBe(0)
  })

  it('wait until others are done, the smallest first', async () => {
    const room = budget()
    const first = opened(room)
    first.reserve(100)
    first.keep()
    const [large, small] = [opened(room), opened(room)]
    const [largeGrows, smallGrows] = [large.reserve(100), small.reserve(20)]
    expect(await stateOf(largeGrows)).toBe('waiting')
    first.close()
    expect(await stateOf(smallGrows)).toBe(true)
    expect(await stateOf(largeGrows)).toBe('waiting')
    small.close()
    expect(await stateOf(largeGrows)).toBe(true)
    large.close()
  })

  it('are refused if they find no room in time, and leave nothing behind', async () => {
    const room = budget()
    const first = opened(room)
    first.reserve(100)
    first.keep()
    const second = opened(room)
    const grows = second.reserve(20)
    await vi.advanceTimersByTimeAsync(2900)
    expect(await stateOf(grows)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(200)
    expect(await stateOf(grows)).toBe(false)
    expect(first.evicted).not.toHaveBeenCalled()
    second.close()
    first.close()
    expect(room.held()).toBe(0)
  })

  it('lose their room to others once they have held it long enough, the longest first', async () => {
    const room = budget()
    const [first, second] = [opened(room), opened(room)]
    first.reserve(50)
    await vi.advanceTimersByTimeAsync(100)
    second.reserve(50)
    const third = opened(room)
    const grows = third.reserve(50)
    expect(await stateOf(grows)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(240)
    expect(await stateOf(grows)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(20)
    expect(await stateOf(grows)).toBe(true)
    expect(first.evicted).toHaveBeenCalledOnce()
    expect(second.evicted).not.toHaveBeenCalled()
    expect(await stateOf(first.reserve(60))).toBe(false)
    for (const one of [first, second, third]) one.close()
    expect(room.held()).toBe(0)
  })

  it('lose it no matter how often others arrive', async () => {
    const room = budget()
    const first = opened(room)
    first.reserve(100)
    const others = []
    for (let i = 0; i < 40; i++) {
      const one = opened(room)
      others.push(one)
      one.reserve(50)
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(first.evicted).toHaveBeenCalledOnce()
    for (const one of [first, ...others]) one.close()
  })

  it('keep it while this process itself is busy and reads from no one', async () => {
    const room = budget()
    const first = opened(room)
    first.reserve(100)
    const second = opened(room)
    const grows = second.reserve(50)
    vi.setSystemTime(Date.now() + 2000)
    await vi.advanceTimersByTimeAsync(60)
    expect(first.evicted).not.toHaveBeenCalled()
    expect(await stateOf(grows)).toBe('waiting')
    first.close()
    expect(await stateOf(grows)).toBe(true)
    second.close()
  })

  it('keep it while nothing else needs it', async () => {
    const room = budget()
    const first = opened(room)
    first.reserve(100)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(first.evicted).not.toHaveBeenCalled()
    first.close()
  })

  it('that are larger are all read in the end, one after the other', async () => {
    const room = budget()
    const all = Array.from({ length: 4 }, () => opened(room))
    const granted = all.map((one) => one.reserve(90))
    await vi.advanceTimersByTimeAsync(2000)
    expect(await Promise.all(granted.map(stateOf))).toEqual([true, true, true, true])
    expect(all.map(({ evicted }) => evicted.mock.calls.length)).toEqual([1, 1, 1, 0])
    for (const one of all) one.close()
    expect(room.held()).toBe(0)
  })
})
