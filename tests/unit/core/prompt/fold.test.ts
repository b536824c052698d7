import { describe, expect, it } from 'vitest'
import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { awaitsCounterpart } from '#lib/core/prompt/counterpart.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import { toEvent } from '#lib/langfuse/body.ts'
import { type FixtureName, fixture } from '../../../fixtures.ts'
import { created, deleted, maya, updated, v } from '../../../model/prompt-events.ts'

describe('what a change is mostly about', () => {
  it('is the new version, with the event that carries its text and no labels before', () => {
    const main = created(7, ['latest'])
    expect(foldPrompt([v(6, ['latest'])], [updated(6, []), main])).toMatchObject({
      version: 7,
      eventId: main.eventId,
      labelsBefore: null,
    })
  })

  it('is the version that got the label, with its labels before', () => {
    const main = updated(6, ['production'])
    const before = [v(6, ['staging']), v(7, ['production'])]
    expect(foldPrompt(before, [main, updated(7, [])])).toMatchObject({
      version: 6,
      eventId: main.eventId,
      labelsBefore: ['staging'],
    })
  })

  it('is the highest version of a tag edit and of a deletion', () => {
    const before = [v(1), v(2), v(3, ['latest'])]
    const tags = before.map(({ version, labels }) => updated(version, labels, { tags: [] }))
    expect(foldPrompt(before, tags).version).toBe(3)
    expect(foldPrompt(before, [deleted(1, []), deleted(2, [])]).version).toBe(2)
  })

  it('is what the newer events are about, not the stale ones', () => {
    const before = [v(3, ['latest']), v(7)]
    expect(foldPrompt(before, [updated(3, ['latest']), updated(7, [], { updatedAt: 1 })]).version).toBe(3)
  })

  it('has no event where all events are stale', () => {
    const late = [updated(7, [], { updatedAt: 1 })]
    expect(foldPrompt([v(7)], late)).toMatchObject({ version: 7, eventId: null, actor: 'Maya Okonkwo' })
  })
})

describe('the author', () => {
  it.each([
    ['a name', { user: maya }, 'Maya Okonkwo'],
    [
      'an address where there is no name',
      { user: { name: null, email: 'jo@acme.example' } },
      'jo@acme.example',
    ],
    ['no one where the user has neither', { user: { name: null, email: null } }, null],
    ['the API where Langfuse names no user', { user: null }, 'API'],
    ['no one where Langfuse is too old to name users', { user: null, createdBy: undefined }, null],
  ] as const)('of an update is %s', (_, more, actor) => {
    expect(foldPrompt([v(7)], [updated(7, ['staging'], more)]).actor).toBe(actor)
  })

  it.each([
    ['the API', { user: null, createdBy: 'API' }, 'API'],
    ['no one where a person created it and is not named', { user: null, createdBy: 'maya-id' }, null],
  ] as const)('of a new version is %s', (_, more, actor) => {
    expect(foldPrompt([], [created(1, ['latest'], more)]).actor).toBe(actor)
  })
})

describe('the author of each fact', () => {
  const jo = { name: 'Jo', email: 'jo@acme.example' }
  const known = [v(1), v(2, ['production']), v(3, ['latest'])]

  it('is the user of the event that brought it about, where two people made the change', () => {
    const { facts, actor } = foldPrompt(known, [
      updated(3, ['latest', 'production']),
      updated(1, ['staging'], { updatedAt: 202, user: jo }),
      updated(2, [], { updatedAt: 203 }),
    ])
    expect(actor).toBe('Maya Okonkwo')
    expect(facts).toEqual([
      { kind: 'promoted', label: 'production', from: 2, to: 3 },
      { kind: 'label-added', label: 'staging', to: 1, by: 'Jo' },
    ])
  })

  it('is separate for each deleted version and each tag', () => {
    const deletions = foldPrompt(known, [deleted(1, []), deleted(2, ['production'], { user: jo })])
    expect(deletions.facts).toEqual([
      { kind: 'deleted', versions: [1], labels: [], whole: false },
      { kind: 'deleted', versions: [2], labels: ['production'], whole: false, by: 'Jo' },
    ])
    const tags = [
      updated(1, [], { tags: ['support', 'eu'] }),
      updated(1, [], { tags: ['eu'], updatedAt: 300, user: jo }),
    ]
    expect(foldPrompt([v(1)], tags).facts).toEqual([
      { kind: 'tags-changed', added: ['eu'], removed: [] },
      { kind: 'tags-changed', added: [], removed: ['support'], by: 'Jo' },
    ])
  })

  it.each<[string, StoredPromptEvent[]]>([
    [
      'an edit of tags',
      [
        updated(3, ['latest', 'production'], { tags: ['eu'], user: jo }),
        updated(1, [], { tags: ['eu'], user: jo }),
      ],
    ],
    [
      'the loss of `latest`',
      [created(4, ['latest'], { user: jo }), updated(3, ['production'], { user: jo })],
    ],
  ])('is no one for a label that %s shows, which moves none', (_, events) => {
    const { facts, actor } = foldPrompt(known, events)
    expect(actor).toBe('Jo')
    expect(facts).toContainEqual({ kind: 'promoted', label: 'production', from: 2, to: 3, revealed: true })
  })

  it('is no one for a label that had left for an unknown version and appears with another edit', () => {
    const lost = foldPrompt(known, [updated(2, [])]).after
    const found = foldPrompt(lost, [
      updated(3, ['latest', 'production', 'staging'], { updatedAt: 300, user: jo }),
    ])
    expect(found.facts).toEqual([
      { kind: 'label-added', label: 'production', to: 3, revealed: true },
      { kind: 'label-added', label: 'staging', to: 3 },
    ])
    expect(found.actor).toBe('Jo')
    // Without another edit, it is what this edit did.
    expect(
      foldPrompt(lost, [updated(3, ['latest', 'production'], { updatedAt: 300, user: jo })]).facts,
    ).toEqual([{ kind: 'label-added', label: 'production', to: 3 }])
    // Once found, it is no longer remembered.
    expect(found.after.some(({ strayed }) => strayed)).toBe(false)
  })

  it('keeps tags that no step shows, where versions contradict each other', () => {
    const before = [v(1, [], { tags: ['a', 'b'] }), v(2, [], { tags: ['a'] })]
    const events = [updated(2, [], { tags: [] }), updated(2, [], { tags: ['a'], updatedAt: 300, user: jo })]
    expect(foldPrompt(before, events).facts).toEqual([{ kind: 'tags-changed', added: [], removed: ['b'] }])
  })

  it('is not known for tags and a label in one event, of which one is older', () => {
    expect(foldPrompt(known, [updated(3, ['latest', 'staging'], { tags: ['eu'], user: jo })])).toMatchObject({
      actor: null,
      facts: [
        { kind: 'label-added', label: 'staging', revealed: true },
        { kind: 'tags-changed', revealed: true },
      ],
    })
  })
})

describe('a label that left a version', () => {
  const label = (before: VersionState[], events: StoredPromptEvent[]) => foldPrompt(before, events).facts

  it('is on an unknown newer version where `latest` is gone too', () => {
    expect(label([v(1, ['latest', 'production'])], [updated(1, [])])).toEqual([
      { kind: 'label-removed', label: 'production', from: 1, now: 'newer' },
    ])
    const before = [v(1, ['production']), v(2, ['latest'])]
    expect(label(before, [updated(1, []), updated(2, [])])).toEqual([
      { kind: 'label-removed', label: 'production', from: 1, now: 'newer' },
    ])
  })

  it('is on no version where no other can exist', () => {
    const fact = { kind: 'label-removed', label: 'production', from: 2 }
    const alone = [v(1, [], { deleted: true }), v(2, ['latest', 'production'])]
    expect(label(alone, [updated(2, ['latest'])])).toEqual([fact])
    const doubtful = [v(1, [], { deleted: true, presumed: true }), v(2, ['latest', 'production'])]
    expect(label(doubtful, [updated(2, ['latest'])])).toEqual([{ ...fact, now: 'unknown' }])
    expect(label(alone.slice(1), [updated(2, ['latest'])])).toEqual([{ ...fact, now: 'unknown' }])
  })
})

describe('`latest`', () => {
  it('is reported where it goes back to an older version, only by both halves', () => {
    const known = [v(1), v(2, ['latest'])]
    const [gain, loss] = [updated(1, ['latest']), updated(2, [])]
    expect(foldPrompt(known, [loss, gain]).facts).toEqual([
      { kind: 'rolled-back', label: 'latest', from: 2, to: 1 },
    ])
    // The newer one may have been deleted without an event.
    expect(foldPrompt(known, [gain]).facts).toEqual([{ kind: 'unchanged' }])
  })
})

describe('the fixtures', () => {
  const eventOf = (name: FixtureName): StoredPromptEvent => {
    const event = toEvent(JSON.parse(fixture(name).toString()))
    if (event.type !== 'prompt-version') throw new Error(`${name} is not about a prompt`)
    return { ...event, eventId: name, occurredAt: 0 }
  }

  it('make one new version, and one promotion after it', () => {
    const first = foldPrompt(
      [],
      [eventOf('01b-prompt-updated-previous-loses-latest.json'), eventOf('01-prompt-created-text.json')],
    )
    expect(first.facts).toEqual([{ kind: 'version-created', version: 7, labels: ['latest'] }])
    const move = [
      eventOf('05b-label-move-loses-production.json'),
      eventOf('05a-label-move-gains-production.json'),
    ]
    expect(move.map((event) => awaitsCounterpart(first.after, [event]))).toEqual([true, true])
    expect(awaitsCounterpart(first.after, move)).toBe(false)
    expect(foldPrompt(first.after, move)).toMatchObject({
      facts: [{ kind: 'promoted', label: 'production', from: 6, to: 7 }],
      version: 7,
      eventId: '05a-label-move-gains-production.json',
      labelsBefore: ['latest'],
      actor: 'Maya Okonkwo',
    })
  })
})
