import { describe, expect, it } from 'vitest'
import type { ChangeDetail, Fact, StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import { lateNews, reconciledOf, withoutExplained } from '#lib/core/prompt/reconciled.ts'
import { created, deleted, maya, updated, v } from '../../../model/prompt-events.ts'

const jo = { name: 'Jo', email: null }
const minute = 60_000
const at = (minutes: number): number => 1_790_000_000_000 + minutes * minute

const found = (event: StoredPromptEvent, { readAt = at(60), knownAt = at(0) as number | null } = {}) => ({
  ...event,
  user: null,
  reconciled: { readAt, knownAt },
})

/** The change that a comparison makes of these events. */
function changeOf(
  before: VersionState[],
  events: StoredPromptEvent[],
): Pick<ChangeDetail, 'facts' | 'reconciled'> {
  const fold = foldPrompt(before, events)
  const reconciled = reconciledOf(events, before, fold)
  return { facts: fold.facts, ...(reconciled && { reconciled }) }
}

describe('what a comparison found', () => {
  it('happened between when the state before was known last and the update, or the reading of what is gone', () => {
    const before = [v(5), v(6, ['production'])]
    const moved = changeOf(before, [
      found(updated(7, ['production'], { updatedAt: at(10) })),
      found(updated(6, [], { updatedAt: at(11) }), { knownAt: at(2) }),
    ])
    expect(moved.reconciled).toMatchObject({ from: at(0), to: at(11) })
    const gone = changeOf(before, [found(deleted(5, [], { updatedAt: at(-90) }))])
    expect(gone.reconciled).toMatchObject({ from: at(0), to: at(60) })
    const unknown = changeOf(before, [
      found(updated(6, [], { updatedAt: at(10) })),
      found(deleted(5, []), { knownAt: null }),
    ])
    expect(unknown.reconciled).toMatchObject({ from: null, to: at(60) })
  })

  it('ends no earlier than it begins, where the clocks of Langfuse and the relay are apart', () => {
    const change = changeOf([v(6)], [found(updated(6, ['a'], { updatedAt: at(-5) }))])
    expect(change.reconciled).toMatchObject({ from: at(0), to: at(0) })
  })

  it('says what was known and what is, of the main version first', () => {
    const { reconciled } = changeOf(
      [v(5, ['staging']), v(6, ['production'])],
      [
        found(updated(6, [], { tags: ['eu'] })),
        found(created(7, ['latest', 'production'], { tags: ['eu'] })),
        found(deleted(5, ['staging'])),
      ],
    )
    expect(reconciled?.versions).toEqual([
      { version: 5, before: { labels: ['staging'], tags: ['support'] }, after: null },
      {
        version: 6,
        before: { labels: ['production'], tags: ['support'] },
        after: { labels: [], tags: ['eu'] },
      },
      { version: 7, before: null, after: { labels: ['latest', 'production'], tags: ['eu'] } },
    ])
  })

  it('keeps 20 versions of many, and counts the others', () => {
    const events = Array.from({ length: 300 }, (_, i) => found(created(i + 1, i === 299 ? ['latest'] : [])))
    const { reconciled } = changeOf([], events)
    expect(reconciled?.versions).toHaveLength(20)
    expect(reconciled?.versions?.[0]?.version).toBe(300)
    expect(reconciled?.omitted).toBe(280)
  })

  it('is nothing where webhooks said all', () => {
    expect(changeOf([v(6)], [updated(6, ['a'])])).not.toHaveProperty('reconciled')
  })
})

describe('what a comparison and a webhook of the same change both say', () => {
  const of = (event: StoredPromptEvent) => event

  it('is taken from the webhook, which knows who did it', () => {
    const webhooks = [created(7, ['latest']), deleted(3)]
    const same = [found(created(7, ['latest'])), found(deleted(3, [], { updatedAt: 1 }))]
    expect(withoutExplained([...same, ...webhooks], of)).toEqual(webhooks)
  })

  it.each<[string, StoredPromptEvent, StoredPromptEvent]>([
    ['another version', found(updated(7)), updated(6)],
    ['another update', found(updated(7)), updated(7, [], { updatedAt: 199 })],
    ['another row of that number', found(updated(7)), updated(7, [], { promptId: 'other' })],
    ['not its deletion', found(deleted(7)), updated(7)],
  ])('is kept where the webhook is of %s', (_, event, webhook) => {
    expect(withoutExplained([event, webhook], of)).toEqual([event, webhook])
  })
})

describe('a webhook that comes after a comparison found what it says', () => {
  const before = [v(6, ['latest', 'production']), v(5)]
  const promoted = () =>
    changeOf(before, [
      found(created(7, ['latest', 'production'], { updatedAt: at(10) })),
      found(updated(6, [], { updatedAt: at(10) + 2 })),
    ])
  const by = (user: StoredPromptEvent['user'], updatedAt: number) => ({ user, updatedAt })

  it.each([
    [
      'both halves',
      [created(7, ['latest', 'production'], by(maya, at(10))), updated(6, [], by(maya, at(10) + 2))],
    ],
    ['the new version alone', [created(7, ['latest', 'production'], by(maya, at(10)))]],
  ])('says who did it and when: %s', (_, webhooks) => {
    expect(lateNews(promoted(), webhooks)).toEqual({ by: 'Maya Okonkwo', at: at(10) })
  })

  it('says that it was the API', () => {
    expect(
      lateNews(promoted(), [created(7, ['latest', 'production'], { ...by(null, at(10)), createdBy: 'API' })]),
    ).toMatchObject({
      by: 'API',
    })
  })

  it.each<[string, StoredPromptEvent[]]>([
    ['is of a version that was not found', [updated(5, ['staging'], by(maya, at(10)))]],
    ['is of an edit long before', [created(7, ['latest', 'production'], by(maya, at(-30)))]],
    ['is of an edit after it', [updated(7, ['latest', 'production'], by(maya, at(11)))]],
    ['shows another label', [updated(7, ['latest', 'staging'], by(maya, at(9)))]],
    ['takes the label away again', [updated(6, ['latest', 'production'], by(maya, at(9)))]],
    ['was found by a comparison as well', [found(created(7, ['latest', 'production'], by(maya, at(10))))]],
  ])('says nothing if it %s', (_, webhooks) => {
    expect(lateNews(promoted(), webhooks)).toBeNull()
  })

  it('does not name someone who edited only the tags after the label had moved', () => {
    const change = changeOf(
      [v(6, ['production']), v(7, [])],
      [
        found(updated(7, ['production'], { updatedAt: at(20), tags: ['eu'] })),
        found(updated(6, [], { updatedAt: at(20) + 1, tags: ['eu'] })),
      ],
    )
    expect(change.facts.map(({ kind }) => kind)).toEqual(['promoted', 'tags-changed'])
    const tagged = [
      updated(7, ['production'], { ...by(jo, at(20)), tags: ['eu'] }),
      updated(6, [], { ...by(jo, at(20) + 1), tags: ['eu'] }),
    ]
    const moved = [updated(7, ['production'], by(maya, at(10))), updated(6, [], by(maya, at(10) + 1))]
    expect(lateNews(change, tagged)).toBeNull()
    expect(lateNews(change, moved)).toEqual({ by: 'Maya Okonkwo', at: at(10) })
    expect(lateNews(change, [...tagged, ...moved])).toEqual({ by: 'Maya Okonkwo', at: at(10) })
    const other = updated(5, [], { ...by(jo, at(20) + 2), tags: ['eu'] })
    expect(lateNews(change, [other])).toBeNull()
    const all = changeOf(
      [v(5), v(6, ['production']), v(7, [])],
      [...tagged.map((event) => found(event)), found(other)],
    )
    expect(lateNews(all, [...tagged, other])).toEqual({ by: 'Jo', at: at(20), isPartial: true })
  })

  it('counts the main fact most, and of several edits with that outcome the last, in whatever order they come', () => {
    const change = promoted()
    const first = lateNews(change, [created(7, ['latest', 'production'], by(maya, at(8)))])
    expect(first).toEqual({ by: 'Maya Okonkwo', at: at(8) })
    const known = (late: NonNullable<typeof first>) =>
      ({
        ...change,
        reconciled: { ...change.reconciled, late: { ...late, changeId: 'chg_1' } },
      }) as typeof change
    const again = [updated(7, ['latest', 'production'], by(jo, at(10)))]
    const labelled = changeOf(
      [v(6, ['production']), v(7)],
      [found(updated(7, ['production'], { updatedAt: at(10) }))],
    )
    expect(lateNews(labelled, again)).toEqual({ by: 'Jo', at: at(10) })
    const jos = { by: 'Jo', at: at(10) }
    expect(lateNews(known(jos), [created(7, ['latest', 'production'], by(maya, at(8)))])).toBeNull()
    expect(
      lateNews(known({ ...jos, isPartial: true }), [created(7, ['latest', 'production'], by(maya, at(8)))]),
    ).toEqual(first)
    expect(lateNews(known(first ?? jos), [created(7, ['latest', 'production'], by(maya, at(8)))])).toBeNull()
  })

  it('says who tagged a prompt that had no tags', () => {
    const change = changeOf(
      [v(7, ['latest'], { tags: [] })],
      [found(updated(7, ['latest'], { updatedAt: at(10) }))],
    )
    expect(change.facts).toMatchObject([{ kind: 'tags-changed', added: ['support'] }])
    expect(lateNews(change, [updated(7, ['latest'], by(jo, at(10)))])).toEqual({ by: 'Jo', at: at(10) })
  })

  it('says who deleted a version, however late Langfuse sends it', () => {
    const change = changeOf(before, [found(deleted(6, ['latest', 'production'], { updatedAt: 100 }))])
    const webhook = deleted(6, ['latest', 'production'], { user: maya, updatedAt: 100, occurredAt: at(600) })
    expect(lateNews(change, [webhook])).toEqual({ by: 'Maya Okonkwo', at: at(60) })
    expect(lateNews(change, [deleted(5, [], { user: maya, updatedAt: 100, occurredAt: at(30) })])).toBeNull()
  })

  it('says nothing of changes of another kind, or written before versions were kept', () => {
    const { facts } = promoted()
    const webhook = [created(7, ['latest', 'production'], by(maya, at(10)))]
    expect(lateNews({ facts }, webhook)).toBeNull()
    expect(
      lateNews({ facts: [{ kind: 'unchanged' }], reconciled: { from: null, to: at(60) } }, webhook),
    ).toBeNull()
    const old = lateNews({ facts, reconciled: { from: null, to: at(60) } }, webhook)
    expect(old).toMatchObject({ by: 'Maya Okonkwo' })
  })

  it.each<[string, Fact]>([
    ['a label that left', { kind: 'label-removed', label: 'production', from: 6 }],
    ['a label that was put back', { kind: 'rolled-back', label: 'production', from: 6, to: 5 }],
  ])('says who did it, of %s', (_, fact) => {
    const news = fact.kind === 'rolled-back' ? [found(updated(5, ['production'], { updatedAt: at(9) }))] : []
    const change = changeOf(before, [...news, found(updated(6, ['latest'], { updatedAt: at(10) }))])
    expect(change.facts[0]).toMatchObject({ kind: fact.kind })
    const late = fact.kind === 'rolled-back' ? [updated(5, ['production'], by(jo, at(9)))] : []
    expect(lateNews(change, [...late, updated(6, ['latest'], by(jo, at(10)))])).toMatchObject({ by: 'Jo' })
  })
})
