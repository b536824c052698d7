import { expect, it } from 'vitest'
import { RecentMap } from '#lib/base/recent-map.ts'

it('keeps what was read last, and passes on what it evicts', () => {
  const gone: number[] = []
  const map = new RecentMap<string, number>(2, (value) => gone.push(value))
  map.set('a', 1)
  map.set('b', 2)
  expect(map.get('a')).toBe(1)
  map.set('c', 3)
  expect([map.get('a'), map.get('b'), map.get('c'), map.size, gone]).toEqual([1, undefined, 3, 2, [2]])
  map.set('a', 4)
  expect([map.get('a'), map.size, gone]).toEqual([4, 2, [2]])
})

it('keeps a new entry, however often all others were read, and evicts the oldest of those', () => {
  const gone: number[] = []
  const map = new RecentMap<string, number>(3, (value) => gone.push(value))
  for (const [at, key] of ['a', 'b', 'c'].entries()) map.set(key, at)
  for (const key of ['c', 'b', 'a']) map.get(key)
  map.set('d', 3)
  expect([gone, map.get('d'), map.size]).toEqual([[0], 3, 3])
  map.get('b')
  map.set('e', 4)
  expect([gone, map.get('b'), map.get('d'), map.get('e')]).toEqual([[0, 2], 1, 3, 4])
})
