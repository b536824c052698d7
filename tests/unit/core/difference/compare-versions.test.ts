import { describe, expect, it } from 'vitest'
import { compareVersions, inFull } from '#lib/core/difference/compare-versions.ts'

const before = { version: 1, text: 'Hello {{name}}', config: { temperature: 1 } }
const after = { version: 2, text: 'Hello {{first_name}}', config: { temperature: 0 } }

describe('the difference of two versions for a page', () => {
  it('holds lines, variables and config', () => {
    const { summary, text } = compareVersions(before, after)
    expect(summary).toMatchObject({ fromVersion: 1, toVersion: 2, variablesAdded: ['first_name'] })
    expect(summary.config).toEqual([{ key: 'temperature', before: '1', after: '0' }])
    expect(text?.blocks[0]?.lines).toHaveLength(2)
  })

  it('is whole where the texts are those that the change was about', () => {
    const { summary } = compareVersions(before, after)
    expect(inFull(summary, before, after)).toEqual(compareVersions(before, after))
  })

  it.each([
    ['the text before is not known', null, after],
    ['the text after is not known', before, null],
    ['version 1 is another one since the prompt was made anew', { ...before, text: 'Bonjour' }, after],
    ['version 2 is another one since the prompt was made anew', before, { ...after, text: 'Bonjour' }],
  ])('is what was stored where %s', (_why, was, is) => {
    const { summary } = compareVersions(before, after)
    expect(inFull(summary, was, is)).toEqual({ summary, text: null })
  })
})
