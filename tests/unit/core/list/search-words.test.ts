import { describe, expect, it } from 'vitest'
import { emptyDetail } from '#lib/core/change/change.ts'
import type { PromptEvent } from '#lib/core/change/event.ts'
import { changeWords, termsOf, wordsOf } from '#lib/core/list/search-words.ts'

describe('the words of a text', () => {
  it.each([
    ['support/refund-reply v7', ['support', 'refund', 'reply', 'v7']],
    ['ÄRGER, Äpfel', ['ärger', 'äpfel']],
    ['again Again AGAIN', ['again']],
    ['{{customer_name}}', ['customer', 'name']],
    ['नमस्ते', ['नमस्ते']],
    ['退款 replies', ['退', '款', 'replies']],
    ['ﬁne', ['fine']],
    ["it's 3.5", ['it', 's', '3', '5']],
    [`${'a'.repeat(100)}`, ['a'.repeat(40)]],
    ['--- "\'\\:*&|!', []],
  ])('%j', (text, words) => {
    expect(wordsOf([text])).toEqual(words)
  })
})

describe('the terms of a query', () => {
  it('match beginnings from four characters on, and whole words below', () => {
    expect(termsOf('refun v7')).toEqual([
      { word: 'refun', isBeginning: true },
      { word: 'v7', isBeginning: false },
    ])
  })

  it('are at most twelve', () => {
    expect(termsOf(Array.from({ length: 30 }, (_, i) => `w${i}`).join(' '))).toHaveLength(12)
  })
})

describe('the words of a change', () => {
  const event: PromptEvent = {
    type: 'prompt-version',
    action: 'updated',
    projectId: 'hidden',
    name: 'n',
    version: 7,
    text: [{ role: 'system', content: 'Apologise' }],
    config: { temperature: 0.5 },
    user: { name: 'Maya', email: 'maya@example.com' },
  }
  const change = { subject: 'support/refund', title: 'It moved', actor: 'Maya', detail: emptyDetail }

  it('come from its name, title and author, and from the text and config in its payload', () => {
    const words = changeWords(change, [event])
    for (const word of ['support', 'refund', 'moved', 'maya', 'apologise', 'temperature', 'example'])
      expect(words).toContain(word)
    expect(words).not.toContain('hidden')
    expect(words).not.toContain('content')
  })

  it('come from its labels, tags and commit message', () => {
    const prompt = { version: 1, labels: ['latest'], labelsBefore: null, promptType: 'text', createdBy: null }
    const detail = {
      ...emptyDetail,
      facts: [{ kind: 'label-removed', label: 'production', from: 1 } as const],
      prompt: { ...prompt, tags: ['tier'], commitMessage: 'Shorter', eventId: null },
    }
    expect(changeWords({ ...change, detail }, [])).toEqual(
      expect.arrayContaining(['production', 'latest', 'tier', 'shorter']),
    )
  })

  it('come from only the first 20,000 characters of its payload', () => {
    const words = changeWords(change, [{ ...event, text: `first ${'x '.repeat(10_000)} last` }])
    expect(words).toContain('first')
    expect(words).not.toContain('last')
  })
})
