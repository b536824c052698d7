import { describe, expect, it } from 'vitest'
import { projectIdOf } from '#lib/langfuse/project-id.ts'
import { fixture } from '../../fixtures.ts'

const project = 'cmfq1x7h3000108l4b2k9d6tz'

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
    ['text that is not JSON', `"projectId":"${project}"`],
    ['JSON that ends early', `{"prompt":{"projectId":"${project}"`],
    ['a list', `[{"projectId":"${project}"}]`],
    ['an object with a list', `{"x":[{"projectId":"${project}"}]}`],
  ])('is not read from %s', (_, text) => {
    const body = Buffer.from(text)
    expect(projectIdOf(body, body.byteLength)).toBeNull()
  })

  it('is not read from a text that merely quotes it', () => {
    const body = Buffer.from(JSON.stringify({ text: `{"projectId":"${project}"}`, more: 'x'.repeat(3000) }))
    expect(projectIdOf(body.subarray(0, 2048), body.byteLength)).toBeNull()
  })
})
