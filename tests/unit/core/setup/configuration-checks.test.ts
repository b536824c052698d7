import { describe, expect, it } from 'vitest'
import { problemText } from '#lib/base/problem.ts'
import type { Rule } from '#lib/core/rules/rules.ts'
import { unmatched } from '#lib/core/setup/configuration-checks.ts'

const rule = (over: Partial<Rule>): Rule => ({ name: 'support', to: ['slack'], ...over })
const known = { prompts: ['support/refund', 'checkout'], projects: ['project-1'] }
const configured = [
  { name: 'sales', id: null },
  { name: 'checkout-team', id: 'project-of-checkout' },
]
const found = (over: Partial<Rule>, names: Parameters<typeof unmatched>[1] = known) =>
  unmatched([rule(over)], names, configured).map(problemText)

describe('a rule for a name that was never received', () => {
  it.each<[string, Partial<Rule>, RegExp]>([
    ['a glob', { prompt: 'suport/**' }, /^The rule "support" names the prompt suport\/\*\*, which matches/],
    ['one glob of two', { prompt: ['support/**', 'refunds/*'] }, /the prompt refunds\/\*/],
    ['a name that is nearly a known one', { prompt: 'chekout' }, /Did you mean checkout\?/],
    ['a project', { project: 'project-2' }, /the project project-2.*Did you mean project-1\?/],
  ])('is reported for %s', (_, over, words) => {
    expect(found(over)).toEqual([expect.stringMatching(words)])
  })

  it('is not reported for a configured project, nor a second time for a misspelling of its name', () => {
    const project = ['sales', 'project-of-checkout', 'salez', 'project-2']
    expect(found({ project })).toEqual([expect.stringMatching(/the project project-2,/)])
  })

  it('is not reported for a known name, nor while none or too many are known', () => {
    expect(found({ prompt: ['support/*', 'checkout'], project: 'project-1' })).toEqual([])
    expect(found({ prompt: 'x', project: 'x' }, { prompts: [], projects: [] })).toEqual([])
    expect(found({ prompt: 'x', project: 'x' }, { prompts: null, projects: null })).toEqual([])
  })
})
