import { describe, expect, it } from 'vitest'
import { problemText } from '#lib/base/problem.ts'
import type { Rule } from '#lib/core/rules/rules.ts'
import { unmatched } from '#lib/core/setup/configuration.ts'
import { showsToken } from '#lib/endpoints/bearer.ts'

const rule = (over: Partial<Rule>): Rule => ({ name: 'support', to: ['slack'], ...over })
const known = { prompts: ['support/refund', 'checkout'], projects: ['project-1'] }
const told = (over: Partial<Rule>, names: Parameters<typeof unmatched>[1] = known) =>
  unmatched([rule(over)], names).map(problemText)

describe('a rule that asks for what never came', () => {
  it.each<[string, Partial<Rule>, RegExp]>([
    [
      'a glob',
      { prompt: 'suport/**' },
      /^The rule "support" asks for the prompt suport\/\*\*, which matches/,
    ],
    ['one glob of two', { prompt: ['support/**', 'refunds/*'] }, /the prompt refunds\/\*/],
    ['a name that is nearly one', { prompt: 'chekout' }, /Did you mean checkout\?/],
    ['a project', { project: 'project-2' }, /the project project-2.*Did you mean project-1\?/],
  ])('is named for %s', (_, over, words) => {
    expect(told(over)).toEqual([expect.stringMatching(words)])
  })

  it('is not named for what came, nor while nothing came or too much did', () => {
    expect(told({ prompt: ['support/*', 'checkout'], project: 'project-1' })).toEqual([])
    expect(told({ prompt: 'x', project: 'x' }, { prompts: [], projects: [] })).toEqual([])
    expect(told({ prompt: 'x', project: 'x' }, { prompts: null, projects: null })).toEqual([])
  })
})

describe('a token of the Authorization header', () => {
  const shows = (authorization: string | null) =>
    showsToken(new Request('http://relay.test', { headers: authorization ? { authorization } : {} }), 'abc')

  it.each(['Bearer abc', 'bearer abc', 'BEARER  abc', 'Bearer bearer abc'])('is shown by %s', (value) => {
    expect(shows(value)).toBe(true)
  })

  it.each([null, 'abc', 'Bearer', 'Bearer abcd', 'Bearer ABC', 'Basic abc', 'Bearer Bearer Bearer abc'])(
    'is not shown by %s',
    (value) => {
      expect(shows(value)).toBe(false)
    },
  )
})
