import { describe, expect, it } from 'vitest'
import { ownPath } from '#lib/own-path.ts'

describe('the page after the login', () => {
  it.each([
    '/',
    '/events',
    '/changes/chg_019a',
    '/?prompt=support%2Frefund-reply&before=chg_019a',
    '/?prompt=100%25',
    '/?prompt=%E2%9C%93',
  ])('is %s, as asked', (path) => {
    expect(ownPath(path)).toBe(path)
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
    ['broken encoding', '/%zz'],
    ['a path beyond all measure', `/${'a'.repeat(3000)}`],
  ])('is the list for %s', (_what, path) => {
    expect(ownPath(path)).toBe('/')
  })
})
