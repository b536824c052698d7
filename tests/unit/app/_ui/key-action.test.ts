import { describe, expect, it } from 'vitest'
import { actionOf } from '../../../../app/_ui/key-action.ts'

const press = (key: string, over: object = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  defaultPrevented: false,
  target: { closest: () => null },
  ...over,
})

describe('a key', () => {
  it.each([
    ['j', 'next'],
    ['k', 'previous'],
    ['Escape', 'back'],
    ['/', 'search'],
    ['r', 'replay'],
    ['?', 'keys'],
    ['Enter', null],
    ['R', null],
    ['toString', null],
  ])('%s asks for %s', (key, action) => {
    expect(actionOf(press(key), false)).toBe(action)
  })

  it.each([
    ['in a field', { target: { closest: (selector: string) => selector.includes('input') } }],
    ['with Ctrl', { ctrlKey: true }],
    ['with Cmd', { metaKey: true }],
    ['with Alt', { altKey: true }],
    ['while a character is composed', { isComposing: true }],
    ['that was dealt with', { defaultPrevented: true }],
  ])('%s is none of ours', (_what, over) => {
    expect(actionOf(press('r', over), false)).toBe(null)
  })

  it('belongs to the dialog while one is open', () => {
    expect(actionOf(press('j'), true)).toBe(null)
  })
})
