import { describe, expect, it } from 'vitest'
import { ownPath } from '#app/login/own-path.ts'

describe('the page after login', () => {
  it.each([
    '/',
    '/events',
    '/changes/chg_019a',
    '/?prompt=support%2Frefund-reply&before=chg_019a',
    '/?prompt=100%25',
    '/?prompt=%E2%9C%93',
    '/?prompt=a//b',
    '/?q=%5Cd%2B%00',
    '/prompts/support%2Frefund-reply',
    '/prompts/100%25',
    '/changes/chg_019a#dlv_1',
  ])('is %s, as requested', (path) => {
    expect(ownPath(path)).toBe(path)
  })

  it('has no dot segments', () => {
    expect(ownPath('/setup/../events?x=1')).toBe('/events?x=1')
    expect(ownPath('/a/%2e%2e/events')).toBe('/events')
  })

  it.each([
    ['nothing', undefined],
    ['an empty text', ''],
    ['another site', 'https://evil.example'],
    ['a script', 'javascript:alert(1)'],
    ['a relative path', 'events'],
    ['two slashes', '//evil.example'],
    ['three slashes', '///evil.example'],
    ['dots between the slashes', '/.//evil.example'],
    ['two dots between the slashes', '/..//evil.example'],
    ['a backslash', '/\\evil.example'],
    ['a backslash further on', '/events\\..\\x'],
    ['a tab, which browsers drop', '/\t/evil.example'],
    ['a new line, which browsers drop', '/\n/evil.example'],
    ['a null', '/\0/evil.example'],
    ['an encoded slash', '/%2fevil.example'],
    ['an encoded backslash', '/%5cevil.example'],
    ['an encoded new line', '/%0a/evil.example'],
    ['a slash encoded twice', '/%252fevil.example'],
    ['a slash encoded four times', '/%2525252fevil.example'],
    ['an encoded null', '/events%00'],
    ['broken encoding', '/%zz'],
    ['two slashes after a step back', '/events/..//evil.example'],
    ['two slashes after two steps back', '/a/../..//evil.example'],
    ['two slashes after encoded dots', '/setup/%2e%2e//evil.example'],
    ['two slashes after one encoded dot', '/setup/.%2E//evil.example'],
    ['two slashes after dots encoded twice', '/setup/%252e%252e//evil.example'],
    ['an encoded slash after a step back', '/events/..%2f/evil.example'],
    ['two encoded slashes after a step back', '/events/..%2f%2fevil.example'],
    ['all of it encoded', '/events%2f%2e%2e%2f%2fevil.example'],
    ['all of it encoded twice', '/events%252f%252e%252e%252f%252fevil.example'],
    ['all of it encoded three times', '/events%25252f..%25252f%25252fevil.example'],
    ['two slashes further on', '/events//evil.example'],
    ['two slashes at the end', '/events//'],
    ['an encoded backslash after a step back', '/events/..%5c%5cevil.example'],
    ['a tab between slashes after a step back', '/events/../\t/evil.example'],
    ['an encoded tab between slashes', '/events/..%2f%09%2fevil.example'],
    ['an encoded question mark before a step back', '/events%3f/..//evil.example'],
    ['an encoded hash before a step back', '/events%23/..%2f/evil.example'],
    ['a name before the host', '/events/..//user@evil.example'],
    ['a backslash in the query, which browsers may read otherwise', '/?q=\\evil'],
    ['a path beyond all measure', `/${'a'.repeat(3000)}`],
  ])('is the list for %s', (_what, path) => {
    expect(ownPath(path)).toBe('/')
  })
})
