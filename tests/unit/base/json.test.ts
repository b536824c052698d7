import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJsonObject } from '#lib/base/json.ts'

const read = (body: string | number[]) => readJsonObject(Buffer.from(body as string))
const nested = (levels: number, open: string, close: string) =>
  `{"a":${open.repeat(levels - 1)}${close.repeat(levels - 1)}}`

describe('a body is refused', () => {
  it.each<[string, string | number[], string]>([
    ['when it is empty', '', 'not-json'],
    ['when it is cut off', '{"a":1', 'not-json'],
    ['when it holds two values', '{}{}', 'not-json'],
    ['with a raw NUL', '{"a":"\0"}', 'not-json'],
    ['with a byte order mark', '\ufeff{}', 'not-json'],
    ['with a lone byte', [0x7b, 0xff, 0x7d], 'not-utf8'],
    ['with an overlong form', [0x22, 0xc0, 0xaf, 0x22], 'not-utf8'],
    ['with a surrogate in UTF-8', [0x22, 0xed, 0xa0, 0x80, 0x22], 'not-utf8'],
    ['with a character cut in half', [0x22, 0xe2, 0x82], 'not-utf8'],
    ['when it is gzip', [0x1f, 0x8b, 0x08, 0x00], 'not-utf8'],
    ['when it is an array', '[{}]', 'not-an-object'],
    ['when it is null', 'null', 'not-an-object'],
    ['when it is a string', '"{}"', 'not-an-object'],
    ['when it is a number', '123.4', 'not-an-object'],
    ['when it is true', 'true', 'not-an-object'],
    ['with 101 levels of arrays', nested(101, '[', ']'), 'too-deep'],
    ['with 101 levels of objects', `${'{"a":'.repeat(100)}{}${'}'.repeat(100)}`, 'too-deep'],
    ['with a million levels', nested(1_000_000, '[', ']'), 'too-deep'],
  ])('%s', (_, body, reason) => {
    expect(read(body)).toMatchObject({ ok: false, reason })
  })

  it('and the message says what it is instead of an object', () => {
    expect(read('[]')).toMatchObject({ message: 'The body must be a JSON object, it is an array' })
    expect(read('null')).toMatchObject({ message: 'The body must be a JSON object, it is null' })
  })
})

describe('a body is read', () => {
  it.each([
    ['of 100 levels', nested(100, '[', ']')],
    ['with brackets inside strings', `{"a":"${'['.repeat(500)}"}`],
    ['with blanks around it', ' \r\n\t{} \n'],
    ['with an escaped NUL and lone surrogates', '{"a":"\\u0000\\ud800"}'],
  ])('%s', (_, body) => {
    expect(read(body)).toEqual({ ok: true, value: JSON.parse(body) })
  })

  it('from the middle of a larger buffer', () => {
    const larger = new Uint8Array(Buffer.from('xx{"a":1}xx'))
    expect(readJsonObject(larger.subarray(2, 9))).toEqual({ ok: true, value: { a: 1 } })
  })

  it('with the same result as JSON.parse for any object, and without a throw for any bytes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value)
        expect(read(text)).toEqual({ ok: true, value: JSON.parse(text) })
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (raw) => {
        readJsonObject(raw)
      }),
    )
  })
})

it('leaves the prototype of all objects alone', () => {
  const result = read('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}')
  expect(result.ok).toBe(true)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})
