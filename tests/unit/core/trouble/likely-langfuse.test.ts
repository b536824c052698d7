import { describe, expect, it } from 'vitest'
import { likelyLangfuse } from '#lib/core/trouble/likely-langfuse.ts'
import { projectIdOf } from '#lib/langfuse/project-id.ts'
import { fixture } from '../../../fixtures.ts'

const project = 'cmfq1x7h3000108l4b2k9d6tz'

describe('a request with an unknown signature', () => {
  it('is likely of Langfuse where it names a known project and was tried again', () => {
    expect(likelyLangfuse([{ projectId: 'p1', at: [1, 2, 2, 2] }], ['p1'])).toEqual([1, 2, 2, 2])
  })

  it.each([
    ['of another project', { projectId: 'p2', at: [1, 2, 3, 4] }],
    ['of no project', { projectId: null, at: [1, 2, 3, 4] }],
    ['that came once', { projectId: 'p1', at: [1] }],
  ])('%s is not', (_, refused) => {
    expect(likelyLangfuse([refused], ['p1'])).toEqual([])
  })
})

describe('the project of a refused body', () => {
  it.each([
    '01-prompt-created-text.json',
    '03-prompt-created-200kb.json',
    '09-monitor-alert.json',
    '10-project-notification-evaluator-blocked.json',
  ] as const)('is found in the first 2 KB of %s', (name) => {
    const body = fixture(name)
    expect(projectIdOf(body.slice(0, 2048), body.byteLength)).toBe(project)
  })

  it.each([
    ['what is no JSON', `"projectId":"${project}"`],
    ['JSON that ends early', `{"prompt":{"projectId":"${project}"`],
    ['a list', `[{"projectId":"${project}"}]`],
    ['a list in it', `{"x":[{"projectId":"${project}"}]}`],
  ])('is not looked for in %s', (_, text) => {
    const body = Buffer.from(text)
    expect(projectIdOf(body, body.byteLength)).toBeNull()
  })

  it('is not taken from a text that only quotes it', () => {
    const body = Buffer.from(JSON.stringify({ text: `{"projectId":"${project}"}`, more: 'x'.repeat(3000) }))
    expect(projectIdOf(body.subarray(0, 2048), body.byteLength)).toBeNull()
  })
})
