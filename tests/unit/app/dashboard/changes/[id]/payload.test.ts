import { describe, expect, it } from 'vitest'
import { listQuery, pathWith } from '../../../../../../app/_ui/list-query.ts'
import { payloadOf } from '../../../../../../app/(dashboard)/changes/[id]/payload.ts'

const encode = (text: string) => new TextEncoder().encode(text)

describe('a body on the page', () => {
  it('is indented if it is complete', () => {
    const body = encode('{"a":[1]}')
    expect(payloadOf(body, body.byteLength)).toEqual({ text: '{\n  "a": [\n    1\n  ]\n}', isWhole: true })
  })

  it('is shown as received if it is truncated, without a partial character at its end', () => {
    const body = encode('{"a":"ä"}').subarray(0, 7)
    expect(payloadOf(body, 10)).toEqual({ text: '{"a":"', isWhole: false })
  })

  it('is shown as received if it is not JSON', () => {
    expect(payloadOf(encode('{'), 1)).toEqual({ text: '{', isWhole: true })
  })
})

describe('the address of a list', () => {
  it('keeps known parameters and ignores the rest', () => {
    expect(listQuery.parse({ before: 'chg_019a', prompt: 'a/b', sort: 'x' })).toEqual({
      before: 'chg_019a',
      prompt: 'a/b',
    })
  })

  it.each([
    ['an id of another form', { before: "chg_' or 1=1" }],
    ['an id twice', { after: ['chg_1', 'chg_2'] }],
    ['an endless name', { prompt: 'a'.repeat(5000) }],
    ['an empty name', { prompt: '' }],
  ])('takes %s for nothing', (_what, query) => {
    expect(Object.values(listQuery.parse(query)).filter((value) => value !== undefined)).toEqual([])
  })

  it('encodes its parameters', () => {
    expect(pathWith('/', { prompt: 'a&b=/ü', before: undefined })).toBe('/?prompt=a%26b%3D%2F%C3%BC')
    expect(pathWith('/events', { change: undefined })).toBe('/events')
  })
})
