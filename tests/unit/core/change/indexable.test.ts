import { describe, expect, it } from 'vitest'
import { indexable } from '#lib/core/change/indexable.ts'

describe('a name in an index', () => {
  it('is the name itself up to 600 characters', () => {
    expect(indexable('a'.repeat(600))).toBe('a'.repeat(600))
  })

  it('is shortened to 600 characters beyond that, differently for each name, and only once', () => {
    const names = ['a'.repeat(601), 'a'.repeat(602), `${'a'.repeat(601)}b`]
    const kept = names.map(indexable)
    expect(new Set(kept).size).toBe(3)
    expect(kept.map((one) => one.length)).toEqual([600, 600, 600])
    expect(kept.map(indexable)).toEqual(kept)
    expect(kept[0]).toMatch(/^a{535}…[0-9a-f]{64}$/)
  })

  it('never ends in half a character', () => {
    expect(indexable(`a${'🚀'.repeat(400)}`).isWellFormed()).toBe(true)
  })
})
