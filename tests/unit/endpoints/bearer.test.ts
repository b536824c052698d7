import { describe, expect, it } from 'vitest'
import { showsToken } from '#lib/endpoints/bearer.ts'

describe('the token', () => {
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
