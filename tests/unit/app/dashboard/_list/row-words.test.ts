import { describe, expect, it } from 'vitest'
import { type Change, emptyDetail } from '#lib/core/change/change.ts'
import { rowWords } from '../../../../../app/(dashboard)/_list/row-words.ts'

const now = 0x199_0000_0000
const prompt = { labelsBefore: ['staging'], labels: ['staging', 'production'] }

function rowOf(
  over: object = {},
  detail: object = {},
  nameOf: (id: string | null) => string | null = () => null,
) {
  const change = {
    id: 'chg_1',
    kind: 'promoted',
    status: 'settled',
    subject: 'support/refund',
    title: 'A title',
    version: 3,
    actor: 'Maya',
    danger: false,
    eventCount: 1,
    openedAt: now,
    detail: { ...emptyDetail, ...detail },
    ...over,
  } as Change
  const contextOf = () => ({ now, heldUntil: null, tries: 13, replayNote: null })
  return rowWords({ change, deliveries: [] }, { now, directory: { nameOf }, contextOf })
}

describe('the words of a row', () => {
  it('have the name of its project, where that has one', () => {
    const nameOf = (id: string | null) => (id === 'cm0a' ? 'support' : null)
    expect(rowOf({ projectId: 'cm0a' }, {}, nameOf).project).toBe('support')
    expect(rowOf({ projectId: 'cm0b' }, {}, nameOf).project).toBeNull()
    expect(rowOf({ projectId: 'cm0b' }, { project: 'sales' }, nameOf).project).toBe('sales')
  })

  it('are plain text, or parts if it has invisible characters', () => {
    expect(rowOf().subject).toBe('support/refund')
    expect(rowOf({ subject: 'a\u202eb' }).subject).toEqual([
      { text: 'a' },
      { code: 'U+202E', name: 'right-to-left override' },
      { text: 'b' },
    ])
  })

  it('mark new labels', () => {
    const { labels } = rowOf({}, { prompt })
    expect(labels?.before?.labels).toEqual([{ name: 'staging', isNew: false }])
    expect(labels?.after.labels.map(({ isNew }) => isNew)).toEqual([false, true])
  })

  it('name five labels and count the others', () => {
    const { labels } = rowOf({}, { prompt: { labelsBefore: null, labels: [...'abcdefg'] } })
    expect(labels?.before).toBeNull()
    expect(labels?.after).toMatchObject({ labels: { length: 5 }, more: 2 })
  })

  it('have a summary for what is not about a prompt, without Markdown and without repeating the subject', () => {
    expect(rowOf({}, { message: '**High** `cost`' }).summary).toBe('High cost')
    expect(rowOf({ title: 'Alert: support/refund' }).summary).toBeNull()
    expect(rowOf({}, { prompt, message: 'left out' }).summary).toBeNull()
  })

  it('have no actor if there can be none, and "unknown" for a prompt', () => {
    expect(rowOf({ actor: null }).actor).toBeNull()
    expect(rowOf({ actor: null }, { prompt }).actor).toBe('unknown')
  })
})
