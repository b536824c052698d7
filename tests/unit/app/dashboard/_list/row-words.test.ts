import { describe, expect, it } from 'vitest'
import { type Change, emptyDetail } from '#lib/core/change/change.ts'
import { rowWords } from '../../../../../app/(dashboard)/_list/row-words.ts'

const now = 0x199_0000_0000
const prompt = { labelsBefore: ['staging'], labels: ['staging', 'production'] }

function said(over: object = {}, detail: object = {}) {
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
  return rowWords({ change, deliveries: [] }, { now, contextOf })
}

describe('what a row says', () => {
  it('is text as it came, and in parts where it holds what nobody would see', () => {
    expect(said().subject).toBe('support/refund')
    expect(said({ subject: 'a\u202eb' }).subject).toEqual([
      { text: 'a' },
      { code: 'U+202E', name: 'right-to-left override' },
      { text: 'b' },
    ])
  })

  it('marks the labels that are new', () => {
    const { labels } = said({}, { prompt })
    expect(labels?.before?.labels).toEqual([{ name: 'staging', isNew: false }])
    expect(labels?.after.labels.map(({ isNew }) => isNew)).toEqual([false, true])
  })

  it('names five labels and counts the others', () => {
    const { labels } = said({}, { prompt: { labelsBefore: null, labels: [...'abcdefg'] } })
    expect(labels?.before).toBeNull()
    expect(labels?.after).toMatchObject({ labels: { length: 5 }, more: 2 })
  })

  it('tells of what is not about a prompt without marks of Markdown, and not what the subject says', () => {
    expect(said({}, { message: '**High** `cost`' }).summary).toBe('High cost')
    expect(said({ title: 'Alert: support/refund' }).summary).toBeNull()
    expect(said({}, { prompt, message: 'left out' }).summary).toBeNull()
  })

  it('names nobody where nobody could be named, and the unknown where a prompt has changed', () => {
    expect(said({ actor: null }).actor).toBeNull()
    expect(said({ actor: null }, { prompt }).actor).toBe('unknown')
  })
})
