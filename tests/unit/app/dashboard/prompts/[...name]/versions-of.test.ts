import { describe, expect, it } from 'vitest'
import { holdersOf, pairOf } from '../../../../../../app/(dashboard)/prompts/[...name]/versions-of.ts'

const version = (number: number, labels: string[] = [], more: { deleted?: boolean; size?: null } = {}) => ({
  version: number,
  labels,
  deleted: more.deleted ?? false,
  size: more.size === null ? null : 100,
})

describe('which label is on which version', () => {
  it('lists production first, then latest, then the others from the newest version on', () => {
    const versions = [version(9, ['latest', 'canary']), version(8, ['a', 'b']), version(7, ['production'])]
    expect(holdersOf(versions).map(({ label, version }) => `${label} ${version}`)).toEqual([
      'production 7',
      'latest 9',
      'canary 9',
      'a 8',
      'b 8',
    ])
  })

  it('ignores deleted versions', () => {
    expect(holdersOf([version(2, ['production'], { deleted: true })])).toEqual([])
  })
})

describe('the two versions to compare', () => {
  it.each([
    ['the requested ones', [version(3), version(2), version(1)], { from: 1, to: 2 }, { from: 1, to: 2 }],
    ['backwards, if requested', [version(3), version(2), version(1)], { from: 3, to: 1 }, { from: 3, to: 1 }],
    [
      'production and the newest',
      [version(3), version(2), version(1, ['production'])],
      {},
      { from: 1, to: 3 },
    ],
    [
      'the newest two, if the newest has production',
      [version(3, ['production']), version(2)],
      {},
      { from: 2, to: 3 },
    ],
    ['one and the one before it', [version(3), version(2), version(1)], { to: 2 }, { from: 1, to: 2 }],
    [
      'no version without a text',
      [version(3), version(2, [], { size: null }), version(1)],
      { from: 2 },
      { from: 1, to: 3 },
    ],
    ['not what never was', [version(3), version(1)], { from: 77, to: 99 }, { from: 1, to: 3 }],
    ['the only one with itself', [version(1)], {}, { from: 1, to: 1 }],
    ['none, where no text is known', [version(1, [], { size: null })], {}, null],
  ])('are %s', (_what, versions, requested, pair) => {
    expect(pairOf(versions, requested)).toEqual(pair)
  })
})
