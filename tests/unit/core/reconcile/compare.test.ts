import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VersionState } from '#lib/core/change/change.ts'
import {
  type Difference,
  differencesOf,
  isExplained,
  isNeverSent,
  isTooMany,
  judge,
  type Listed,
  missingIn,
  refreshed,
  type TrueVersion,
} from '#lib/core/reconcile/compare.ts'
import { doubt } from '#lib/core/reconcile/doubt.ts'

const known = (version: number, labels: string[] = [], more: Partial<VersionState> = {}): VersionState => ({
  ...{
    version,
    labels,
    promptId: `id${version}`,
    tags: ['support'],
    promptType: 'text',
    commitMessage: null,
  },
  ...{ createdBy: 'maya', updatedAt: 1000 + version, deleted: false, ...more },
})
const read = (version: number, labels: string[] = [], more: Partial<TrueVersion> = {}): TrueVersion => {
  const { deleted: _, ...rest } = known(version, labels)
  return { ...rest, createdAt: 900 + version, ...more }
}
const state = [known(1), known(2, ['production']), known(3, ['latest'])]
const row: Listed = {
  ...{ versions: [1, 2, 3], labels: ['latest', 'production'], tags: ['support'], lastUpdatedAt: 1003 },
}

describe('a row of a listing', () => {
  it.each<[string, Partial<Listed>]>([
    ['a version that is not known', { versions: [1, 2, 3, 4] }],
    ['a version less', { versions: [1, 3] }],
    ['another label', { labels: ['latest', 'production', 'staging'] }],
    ['a label less', { labels: ['latest'] }],
    ['another tag', { tags: ['support', 'eu'] }],
    ['no tags', { tags: [] }],
    ['a later update', { lastUpdatedAt: 1004 }],
    ['an earlier update, by a pod whose clock is behind', { lastUpdatedAt: 1002 }],
  ])('is not explained with %s', (_, more) => {
    expect(isExplained({ ...row, ...more }, state, null)).toBe(false)
  })

  it('is explained by the same state, in any order, and by nothing that is deleted', () => {
    expect(isExplained({ ...row, labels: ['production', 'latest'] }, state.toReversed(), null)).toBe(true)
    expect(isExplained(row, [...state, known(4, ['latest'], { deleted: true })], null)).toBe(true)
    expect(
      isExplained(row, [state[0], state[1], known(3, ['latest'], { deleted: true })] as never, null),
    ).toBe(false)
  })

  it('shows only what changed, if it was filtered by time, and not which versions there are', () => {
    const changed = { ...row, versions: [2, 3] }
    expect(isExplained(changed, state, 1002)).toBe(true)
    expect(isExplained({ ...changed, labels: ['latest'] }, state, 1002)).toBe(false)
  })

  it('shows an update that was missed although a later one is known: the version is listed, and known as older', () => {
    const changed = { ...row, versions: [2, 3] }
    expect(isExplained(changed, state, 1003)).toBe(false)
    expect(
      isExplained(changed, [known(2, ['production'], { updatedAt: null }), state[2]] as never, 1000),
    ).toBe(false)
  })

  it('names the live versions that it is without', () => {
    expect(missingIn({ versions: [2] }, [...state, known(4, [], { deleted: true })])).toEqual([1, 3])
  })
})

describe('a prompt that was read', () => {
  const truth = {
    versions: [read(1), read(2, ['production']), read(3, ['latest'])],
    gone: [],
    lastUpdatedAt: 1003,
  }

  it('does not differ from the same state', () => {
    expect(differencesOf(state, truth)).toEqual([])
    expect(refreshed(state, truth, { readAt: 5000, except: new Set() })).toEqual([])
  })

  it('differs in what is gone, what is not known, and who has a label', () => {
    const versions = [
      read(2),
      read(3, ['production']),
      read(4, ['latest'], { updatedAt: null, promptId: null }),
    ]
    expect(differencesOf(state, { versions, gone: [1], lastUpdatedAt: 1009 })).toEqual([
      { version: 2, action: 'updated', key: 'id2@1002' },
      { version: 3, action: 'updated', key: 'id3@1003' },
      { version: 4, action: 'created', key: '@' },
      { version: 1, action: 'deleted', key: 'gone' },
    ])
  })

  it('says other tags once, by the highest version', () => {
    const versions = truth.versions.map((one) => ({ ...one, tags: ['eu'] }))
    expect(differencesOf(state, { ...truth, versions })).toMatchObject([{ version: 3, action: 'updated' }])
  })

  it('is created anew where the same number has another id', () => {
    const versions = [read(1, ['latest'], { promptId: 'other' })]
    const found = differencesOf(state, { versions, gone: [2, 3], lastUpdatedAt: 2000 })
    expect(found.map(({ version, action }) => [version, action])).toEqual([
      [1, 'created'],
      [2, 'deleted'],
      [3, 'deleted'],
    ])
    expect(
      differencesOf([known(1, ['latest'], { deleted: true })], { versions, gone: [], lastUpdatedAt: 1 }),
    ).toMatchObject([{ version: 1, action: 'created' }])
  })

  it('is created anew where a listing had shown the number, and it was created later', () => {
    const minute = 60_000
    const listed = [known(1, ['latest'], { promptId: null, updatedAt: 0, readAt: minute })]
    const at = (createdAt: number) => ({
      ...{
        versions: [read(1, ['latest'], { createdAt, updatedAt: createdAt })],
        gone: [],
        lastUpdatedAt: createdAt,
      },
    })
    expect(differencesOf(listed, at(3 * minute))).toMatchObject([{ version: 1, action: 'created' }])
    // It may have been shown already: by another clock.
    expect(differencesOf(listed, at(2 * minute))).toEqual([])
    expect(differencesOf([known(1, ['latest'], { readAt: minute })], at(3 * minute))).toEqual([])
  })

  it('fills in what only the version itself says, and the time of an update that left nothing else', () => {
    const bare = [
      known(1, [], { promptId: null, createdBy: null, updatedAt: 900 }),
      state[1],
      state[2],
    ] as VersionState[]
    const versions = [
      read(1),
      read(2, [], { updatedAt: 2000 }),
      read(3, ['latest'], { updatedAt: null, promptId: null }),
    ]
    const except = new Set([2])
    expect(refreshed(bare, { versions, gone: [], lastUpdatedAt: 3000 }, { readAt: 5000, except })).toEqual([
      { ...known(1), readAt: 5000 },
      { ...known(3, ['latest']), updatedAt: 3000, readAt: 5000 },
    ])
  })

  it('leaves nothing in doubt once it is refreshed, whatever it is', () => {
    const version = fc.record({
      labels: fc.subarray(['a', 'b', 'c']),
      tags: fc.subarray(['t', 'u']),
      updatedAt: fc.option(fc.integer({ min: 1, max: 50 })),
      promptId: fc.constantFrom('x', 'y', null),
    })
    fc.assert(
      fc.property(
        fc.array(version, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 50, max: 60 }),
        (some, last) => {
          const tags = some[0]?.tags ?? []
          const versions = some.map((one, i) => ({ ...read(i + 1, one.labels), ...one, tags }))
          const before = versions.map(({ version, labels }) =>
            known(version, labels, { tags, promptId: null, updatedAt: 7 }),
          )
          const times = versions.map(({ updatedAt }) => updatedAt ?? last)
          const found = { versions, gone: [], lastUpdatedAt: Math.max(...times) }
          expect(differencesOf(before, found)).toEqual([])
          const now = new Map(
            refreshed(before, found, { readAt: 1, except: new Set() }).map((one) => [one.version, one]),
          )
          const after = before.map((one) => now.get(one.version) ?? one)
          const all = versions.map((one) => one.version)
          const labels = versions.flatMap((one) => one.labels)
          expect(
            isExplained({ versions: all, labels, tags, lastUpdatedAt: found.lastUpdatedAt }, after, null),
          ).toBe(true)
        },
      ),
    )
  })
})

describe('what is in doubt', () => {
  const grace = 120_000
  const begun = doubt.parse({ since: 0, revision: 'r1', lastUpdatedAt: 1003 })
  const evidence = { now: grace, graceMs: grace, revision: 'r1', lastUpdatedAt: 1003, heldAfter: null }
  const moved: Difference[] = [
    { version: 1, action: 'updated', key: 'a@1' },
    { version: 2, action: 'updated', key: 'b@2' },
  ]
  const gone: Difference = { version: 3, action: 'deleted', key: 'gone' }

  it('is reported once no webhook can explain it any more', () => {
    expect(judge(begun, moved, evidence)).toEqual({ mature: moved, rest: null, isHeld: false })
    expect(judge(begun, [], evidence)).toEqual({ mature: [], rest: null, isHeld: false })
  })

  it.each([
    ['something of the prompt arrived', { revision: 'r2' }],
    ['Langfuse has changed it since', { lastUpdatedAt: 1004 }],
  ])('waits for another grace where %s', (_, more) => {
    const first = judge(begun, moved, { ...evidence, ...more })
    expect(first.mature).toEqual([])
    const { rest } = first
    if (!rest) throw new Error('forgotten')
    expect(judge(rest, moved, { ...evidence, ...more, now: 2 * grace - 1 }).mature).toEqual([])
    expect(judge(rest, moved, { ...evidence, ...more, now: 2 * grace }).mature).toEqual(moved)
    const other = [{ ...moved[0], key: 'a@9' } as Difference, moved[1] as Difference]
    expect(judge(rest, other, { ...evidence, ...more, now: 2 * grace }).mature).toEqual([])
  })

  it('goes together: a half that changed again holds up the other half', () => {
    const items = [{ version: 1, key: 'a@1', since: 0 }]
    const found = judge({ ...begun, items }, moved, { ...evidence, revision: 'r2' })
    expect(found.mature).toEqual([])
    expect(found.rest?.items).toEqual([...items, { version: 2, key: 'b@2', since: grace }])
  })

  it('does not wait for ever for a prompt that keeps changing while nothing of it arrives', () => {
    const late = { ...evidence, lastUpdatedAt: 9999, now: 5 * grace }
    expect(judge(begun, moved, late).mature).toEqual(moved)
    expect(judge(begun, moved, { ...late, now: 5 * grace - 1 }).mature).toEqual([])
    expect(judge(begun, moved, { ...late, revision: 'r2' }).mature).toEqual([])
  })

  it('believes a deletion that was seen twice, a grace apart', () => {
    const first = judge(begun, [gone], { ...evidence, now: 9 * grace })
    expect(first.mature).toEqual([])
    if (!first.rest) throw new Error('forgotten')
    expect(judge(first.rest, [gone], { ...evidence, now: 10 * grace - 1 }).mature).toEqual([])
    expect(judge(first.rest, [gone], { ...evidence, now: 10 * grace }).mature).toEqual([gone])
  })

  it('holds back deletions later than a limit, and nothing else', () => {
    const items = [{ version: 3, key: 'gone', since: 5 }]
    const held = judge({ ...begun, items }, [...moved, gone], { ...evidence, now: 3 * grace, heldAfter: 4 })
    expect(held.mature).toEqual(moved)
    expect(held).toMatchObject({ isHeld: true, rest: { items } })
    const free = judge({ ...begun, items }, [...moved, gone], { ...evidence, now: 3 * grace, heldAfter: 5 })
    expect(free.mature).toEqual([...moved, gone])
  })

  it.each([
    [10, 10, false],
    [11, 11, true],
    [11, 220, false],
    [12, 239, true],
    [500, 10_000, false],
  ])('%i gone of %i versions are too many: %s', (missing, alive, expected) => {
    expect(isTooMany(missing, alive)).toBe(expected)
  })
})

describe('what Langfuse never sends', () => {
  const truth = { versions: [read(1), read(2, ['latest', 'production'])], gone: [3], lastUpdatedAt: 1002 }
  const updated: Difference = { version: 2, action: 'updated', key: 'id2@1' }

  it('is a deletion, and `latest` on the version below the one that was deleted', () => {
    expect(isNeverSent({ version: 3, action: 'deleted', key: 'gone' }, state, truth)).toBe(true)
    expect(isNeverSent(updated, state, truth)).toBe(true)
    const deleted = [...state.slice(0, 2), known(3, ['latest'], { deleted: true })]
    expect(isNeverSent(updated, deleted, truth)).toBe(true)
  })

  it('is not `latest` that came from a version that exists, nor what came with another label or tag', () => {
    const back = { ...truth, versions: [...truth.versions, read(3)], gone: [] }
    expect(isNeverSent(updated, state, back)).toBe(false)
    const more = (one: TrueVersion) => ({ ...truth, versions: [read(1), one] })
    expect(isNeverSent(updated, state, more(read(2, ['latest', 'production', 'eu'])))).toBe(false)
    expect(isNeverSent(updated, state, more(read(2, ['latest', 'production'], { tags: [] })))).toBe(false)
  })

  it.each([
    [[], true],
    ['gpt', true],
    [null, true],
    [{}, false],
    [undefined, false],
  ])('is a version with the config %j: %s', (config, expected) => {
    const versions = [{ ...read(4, ['latest']), config }]
    const created: Difference = { version: 4, action: 'created', key: 'id4@1' }
    expect(isNeverSent(created, state, { versions, gone: [], lastUpdatedAt: 1004 })).toBe(expected)
  })
})
