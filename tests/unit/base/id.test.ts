import { expect, it } from 'vitest'
import { changeIdForm, firstIdAt, newId } from '#lib/base/id.ts'

it('sorts by time, and within a millisecond by creation', () => {
  const ids = [newId('chg', 1000), newId('chg', 1000), newId('chg', 1001)]
  expect(ids).toEqual(ids.toSorted())
  for (const id of ids) expect(id).toMatch(changeIdForm)
})

it('sorts after the first id of its time, and before that of the next', () => {
  const id = newId('evt', 1_700_000_000_000)
  expect([firstIdAt('evt', 1_700_000_000_001), id, firstIdAt('evt', 1_700_000_000_000)].toSorted()).toEqual([
    firstIdAt('evt', 1_700_000_000_000),
    id,
    firstIdAt('evt', 1_700_000_000_001),
  ])
  expect(firstIdAt('evt', -5)).toBe(firstIdAt('evt', 0))
})
