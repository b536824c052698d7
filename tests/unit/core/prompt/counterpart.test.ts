import { describe, expect, it } from 'vitest'
import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { awaitsCounterpart } from '#lib/core/prompt/counterpart.ts'
import { created, deleted, updated, v } from '../../../model/prompt-events.ts'

describe('more events are awaited', () => {
  const known = [v(1), v(2, ['production']), v(3, ['latest'])]
  const gain = updated(3, ['latest', 'production'])
  const loss = updated(2, [])
  const create = created(4, ['latest'])

  it.each<[string, VersionState[], StoredPromptEvent[]]>([
    ['after a new version, of the old holder of `latest`', known, [create]],
    ['after the old holder lost `latest`, of the new version', known, [updated(3, [])]],
    ['of the old holder of production', known, [created(4, ['latest', 'production']), updated(3, [])]],
    ['after a gained label, of its loser', known, [gain]],
    ['after a lost label, of a gainer', known, [loss]],
    [
      'of all versions while tags change',
      known,
      [updated(3, ['latest'], { tags: [] }), updated(1, [], { tags: [] })],
    ],
    ['of further deletions', known, [deleted(3, ['latest'])]],
    ['of an unknown version', [], [updated(21, ['latest'])]],
    ['of an unknown version beside a known one', [v(3, ['latest'])], [updated(1, [])]],
    ['where the deleted version is one of several unknown ones', [], [deleted(2, ['latest'])]],
    ['after a new version of an unknown prompt', [], [created(7, ['latest'])]],
    ['of a copied prompt, whose first version is not the latest', [], [created(1, ['production'])]],
    [
      'where the holder of the label may be an unknown version',
      [v(3, ['latest'])],
      [updated(3, ['latest', 'x'])],
    ],
    ['where unknown versions share the tags', [v(3, ['latest'])], [updated(3, ['latest'], { tags: [] })]],
    [
      'of the heir of `latest`, who is not known to have it',
      [v(1), v(2), v(3, ['latest'], { deleted: true })],
      [created(4, ['latest'])],
    ],
    [
      'while the only event of the loser is from before it lost',
      [v(3, ['latest', 'production'])],
      [
        create,
        updated(3, ['production'], { updatedAt: 201 }),
        updated(4, ['latest', 'production'], { updatedAt: 900 }),
      ],
    ],
    ['after an update that changes nothing, of its edit', known, [updated(1, [])]],
    ['after old events only', known, [updated(3, ['production'], { updatedAt: 1 })]],
    ['where the loser is only in an old event', known, [gain, updated(2, [], { updatedAt: 1 })]],
  ])('%s', (_, before, events) => {
    expect(awaitsCounterpart(before, events)).toBe(true)
  })

  it.each<[string, VersionState[], StoredPromptEvent[]]>([
    ['the first version of a name', [], [created(1, ['latest'])]],
    ['a new version and the old holder of `latest`', known, [updated(3, []), create]],
    [
      'the first known version of an old prompt, once its successor comes',
      [v(7, ['latest'])],
      [created(8, ['latest']), updated(7, [])],
    ],
    ['both halves of a move', known, [loss, gain]],
    ['a label that no version had', known, [updated(1, ['staging'])]],
    ['tags of all versions', known, known.map((one) => updated(one.version, one.labels, { tags: [] }))],
    ['the deletion of all versions', known, known.map((one) => deleted(one.version, one.labels))],
    [
      'a prompt that is created anew after a while',
      known,
      [created(1, ['latest'], { promptId: 'new', createdAt: 3_600_000, updatedAt: 3_600_000 })],
    ],
    [
      'a new version and the heir of `latest`',
      [v(1), v(2), v(3, ['latest'], { deleted: true })],
      [created(4, ['latest']), updated(2, [])],
    ],
  ])('no more after %s', (_, before, events) => {
    expect(awaitsCounterpart(before, events)).toBe(false)
  })

  it('nothing of a known version that was not read', () => {
    const label = [updated(3, ['latest', 'staging'])]
    expect(awaitsCounterpart([v(2), v(3, ['latest'])], label, 0)).toBe(true)
    expect(awaitsCounterpart([v(2), v(3, ['latest'])], label, 1)).toBe(false)
  })
})
