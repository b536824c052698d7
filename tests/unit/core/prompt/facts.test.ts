import { describe, expect, it } from 'vitest'
import type { Fact, StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import { created, deleted, updated, v } from '../../../model/prompt-events.ts'

interface Case {
  edit: string
  before: VersionState[]
  events: StoredPromptEvent[]
  facts: Fact[]
}

const cases: Case[] = [
  {
    edit: 'the first version of a name is created',
    before: [],
    events: [created(1, ['latest'])],
    facts: [{ kind: 'version-created', version: 1, labels: ['latest'] }],
  },
  {
    edit: 'a new version takes `latest`, which is no fact of its own',
    before: [v(6, ['latest', 'production'])],
    events: [created(7, ['latest']), updated(6, ['production'])],
    facts: [{ kind: 'version-created', version: 7, labels: ['latest'] }],
  },
  {
    edit: 'a new version takes production from its holder',
    before: [v(6, ['latest', 'production'])],
    events: [created(7, ['latest', 'production']), updated(6, [])],
    facts: [
      { kind: 'version-created', version: 7, labels: ['latest', 'production'] },
      { kind: 'promoted', label: 'production', from: 6, to: 7 },
    ],
  },
  {
    edit: 'a new version gets a label that no version had',
    before: [v(6, ['latest'])],
    events: [created(7, ['latest', 'staging']), updated(6, [])],
    facts: [
      { kind: 'version-created', version: 7, labels: ['latest', 'staging'] },
      { kind: 'label-added', label: 'staging', to: 7 },
    ],
  },
  {
    edit: 'a version is created, and promoted within the same window',
    before: [v(7, ['latest', 'production'])],
    events: [
      created(8, ['latest'], { updatedAt: 200 }),
      updated(7, ['production'], { updatedAt: 201 }),
      updated(8, ['latest', 'production'], { updatedAt: 900 }),
      updated(7, [], { updatedAt: 904 }),
    ],
    facts: [
      { kind: 'version-created', version: 8, labels: ['latest', 'production'] },
      { kind: 'promoted', label: 'production', from: 7, to: 8 },
    ],
  },
  {
    edit: 'a label moves to a higher version',
    before: [v(6, ['production']), v(7, ['latest'])],
    events: [updated(7, ['latest', 'production']), updated(6, [])],
    facts: [{ kind: 'promoted', label: 'production', from: 6, to: 7 }],
  },
  {
    edit: 'a label moves to a lower version',
    before: [v(6), v(7, ['latest', 'production'])],
    events: [updated(6, ['production']), updated(7, ['latest'])],
    facts: [{ kind: 'rolled-back', label: 'production', from: 7, to: 6 }],
  },
  {
    edit: 'several labels move, production first',
    before: [v(6, ['canary', 'production']), v(7, ['latest'])],
    events: [updated(7, ['latest', 'canary', 'production']), updated(6, [])],
    facts: [
      { kind: 'promoted', label: 'production', from: 6, to: 7 },
      { kind: 'promoted', label: 'canary', from: 6, to: 7 },
    ],
  },
  {
    edit: 'a label moves, with only the event of the gainer',
    before: [v(6, ['production']), v(7, ['latest'])],
    events: [updated(7, ['latest', 'production'])],
    facts: [{ kind: 'promoted', label: 'production', from: 6, to: 7 }],
  },
  {
    edit: 'a label moves to a version that was not known',
    before: [v(6, ['production'])],
    events: [updated(7, ['latest', 'production'])],
    facts: [{ kind: 'promoted', label: 'production', from: 6, to: 7 }],
  },
  {
    edit: 'a label is lost, without an event of the gainer',
    before: [v(6, ['production']), v(7, ['latest'])],
    events: [updated(6, [])],
    facts: [{ kind: 'label-removed', label: 'production', from: 6, now: 'unknown' }],
  },
  {
    edit: 'a label is added',
    before: [v(6), v(7, ['latest'])],
    events: [updated(6, ['staging'])],
    facts: [{ kind: 'label-added', label: 'staging', to: 6 }],
  },
  {
    edit: 'tags change on all versions',
    before: [v(6), v(7, ['latest'])],
    events: [updated(6, [], { tags: ['eu'] }), updated(7, ['latest'], { tags: ['eu'] })],
    facts: [{ kind: 'tags-changed', added: ['eu'], removed: ['support'] }],
  },
  {
    edit: 'a tag of a production version changes, which is no promotion',
    before: [v(6, ['production']), v(7, ['latest'])],
    events: [updated(6, ['production'], { tags: [] })],
    facts: [{ kind: 'tags-changed', added: [], removed: ['support'] }],
  },
  {
    edit: 'a new version brings other tags',
    before: [v(6, ['latest'])],
    events: [
      created(7, ['latest'], { tags: ['support', 'eu'] }),
      updated(6, [], { tags: ['support', 'eu'] }),
    ],
    facts: [
      { kind: 'version-created', version: 7, labels: ['latest'] },
      { kind: 'tags-changed', added: ['eu'], removed: [] },
    ],
  },
  {
    edit: 'tags arrive in another order, which is not visible',
    before: [v(1, ['latest'], { tags: ['a', 'b'] })],
    events: [updated(1, ['latest'], { tags: ['b', 'a'] })],
    facts: [{ kind: 'unchanged' }],
  },
  {
    edit: 'the holder of production is deleted',
    before: [v(1, ['production']), v(2, ['latest'])],
    events: [deleted(1, ['production'], { updatedAt: 100 })],
    facts: [{ kind: 'deleted', versions: [1], labels: ['production'], whole: false }],
  },
  {
    edit: 'all versions are deleted',
    before: [v(1, ['production']), v(2, ['latest'])],
    events: [deleted(2, ['latest'], { updatedAt: 100 }), deleted(1, ['production'], { updatedAt: 100 })],
    facts: [{ kind: 'deleted', versions: [1, 2], labels: ['production', 'latest'], whole: true }],
  },
  {
    edit: 'the only known version is deleted, and earlier ones were never known',
    before: [],
    events: [deleted(2, ['latest'])],
    facts: [{ kind: 'deleted', versions: [2], labels: ['latest'], whole: false }],
  },
  {
    edit: 'the holder of production is deleted after another version took it',
    before: [v(1, ['production']), v(2, ['latest'])],
    events: [
      updated(2, ['latest', 'production']),
      updated(1, [], { updatedAt: 204 }),
      deleted(1, [], { updatedAt: 204 }),
    ],
    facts: [
      { kind: 'deleted', versions: [1], labels: [], whole: false },
      { kind: 'promoted', label: 'production', from: 1, to: 2 },
    ],
  },
  {
    edit: 'a deleted version turns out to have had a label that its known holder had lost',
    before: [v(1), v(2, ['latest']), v(3, ['production'])],
    events: [deleted(1, ['production'], { updatedAt: 150 })],
    facts: [{ kind: 'deleted', versions: [1], labels: ['production'], whole: false }],
  },
  {
    edit: 'the state was unknown: the version in the event, with its labels',
    before: [],
    events: [updated(21, ['production', 'latest'])],
    facts: [{ kind: 'first-seen', version: 21, labels: ['production', 'latest'] }],
  },
  {
    edit: 'both halves of a move are seen for the first time',
    before: [],
    events: [updated(7, ['latest', 'production']), updated(6, [])],
    facts: [{ kind: 'first-seen', version: 7, labels: ['latest', 'production'] }],
  },
  {
    edit: 'several versions are seen for the first time, of which those with labels are reported',
    before: [],
    events: [updated(5, ['latest']), updated(4, []), updated(3, ['production'])],
    facts: [
      { kind: 'first-seen', version: 5, labels: ['latest'] },
      { kind: 'first-seen', version: 3, labels: ['production'] },
    ],
  },
  {
    edit: 'several versions without labels are seen for the first time, of which the highest is reported',
    before: [],
    events: [updated(5, []), updated(4, [])],
    facts: [{ kind: 'first-seen', version: 5, labels: [] }],
  },
  {
    edit: 'a version that lost `latest` to a new one is seen for the first time',
    before: [],
    events: [created(7, ['latest']), updated(6, ['production'])],
    facts: [{ kind: 'version-created', version: 7, labels: ['latest'] }],
  },
  {
    edit: 'nothing visible changed',
    before: [v(7, ['latest'])],
    events: [updated(7, ['latest'])],
    facts: [{ kind: 'unchanged' }],
  },
  {
    edit: 'a prompt was deleted through the API and is created anew, so the old holder of production is gone',
    before: [v(1), v(2, ['latest', 'production'])],
    events: [created(1, ['latest', 'production'], { promptId: 'new' })],
    facts: [
      { kind: 'version-created', version: 1, labels: ['latest', 'production'] },
      { kind: 'label-added', label: 'production', to: 1 },
    ],
  },
  {
    edit: 'the highest version was deleted through the API, and its number is used again',
    before: [v(1, ['production']), v(2, ['latest', 'staging'])],
    events: [created(2, ['latest', 'production'], { promptId: 'new' }), updated(1, [])],
    facts: [
      { kind: 'version-created', version: 2, labels: ['latest', 'production'] },
      { kind: 'promoted', label: 'production', from: 1, to: 2 },
    ],
  },
  {
    edit: 'a version is deleted and its number used again in one window',
    before: [v(1), v(2, ['latest', 'production'])],
    events: [
      deleted(2, ['latest', 'production'], { updatedAt: 100 }),
      created(2, ['latest'], { promptId: 'new' }),
      updated(1, [], { updatedAt: 204 }),
    ],
    facts: [
      { kind: 'deleted', versions: [2], labels: ['latest', 'production'], whole: false },
      { kind: 'version-created', version: 2, labels: ['latest'] },
    ],
  },
]

describe('the facts of a change, where', () => {
  it.each(cases)('$edit', ({ before, events, facts }) => {
    expect(foldPrompt(before, events).facts).toEqual(facts)
    expect(foldPrompt(before, events.toReversed()).facts).toEqual(facts)
    const twice = events.flatMap((one) => [one, { ...one, eventId: `${one.eventId}-twin` }])
    expect(foldPrompt(before, twice).facts).toEqual(facts)
  })
})
