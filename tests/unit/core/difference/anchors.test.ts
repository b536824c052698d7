import { describe, expect, it } from 'vitest'
import { anchors } from '#lib/core/difference/anchors.ts'

describe('the anchors of two lists', () => {
  it.each<[string, number[], number[], [number, number][]]>([
    [
      'what occurs once on each side',
      [0, 1, 2],
      [0, 1, 2],
      [
        [0, 0],
        [1, 1],
        [2, 2],
      ],
    ],
    ['not what occurs again on the left', [0, 1, 0], [0, 1], [[1, 1]]],
    ['not what occurs again on the right', [0, 1], [0, 1, 0], [[1, 1]]],
    [
      'as many as keep their order',
      [3, 0, 1, 2],
      [0, 1, 2, 3],
      [
        [1, 0],
        [2, 1],
        [3, 2],
      ],
    ],
    ['nothing of nothing', [], [], []],
  ])('are %s', (_, left, right, pairs) => {
    expect(anchors(left, right, 4)).toEqual(pairs)
  })
})
