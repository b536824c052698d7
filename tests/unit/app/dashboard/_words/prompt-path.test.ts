import { describe, expect, it } from 'vitest'
import { promptName, promptPath, promptQuery } from '../../../../../app/(dashboard)/_words/prompt-path.ts'

/** What Next passes to the page: the path's segments as a browser sends them, still encoded. */
function arriving(href: string): string | null {
  const { pathname, searchParams } = new URL(href, 'http://relay.example')
  const query = promptQuery.parse(Object.fromEntries(searchParams))
  return promptName(pathname.slice('/prompts/'.length).split('/'), query)
}

const names = [
  'greeting',
  'support/refund-reply',
  '客服/退款 🚀/ответ "v2" & Ünïcode — naïve',
  '100% sure',
  'a%2Fb',
  'a%252Fb/c',
  'query?like=this#and-that',
  'by-name',
  'a.b/..c/d..',
  '.',
  '..',
  '../../login',
  'a/./b',
  'a//b',
  '/leading',
  'trailing/',
  '%2e%2e/x',
  'back\\slash',
  ' blanks ',
  '(.)folder/[...name]/@slot',
  '<img src=x onerror=alert(1)>',
  'x\u202Egnp.exe\u202C',
  'a+b;c=d,e',
  'file.rsc',
  'constructor/__proto__',
]

describe('the address of a prompt', () => {
  it.each(names)('leads back to %j', (name) => {
    expect(arriving(promptPath(name))).toBe(name)
    expect(arriving(promptPath(name, { project: 'p/1', from: 1, to: 2 }))).toBe(name)
  })

  it('never leaves the pages of prompts', () => {
    for (const name of names) {
      const { origin, pathname } = new URL(promptPath(name), 'http://relay.example')
      expect([name, origin, pathname.startsWith('/prompts/')]).toEqual([name, 'http://relay.example', true])
    }
  })

  it('does not end like a request of Next for page data', () => {
    expect(new URL(promptPath('file.rsc'), 'http://relay.example').pathname).toBe('/prompts/by-name')
  })

  it('keeps folders readable', () => {
    expect(promptPath('support/refund-reply', { from: 6, to: 7 })).toBe(
      '/prompts/support/refund-reply?from=6&to=7',
    )
  })

  it('reads half a character as the store does, and does not fail', () => {
    expect(arriving(promptPath('half \ud83d'))).toBe('half \ufffd')
  })

  it('that is badly encoded is no prompt', () => {
    expect(promptName(['100%'], {})).toBeNull()
    expect(promptName(['%ff'], {})).toBeNull()
  })

  it('ignores unknown parameters', () => {
    const query = { from: '0', to: '7', view: 'x', below: '1e99', before: "chg_1'--", project: ['a', 'b'] }
    expect(promptQuery.parse(query)).toEqual({ to: 7 })
  })
})
