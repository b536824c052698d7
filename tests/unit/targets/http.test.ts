import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { networkReason } from '#lib/base/network-reason.ts'
import { retryAfterMs } from '#lib/base/retry.ts'
import type { SendContext } from '#lib/core/delivery/delivery.ts'
import { exchange, verdictOf, withoutSecrets } from '#lib/targets/http.ts'

const context = (answer: () => Promise<Response>): SendContext => ({
  fetch: answer,
  now: () => 0,
  signal: new AbortController().signal,
})

describe('an exchange', () => {
  it('gives what came back, whatever the library made of it', async () => {
    const seen = await exchange(
      context(async () => new Response('no', { status: 400 })),
      [],
      async (fetch) => {
        await fetch('http://x.example', { method: 'POST', body: 'hi' })
        throw new Error('the library did not like it')
      },
    )
    expect(seen).toMatchObject({ request: 'hi', answer: { status: 400, body: 'no' } })
  })

  it('throws what the library threw before its request', async () => {
    const call = exchange(
      context(async () => new Response()),
      [],
      async () => {
        throw new Error('a bug')
      },
    )
    await expect(call).rejects.toThrow('a bug')
  })

  it('throws where the library made no request', async () => {
    await expect(
      exchange(
        context(async () => new Response()),
        [],
        async () => null,
      ),
    ).rejects.toThrow(/no request/)
  })

  it('lets no library follow redirects or set another time limit', async () => {
    const inits: (RequestInit | undefined)[] = []
    const signal = new AbortController().signal
    const fetchOnce: typeof fetch = async (_, init) => {
      inits.push(init)
      return new Response('ok')
    }
    await exchange({ fetch: fetchOnce, now: () => 0, signal }, [], (fetch) =>
      fetch('http://x.example', { redirect: 'follow', signal: AbortSignal.timeout(1) }),
    )
    expect(inits).toMatchObject([{ redirect: 'manual', signal }])
  })
})

describe('scrubbing', () => {
  it.each([
    ['no token-123456 here', 'no [secret] here'],
    ['token-123456token-123456', '[secret][secret]'],
    ['cut at tok', 'cut at tok'],
    ['cut at token-123', 'cut at [secret]'],
    ['harmless', 'harmless'],
  ])('%j becomes %j', (text, expected) => {
    expect(withoutSecrets(text, ['token-123456'])).toBe(expected)
  })

  it('takes the longest secret first, so that no rest of it is left', () => {
    expect(withoutSecrets('at /a/b/secret1/x', ['secret1', '/a/b/secret1/x'])).toBe('at [secret]')
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-08-21T09:00:00Z')
  it.each([
    ['0', null],
    ['00', null],
    ['30s', null],
    ['30, 30', null],
    ['2026-08-21T09:00:30Z', null],
    ['120', 120_000],
    [' 5 ', 5000],
    ['Fri, 21 Aug 2026 09:00:30 GMT', 30_000],
    ['Fri, 21 Aug 2026 08:00:00 GMT', null],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['12345678901', null],
    ['tomorrow', null],
    ['', null],
  ])('%j is %s ms', (value, expected) => {
    expect(retryAfterMs(new Headers({ 'retry-after': value }), now)).toBe(expected)
  })

  it('is null where there is none', () => {
    expect(retryAfterMs(new Headers(), now)).toBeNull()
  })
})

it('calls only what leads somewhere else a redirect', () => {
  const reasonOf = (status: number) => verdictOf('Slack', { status, headers: new Headers(), body: '' }, 0)
  expect(reasonOf(302)).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('a redirect') })
  expect(reasonOf(304)).toEqual({ outcome: 'failed', reason: 'Slack answered 304' })
})

describe('the reason of a broken connection', () => {
  const failed = (code: string) => Object.assign(new TypeError('fetch failed'), { cause: { code } })
  it.each([
    ['ENOTFOUND', /could not be resolved/],
    ['EAI_AGAIN', /could not be resolved/],
    ['ECONNREFUSED', /refused/],
    ['ECONNRESET', /may have arrived/],
    ['UND_ERR_SOCKET', /may have arrived/],
    ['UND_ERR_CONNECT_TIMEOUT', /no connection was established/],
    ['CERT_HAS_EXPIRED', /TLS failed/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /TLS failed/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /TLS failed/],
    ['HPE_INVALID_CONSTANT', /not valid HTTP.*may have arrived/],
    ['UND_ERR_HEADERS_OVERFLOW', /not valid HTTP.*may have arrived/],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', /not valid HTTP.*may have arrived/],
    ['E_NEW', /the request failed \(E_NEW\)/],
  ])('for %s says what to check', (code, says) => {
    const reason = networkReason('Slack', failed(code), 'hooks.slack.com')
    expect(reason).toMatch(says)
    expect(reason).toContain(code)
  })

  it('is found under the errors of several addresses', () => {
    const cause = new AggregateError([{ code: 'ECONNREFUSED' }, { code: 'ENETUNREACH' }])
    expect(networkReason('Slack', new TypeError('fetch failed', { cause }), '')).toMatch(/refused/)
  })

  it('says that nothing was sent only where nothing was', async () => {
    const reasonOf = (url: string, init: RequestInit = {}) =>
      fetch(url, init).catch((error) => networkReason('Slack', error, 'a.example'))
    const unsent = await Promise.all([
      reasonOf('http://user:password@127.0.0.1/'),
      reasonOf('http://127.0.0.1:22/'),
      reasonOf('http://127.0.0.1/', { headers: { authorization: 'Bearer a\nb' } }),
    ])
    for (const reason of unsent) expect(reason).toMatch(/Nothing was sent to/)
    const answers = [
      'hello there\r\n\r\n',
      'HTTP/1.1 1000 Odd\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.1 000 Odd\r\nContent-Length: 2\r\n\r\nok',
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${Array(50).fill('gzip')}\r\nContent-Length: 2\r\n\r\nok`,
      'HTTP/1.1 301 Moved\r\nLocation: \x01\r\nContent-Length: 0\r\n\r\n',
    ]
    for (const answer of answers) {
      const server = createServer((socket) => socket.once('data', () => socket.end(answer)))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const { port } = server.address() as AddressInfo
      const reason = await reasonOf(`http://127.0.0.1:${port}/`)
      server.close()
      expect(reason).toMatch(/gave an answer that is not valid HTTP.*may have arrived/)
    }
  })

  it('never repeats the words of the error, which may hold the address', () => {
    const error = new TypeError('Failed to parse URL from https://hooks.slack.com/services/T/B/secret')
    expect(networkReason('Slack', error, '')).not.toContain('secret')
  })
})
