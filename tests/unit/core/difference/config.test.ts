import { describe, expect, it } from 'vitest'
import { diffConfig } from '#lib/core/difference/config.ts'

const nested = (depth: number, leaf: unknown): unknown => {
  let value = leaf
  for (let i = 0; i < depth; i++) value = { a: value }
  return value
}

describe('the difference of two configs', () => {
  it.each<[string, unknown, unknown, [string, string | null, string | null][]]>([
    ['equal ones in another order', { a: 1, b: [1] }, { b: [1], a: 1 }, []],
    ['an unknown one', undefined, { a: 1 }, []],
    ['a changed key', { a: { b: 1, c: 2 } }, { a: { b: 2, c: 2 } }, [['a.b', '1', '2']]],
    [
      'an added and a removed key',
      { a: 1 },
      { b: null },
      [
        ['a', '1', null],
        ['b', null, 'null'],
      ],
    ],
    ['a plain list, as a whole', { stop: ['a'] }, { stop: ['a', 'b'] }, [['stop', '["a"]', '["a","b"]']]],
    [
      'a list of objects, by index',
      { t: [{ n: 1 }] },
      { t: [{ n: 2 }, { n: 3 }] },
      [
        ['t.0.n', '1', '2'],
        ['t.1', null, '{"n":3}'],
      ],
    ],
    ['a list that became an object', { a: [] }, { a: {} }, [['a', '[]', '{}']]],
    ['configs that are no objects', 'x', 3, [['config', '"x"', '3']]],
    [
      'a key named __proto__',
      JSON.parse('{"__proto__":1}'),
      JSON.parse('{"__proto__":2}'),
      [['__proto__', '1', '2']],
    ],
    ['a key named constructor', {}, { constructor: 1 }, [['constructor', null, '1']]],
  ])('shows %s', (_, before, after, changes) => {
    expect(diffConfig(before, after).changes.map(({ key, before, after }) => [key, before, after])).toEqual(
      changes,
    )
  })

  it('shows at most 20 keys and counts the rest', () => {
    const config = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, i]))
    const { changes, more } = diffConfig({}, config)
    expect([changes.length, more]).toEqual([20, 10])
  })

  it('cuts long values at 100 characters, around the change', () => {
    const [change] = diffConfig({ a: `${'x'.repeat(500)}1` }, { a: `${'x'.repeat(500)}2` }).changes
    expect(change?.before).toMatch(/^…x+1"$/)
    expect(change?.after).toMatch(/^…x+2"$/)
    expect(diffConfig({}, { a: '👋'.repeat(200) }).changes[0]?.after).toBe(`"${'👋'.repeat(98)}…`)
  })

  it('does not follow endless nesting', () => {
    expect(diffConfig(nested(60, 1), nested(60, 2)).changes).toHaveLength(1)
    expect(diffConfig(nested(100_000, 1), nested(100_000, 2)).changes).toEqual([])
  })
})
