import { describe, expect, it } from 'vitest'
import { cutToCodePoints, itemsOf, shapeOf, textSize, variablesOf } from '#lib/core/difference/prompt-text.ts'

describe('the variables of a prompt', () => {
  it.each<[unknown, string[]]>([
    ['Hi {{ name }}, {{order_id}} and {{name}}', ['name', 'order_id']],
    ['{"n": {{n}}} and {{{raw}}}', ['n', 'raw']],
    ['{{"key": 1}} {{#section}} {{/section}} {{}} {{a b}} {{ {x} }} { {y} }', []],
    ['{{größe}} {{user.name}} {{v2}} {{2v}}', ['größe', 'user.name', 'v2']],
    ['{{open', []],
    [
      [
        { role: 'system', content: '{{a}}' },
        { type: 'placeholder', name: 'history' },
        { role: 'user', content: '{{b}}' },
      ],
      ['a', 'b', 'placeholder:history'],
    ],
    [{ any: ['{{deep}}'] }, ['deep']],
    [undefined, []],
  ])('of %j are %j', (text, names) => {
    expect(variablesOf(text)).toEqual(names)
  })
})

describe('the size of a prompt', () => {
  it.each<[unknown, number]>([
    ['', 0],
    ['a👋b', 3],
    ['\ud800', 1],
    [
      [
        { role: 'system', content: 'abc' },
        { type: 'placeholder', name: 'history' },
        { role: 'user', content: '👋' },
      ],
      4,
    ],
    [null, 0],
    [5, 1],
  ])('of %j is %i characters', (text, size) => {
    expect(textSize(text)).toBe(size)
  })
})

describe('the shape of a prompt', () => {
  it.each<[unknown, string]>([
    ['x', 'text'],
    [[], 'chat'],
    [[{ type: 'placeholder', name: 'x' }], 'chat'],
    [[{ role: 'user', content: 'x' }, 'y'], 'json'],
    [[null], 'json'],
    [{}, 'json'],
    [undefined, 'none'],
  ])('of %j is %s', (text, shape) => {
    expect(shapeOf(text)).toBe(shape)
  })

  it('takes JSON of any depth, and keeps a key named __proto__', () => {
    expect(itemsOf(JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)))[0]?.text).toContain('…')
    expect(itemsOf(JSON.parse('{"__proto__":1}'))[0]?.text).toBe('{\n  "__proto__": 1\n}')
  })
})

describe('a cut text', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['👋👋👋', 3, '👋👋👋'],
    ['👋👋👋👋', 3, '👋👋…'],
  ])('of %s to %i is %s', (text, limit, result) => {
    expect(cutToCodePoints(text, limit)).toBe(result)
  })
})
