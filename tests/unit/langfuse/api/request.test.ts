import { describe, expect, it } from 'vitest'
import { getFromLangfuse } from '#lib/langfuse/api/request.ts'

const keys = { publicKey: 'pk-lf-public', secretKey: 'sk-lf-secret' }
const answerTo = (
  answer: () => Promise<Response> | Response,
  seen: [string, RequestInit | undefined][] = [],
) => {
  const fetch: typeof globalThis.fetch = async (input, init) => {
    seen.push([String(input), init])
    return answer()
  }
  return getFromLangfuse({ baseUrl: 'https://langfuse.test/base/', ...keys, fetch }, '/api/public/x', {
    a: 'b c',
    n: 2,
    left: undefined,
  })
}

it.each(['/api/public/v2/prompts/..', '/api/public/traces/.', '/api/public/x/%2e%2e'])(
  'sends no request to %s, which would be another address',
  async (path) => {
    let requests = 0
    const fetch = async () => {
      requests++
      return Response.json({})
    }
    const api = { baseUrl: 'https://langfuse.test/base/', publicKey: 'pk', secretKey: 'sk', fetch }
    expect(await getFromLangfuse(api, path)).toMatchObject({ ok: false, status: null })
    expect(requests).toBe(0)
  },
)

describe("a request to Langfuse's API", () => {
  it('goes to the base address with the keys and the defined values of the query, and follows no redirect', async () => {
    const seen: [string, RequestInit | undefined][] = []
    const date = 'Fri, 21 Aug 2026 12:00:00 GMT'
    expect(await answerTo(() => Response.json({ ok: 1 }, { headers: { date } }), seen)).toEqual({
      ok: true,
      json: { ok: 1 },
      at: Date.parse(date),
    })
    const [[url, init] = []] = seen
    expect(url).toBe('https://langfuse.test/base/api/public/x?a=b+c&n=2')
    expect(new Headers(init?.headers).get('authorization')).toBe(`Basic ${btoa('pk-lf-public:sk-lf-secret')}`)
    expect(init?.redirect).toBe('error')
  })

  it.each<[string, () => Response | Promise<Response>, object]>([
    ['a status', () => new Response('', { status: 500 }), { status: 500, message: 'Langfuse answered 500' }],
    ['wrong keys', () => new Response('', { status: 401 }), { status: 401, message: /keys/ }],
    [
      'a rate limit in seconds',
      () => new Response('', { status: 429, headers: { 'retry-after': '30' } }),
      { status: 429, retryAfterMs: 30_000 },
    ],
    [
      'a rate limit of three years, which counts as two hours',
      () => new Response('', { status: 429, headers: { 'retry-after': '99999999' } }),
      { status: 429, retryAfterMs: 7_200_000 },
    ],
    [
      'a rate limit until a time by its own clock',
      () =>
        new Response('', {
          status: 429,
          headers: {
            date: 'Fri, 21 Aug 2026 12:00:00 GMT',
            'retry-after': 'Fri, 21 Aug 2026 12:02:00 GMT',
          },
        }),
      { status: 429, retryAfterMs: 120_000 },
    ],
    [
      'a rate limit until a time, without a clock',
      () => new Response('', { status: 429, headers: { 'retry-after': 'Fri, 21 Aug 2026 12:02:00 GMT' } }),
      { status: 429, retryAfterMs: null },
    ],
    ['no JSON', () => new Response('<html>'), { status: 200, message: /other than JSON/ }],
    [
      'more than 6 MB by Content-Length',
      () => new Response('{}', { headers: { 'content-length': '7000000' } }),
      { status: 200, message: /7000000 bytes/ },
    ],
    [
      'more than 6 MB',
      () => new Response(new Uint8Array(7 * 1024 * 1024)),
      { status: 200, message: /the limit is/ },
    ],
    [
      'no connection',
      () => Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })),
      { status: null, message: /langfuse\.test.*refused/ },
    ],
  ])('that is answered with %s fails as a value that contains no key', async (_, answer, expected) => {
    const result = await answerTo(answer)
    const { message = expect.anything(), ...rest } = expected as { message?: string | RegExp }
    expect(result).toMatchObject({
      ok: false,
      ...rest,
      message: message instanceof RegExp ? expect.stringMatching(message) : message,
    })
    expect(JSON.stringify(result)).not.toMatch(/lf-(public|secret)|cGstbGY/)
  })
})
