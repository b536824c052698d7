import { describe, expect, it } from 'vitest'
import type { VersionState } from '#lib/core/change/change.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import { created, deleted, flat, updated, v } from '../../../model/prompt-events.ts'

describe('the state after a change', () => {
  const stateOf = (states: VersionState[], version: number) => states.find((one) => one.version === version)

  it('keeps what is newer, and reports the older event as stale', () => {
    const old = updated(7, ['production'], { updatedAt: 99 })
    const { after, stale, touched, facts } = foldPrompt([v(7, ['latest'])], [old])
    expect({ after, stale, touched, facts }).toEqual({
      after: [v(7, ['latest'])],
      stale: [old.eventId],
      touched: [],
      facts: [{ kind: 'unchanged' }],
    })
  })

  it('counts a repeat of the known state neither as news nor as stale', () => {
    const repeat = updated(7, ['latest'], { updatedAt: 100 })
    expect(foldPrompt([v(7, ['latest'])], [repeat])).toMatchObject({
      stale: [],
      after: [v(7, ['latest'])],
      // It may have a text that was not known.
      touched: [7],
    })
  })

  it('removes a label from the version whose event got lost, and writes both', () => {
    const { after, touched } = foldPrompt([v(6, ['production']), v(7)], [updated(7, ['production'])])
    expect(stateOf(after, 6)).toEqual(v(6, []))
    expect(touched).toEqual([6, 7])
  })

  it('removes a label from a version that lost it to one that has lost it since', () => {
    const { after, facts } = foldPrompt(
      [v(1), v(2, ['production'])],
      [updated(1, ['production']), updated(1, ['staging'], { updatedAt: 300 })],
    )
    expect(after.map(({ labels }) => labels)).toEqual([['staging'], []])
    expect(facts).toContainEqual({ kind: 'label-removed', label: 'production', from: 2, now: 'unknown' })
  })

  it('does not give a label back to an older claim that arrives late', () => {
    const { after, facts } = foldPrompt(
      [v(7, ['production'], { updatedAt: 900 })],
      [updated(6, ['production'], { updatedAt: 500 })],
    )
    expect(after.map(({ labels }) => labels)).toEqual([[], ['production']])
    expect(facts).toEqual([{ kind: 'first-seen', version: 6, labels: [] }])
  })

  it('gives tags to versions whose event got lost', () => {
    const { after, touched } = foldPrompt([v(6), v(7)], [updated(7, [], { tags: ['eu'] })])
    expect(after.map(({ tags }) => tags)).toEqual([['eu'], ['eu']])
    expect(touched).toEqual([6, 7])
  })

  it('gives the tags in a deletion to the versions that are left', () => {
    const { after } = foldPrompt([v(6), v(7)], [deleted(7, [], { tags: ['eu'] })])
    expect(stateOf(after, 6)?.tags).toEqual(['eu'])
  })

  it('leaves a deleted version its own tags, even where its deletion is repeated', () => {
    const tombstone = v(7, [], { deleted: true, tags: ['eu'], updatedAt: 900 })
    for (const event of [updated(6, []), deleted(7, [], { updatedAt: 300 })])
      expect(stateOf(foldPrompt([v(6), tombstone], [event]).after, 6)?.tags).toEqual(['support'])
  })

  it('keeps a deleted version deleted, whatever arrives late', () => {
    const tombstone = v(6, ['production'], { deleted: true })
    const late = [updated(6, ['production']), created(6, ['latest'], { updatedAt: 300 })]
    const { after, stale } = foldPrompt([tombstone], late)
    expect(after).toEqual([tombstone])
    expect(stale.toSorted()).toEqual(late.map(({ eventId }) => eventId).toSorted())
  })

  it('takes a deletion as final, although it has the time of the last update', () => {
    const events = [deleted(6, ['a']), updated(6, ['a'])]
    expect(foldPrompt([v(6)], events)).toMatchObject({ after: [{ deleted: true }], stale: [] })
  })

  it('leaves a deleted version as it was when its label goes on', () => {
    const tombstone = v(6, ['production'], { deleted: true })
    const { after, touched } = foldPrompt([tombstone, v(7)], [updated(7, ['production'])])
    expect(after[0]).toEqual(tombstone)
    expect(touched).toEqual([7])
  })

  it('deletes a version even after an update with a later time', () => {
    const { after } = foldPrompt([v(6, ['production'])], [deleted(6, [], { updatedAt: 90 })])
    expect(stateOf(after, 6)).toEqual(v(6, ['production'], { deleted: true }))
  })

  it('does not let the late deletion of an earlier prompt of that name delete the new one', () => {
    const anew = v(1, ['latest'], { promptId: 'new', updatedAt: 900 })
    const late = deleted(1, ['latest'], { promptId: 'p1' })
    expect(foldPrompt([anew], [late])).toMatchObject({ after: [anew], stale: [late.eventId] })
  })

  describe('with versions that may have been deleted without an event', () => {
    const hour = 3_600_000
    const anew = created(1, ['latest'], { promptId: 'new', createdAt: hour, updatedAt: hour })
    const deletedOf = (states: VersionState[]) =>
      states.filter((state) => state.deleted).map(({ version, presumed }) => [version, presumed])

    it('drops those that were last known long before a lower number was created, but no others', () => {
      const before = [
        v(1),
        v(2),
        v(3, [], { updatedAt: hour - 60_000 }),
        v(4, [], { updatedAt: hour + 60_000 }),
      ]
      const { after, touched } = foldPrompt(before, [anew])
      expect(deletedOf(after)).toEqual([[2, true]])
      expect(touched).toEqual([1, 2])
    })

    it('drops none that an event of the same change mentions', () => {
      for (const event of [updated(2, []), updated(2, [], { updatedAt: 90 })])
        expect(deletedOf(foldPrompt([v(1), v(2)], [anew, event]).after)).toEqual([])
    })

    it('drops none by the rows of a copied prompt, whatever the order of their times and changes', () => {
      const copy = [0, 2, 1].map((ms, i) =>
        created(i + 1, i === 2 ? ['latest'] : [], { createdAt: hour + ms, updatedAt: hour + ms }),
      )
      expect(deletedOf(foldPrompt([], copy).after)).toEqual([])
      const known = foldPrompt(
        [],
        [copy[0], copy[2]].flatMap((one) => one ?? []),
      )
      expect(deletedOf(foldPrompt(known.after, copy.slice(1, 2)).after)).toEqual([])
    })

    it('lets a new version say so only once: later it says nothing about higher ones', () => {
      const known = foldPrompt([v(2)], [anew]).after
      const back = foldPrompt(known, [updated(2, ['staging'], { updatedAt: 200 })]).after
      expect(deletedOf(back)).toEqual([])
      const again = updated(1, ['latest'], { promptId: 'new', createdAt: hour, updatedAt: hour + 1000 })
      expect(deletedOf(foldPrompt(back, [again]).after)).toEqual([])
    })

    it('takes back an inferred deletion with any later event of that version', () => {
      const gone = v(2, ['staging'], { deleted: true, presumed: true })
      const { after, stale } = foldPrompt([v(1), gone], [updated(2, ['staging', 'production'])])
      expect(stale).toEqual([])
      expect(stateOf(after, 2)).toEqual(v(2, ['staging', 'production'], { updatedAt: 200 }))
    })

    it('keeps it deleted where the event is no later than the known state, or of another row with that number', () => {
      const gone = v(2, ['staging'], { deleted: true, presumed: true })
      expect(deletedOf(foldPrompt([gone], [updated(2, ['staging'], { updatedAt: 100 })]).after)).toHaveLength(
        1,
      )
      const other = updated(2, [], { promptId: 'other' })
      expect(stateOf(foldPrompt([gone], [other]).after, 2)?.promptId).toBe('other')
    })

    it('takes a reported deletion as final, even where it was inferred before', () => {
      const gone = v(2, [], { deleted: true, presumed: true })
      const fold = foldPrompt([v(1), gone], [deleted(2, [], { updatedAt: 100 })])
      expect(deletedOf(fold.after)).toEqual([[2, undefined]])
      const late = updated(2, ['staging'], { updatedAt: 300 })
      expect(foldPrompt(fold.after, [late])).toMatchObject({ stale: [late.eventId] })
    })
  })

  it('does not invent who inherited `latest`', () => {
    const { after } = foldPrompt([v(1), v(2, ['latest'])], [deleted(2, ['latest'], { updatedAt: 100 })])
    expect(stateOf(after, 1)).toEqual(v(1, []))
  })

  describe('with what a comparison with Langfuse found', () => {
    const found = (readAt = 5000) => ({ reconciled: { readAt, knownAt: null }, user: null })

    it('wins over a known state whose time is later, also where it is of another version', () => {
      const before = [v(6, ['production'], { updatedAt: 9000 }), v(7, [], { updatedAt: 9000 })]
      const { after, facts, stale } = foldPrompt(before, [updated(7, ['production'], found())])
      expect(after.map(({ labels, updatedAt, readAt }) => ({ labels, updatedAt, readAt }))).toEqual([
        { labels: [], updatedAt: 9000, readAt: undefined },
        { labels: ['production'], updatedAt: 200, readAt: 5000 },
      ])
      expect(facts).toEqual([{ kind: 'promoted', label: 'production', from: 6, to: 7 }])
      expect(stale).toEqual([])
    })

    it('is followed by a newer webhook of the same change, and follows an older one', () => {
      const events = [updated(7, ['b'], found()), updated(7, ['c'], { updatedAt: 300 })]
      const older = updated(7, ['a'], { updatedAt: 150 })
      expect(foldPrompt([v(7, [], { updatedAt: 9000 })], events).after[0]?.labels).toEqual(['c'])
      expect(foldPrompt([v(7)], [older, ...events.slice(0, 1)]).after[0]?.labels).toEqual(['b'])
    })

    it('wins over nothing once later changes have settled', () => {
      const late = { ...updated(7, ['production'], found()), isOvertaken: true as const }
      const before = [v(7, ['staging'], { updatedAt: 300 })]
      expect(foldPrompt(before, [late])).toMatchObject({ after: before, stale: [late.eventId] })
    })

    it('deletes for good, with the labels that were known last', () => {
      const gone = deleted(7, ['production'], { ...found(), updatedAt: 100 })
      const { after, facts } = foldPrompt([v(6), v(7, ['production'], { updatedAt: 9000 })], [gone])
      expect(facts).toEqual([{ kind: 'deleted', versions: [7], labels: ['production'], whole: false }])
      const late = updated(7, ['production'], { updatedAt: 300 })
      expect(foldPrompt(after, [late])).toMatchObject({ stale: [late.eventId] })
    })

    it('reports a deletion that was only inferred, once', () => {
      const gone = deleted(7, ['staging'], { ...found(), updatedAt: 100 })
      const before = [v(6), v(7, ['staging'], { deleted: true, presumed: true })]
      const { after, facts } = foldPrompt(before, [gone])
      expect(facts).toMatchObject([{ kind: 'deleted', versions: [7] }])
      expect(foldPrompt(after, [gone]).facts).toEqual([{ kind: 'unchanged' }])
    })

    it('does not delete a version that was created again since under its number', () => {
      const gone = deleted(7, [], { ...found(), updatedAt: 9000 })
      const anew = v(7, ['latest'], { promptId: 'new' })
      expect(foldPrompt([anew], [gone])).toMatchObject({ after: [anew], stale: [gone.eventId] })
    })

    it('revives a version that was taken for deleted', () => {
      const before = [v(7, ['latest'], { deleted: true, updatedAt: 9000 })]
      expect(foldPrompt(before, [updated(7, ['latest'], found())]).after).toMatchObject([{ deleted: false }])
    })

    it('infers no other deletion: a comparison finds those by itself', () => {
      const hour = 3_600_000
      const anew = created(6, ['latest'], { ...found(), createdAt: hour, updatedAt: hour })
      expect(foldPrompt([v(5), v(9)], [anew]).after.filter((state) => state.deleted)).toEqual([])
    })

    it('keeps what a listing does not say', () => {
      const {
        promptId: _,
        commitMessage: __,
        createdBy: ___,
        createdAt: ____,
        ...seen
      } = updated(7, ['a'], found())
      const { after } = foldPrompt([v(7, [], { commitMessage: 'Shorter' })], [seen])
      expect(after).toMatchObject([
        { promptId: 'p7', commitMessage: 'Shorter', createdBy: 'maya-id', labels: ['a'] },
      ])
    })

    it('knows who made a version only if it was the API, and who labelled it only if it has not changed since', () => {
      const byApi = { ...found(), createdBy: 'API', createdAt: 200 }
      expect(foldPrompt([v(6, ['production'])], [created(7, ['production'], byApi)])).toMatchObject({
        actor: 'API',
        facts: [{ kind: 'version-created' }, { kind: 'promoted' }],
      })
      const later = foldPrompt(
        [v(6, ['production'])],
        [created(7, ['production'], { ...byApi, updatedAt: 9000 })],
      )
      expect(later).toMatchObject({
        actor: 'API',
        facts: [{ kind: 'version-created' }, { kind: 'promoted', by: null }],
      })
      expect(foldPrompt([v(6)], [created(7, [], found())]).actor).toBeNull()
    })
  })

  describe('with the flat form', () => {
    it('keeps what the event leaves out', () => {
      const { after } = foldPrompt([v(7, ['latest'])], [flat('updated', 7, 600)])
      expect(after).toEqual([v(7, ['latest'])])
    })

    it('orders events by their own time, with the stored state first where its time is unknown', () => {
      const before = [v(7, ['a'], { promptId: null, updatedAt: null, tags: [] })]
      const events = [flat('updated', 7, 20, ['c']), flat('updated', 7, 10, ['b'])]
      expect(foldPrompt(before, events)).toMatchObject({
        after: [{ labels: ['c'], updatedAt: null }],
        stale: [],
      })
    })

    it('does not overrule a later update from Langfuse itself', () => {
      const event = flat('updated', 7, 99, ['production'])
      expect(foldPrompt([v(7, ['latest'])], [event])).toMatchObject({
        after: [v(7, ['latest'])],
        stale: [event.eventId],
      })
    })

    it('drops no version without a known time', () => {
      const before = [v(9, [], { promptId: null, updatedAt: null })]
      expect(foldPrompt(before, [created(8, ['latest'])]).after).toMatchObject([
        {},
        { version: 9, deleted: false },
      ])
    })

    it('leaves a label with the live version where a deleted one had it at an unknown time', () => {
      const unknown = { promptId: null, updatedAt: null }
      const before = [v(7, ['production'], unknown), v(9, ['production'], { ...unknown, deleted: true })]
      expect(foldPrompt(before, [flat('updated', 7, 600)]).facts).toEqual([{ kind: 'unchanged' }])
      expect(foldPrompt(before, [flat('created', 10, 600)]).after[0]?.labels).toEqual(['production'])
    })

    it('takes the tags from a version that has any', () => {
      const events = [updated(6, [], { tags: ['eu'] }), flat('updated', 7, 900)]
      expect(foldPrompt([v(6), v(7)], events).after.map(({ tags }) => tags)).toEqual([['eu'], ['eu']])
    })

    it('reports no change of tags where none were known', () => {
      const before = [v(7, [], { updatedAt: null, tags: [] })]
      expect(foldPrompt(before, [updated(7, [])]).facts).toEqual([{ kind: 'unchanged' }])
    })

    it('lets a deleted version be created again, but not revived by an update', () => {
      const gone = v(7, [], { promptId: null, updatedAt: null, deleted: true })
      expect(foldPrompt([gone], [flat('created', 7, 600)]).after).toMatchObject([{ deleted: false }])
      expect(foldPrompt([gone], [flat('updated', 7, 600)]).after).toMatchObject([{ deleted: true }])
    })
  })
})
