import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { proxyFor } from '#lib/base/proxy-env.ts'
import { privateAddress, publicFetch, type Resolve } from '#lib/targets/webhook/public-fetch.ts'

const connected: string[] = []
const proxy = createServer().on('connect', (request, socket) => {
  connected.push(request.url ?? '')
  socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
})
let address = ''

beforeAll(async () => {
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done))
  address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
})
afterAll(() => {
  proxy.close()
})

describe('the proxy of the environment', () => {
  it.each<[string, string, Record<string, string>, boolean]>([
    ['is used for https', 'https://a.test/x', {}, true],
    ['is not used for http, which has its own', 'http://a.test/x', {}, false],
    ['is not used for a host of NO_PROXY', 'https://a.test/x', { NO_PROXY: 'b.test, a.test' }, false],
    ['is not used for a subdomain of one', 'https://x.a.test/x', { NO_PROXY: '.a.test' }, false],
    ['is used for a host with only the same ending', 'https://xa.test/x', { NO_PROXY: 'a.test' }, true],
    ['is used for another port of the host', 'https://a.test/x', { NO_PROXY: 'a.test:8443' }, true],
    ['is not used at all with *', 'https://a.test/x', { NO_PROXY: '*' }, false],
    ['is not used if Node is configured not to', 'https://a.test/x', { NODE_USE_ENV_PROXY: '0' }, false],
    ['is quoted in some files', 'https://a.test/x', { HTTPS_PROXY: '"http://proxy.test:1"\r' }, true],
    ['is none where it is no URL', 'https://a.test/x', { HTTPS_PROXY: 'proxy.test:1' }, false],
  ])('%s', (_, url, more, isUsed) => {
    const found = proxyFor(new URL(url), { HTTPS_PROXY: 'http://proxy.test:1', ...more })
    expect(found).toBe(isUsed ? 'http://proxy.test:1' : null)
  })

  it('is used by fetch with HTTPS_PROXY alone', async () => {
    const script =
      "const { takeProxiesOf } = await import('#lib/base/proxy-env.ts'); takeProxiesOf(process.env); await fetch('https://plain.bugs.example/').catch(() => 0)"
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { NODE_ENV: 'test', HTTPS_PROXY: address },
    })
    expect(connected).toContain('plain.bugs.example:443')
  })
})

describe('a signed webhook behind a proxy', () => {
  const to = (host: string, resolve: Resolve, more: Record<string, string> = {}) =>
    publicFetch(resolve, { HTTPS_PROXY: address, ...more })(`https://${host}/h`, {
      method: 'POST',
      body: '{}',
    })
  const unknown: Resolve = (_, done) => done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), [])
  const inside: Resolve = (_, done) => done(null, [{ address: '10.0.0.1', family: 4 }])

  it('goes through it if only the proxy can resolve the name', async () => {
    await expect(to('signed.bugs.example', unknown)).rejects.toThrow()
    expect(connected).toContain('signed.bugs.example:443')
  })

  it('is refused if the name is known to be private', async () => {
    await expect(to('inside.bugs.example', inside)).rejects.toMatchObject({ code: privateAddress })
    expect(connected).not.toContain('inside.bugs.example:443')
  })

  it('is checked when it connects to a host of NO_PROXY', async () => {
    const sent = to('direct.bugs.example', inside, { NO_PROXY: 'bugs.example' })
    await expect(sent).rejects.toMatchObject({ cause: { code: privateAddress } })
    expect(connected).not.toContain('direct.bugs.example:443')
  })
})
