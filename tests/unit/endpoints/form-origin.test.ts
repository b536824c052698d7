import { describe, expect, it } from 'vitest'
import { originProblem } from '#lib/endpoints/form-origin.ts'

const judge = (
  origin: string | null,
  given: { host?: string; forwardedHost?: string; publicUrl?: string } = {},
) => {
  const { host = 'relay.example.com', forwardedHost = null, publicUrl } = given
  return originProblem({ origin, host, forwardedHost }, publicUrl)
}

describe('a form', () => {
  it.each([
    ['of the host that was asked', 'https://relay.example.com', {}],
    ['whatever the scheme is, which a proxy changes', 'http://relay.example.com', {}],
    ['of the host in capitals', 'https://relay.example.com', { host: 'Relay.Example.COM' }],
    ['of a host with a port', 'http://localhost:3000', { host: 'localhost:3000' }],
    [
      'of the host that a proxy passes on',
      'https://relay.example.com',
      { host: '127.0.0.1:3000', forwardedHost: 'relay.example.com' },
    ],
    [
      'of the first host of several proxies',
      'https://relay.example.com',
      { host: 'inner', forwardedHost: 'relay.example.com, inner' },
    ],
  ])('%s is taken', (_, origin, given) => {
    expect(judge(origin, given)).toEqual({ problem: null, isPublic: false })
  })

  it('of the public address is taken behind a proxy that does not pass the host on', () => {
    const given = { host: '127.0.0.1:3000', publicUrl: 'https://relay.example.com/' }
    expect(judge('https://relay.example.com', given)).toEqual({ problem: null, isPublic: true })
  })

  it.each([
    ['of another site', 'https://evil.example', {}],
    ['of another port', 'http://relay.example.com:8080', {}],
    ['of a host that ends like it', 'https://evil-relay.example.com', {}],
    ['of a host that begins like it', 'https://relay.example.com.evil.example', {}],
    ['of a file', 'file://relay.example.com', {}],
    ['of nothing that is an address', 'relay.example.com', {}],
    ['of a sandbox', 'null', {}],
    ['of a sandbox where the host is named like it', 'null', { host: 'null' }],
    ['without an origin', null, {}],
    ['with an empty origin', '', {}],
    ['of another site than the public address', 'https://evil.example', { publicUrl: 'https://a.example' }],
    ['where the public address is none', 'https://evil.example', { publicUrl: 'evil.example' }],
  ])('%s is refused', (_, origin, given) => {
    expect(judge(origin, given).problem).toEqual(expect.any(String))
  })

  it('is refused with both addresses and what to do', () => {
    const given = { host: '127.0.0.1:3000', publicUrl: 'https://old.example' }
    const { problem } = judge('https://relay.example.com', given)
    expect(problem).toContain('The address does not match')
    expect(problem).toContain('sent from relay.example.com')
    expect(problem).toContain('127.0.0.1:3000 and old.example')
    expect(problem).toContain('PUBLIC_URL')
  })
})
