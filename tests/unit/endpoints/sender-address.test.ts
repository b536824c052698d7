import { describe, expect, it } from 'vitest'
import { addressGroup, believedAddress, senderAddress } from '#lib/endpoints/sender-address.ts'

describe('the address that is believed', () => {
  it.each<[string, string | undefined, string | undefined, string | null]>([
    ['is that of a stranger, whatever it says of itself', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['is that of a stranger by IPv6', '2001:db8::7', '198.51.100.1', '2001:db8::7'],
    ['is what a proxy on this machine saw', '127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy on this machine saw, by IPv6', '::1', '2001:db8::7', '2001:db8::7'],
    ['is what a proxy saw that came by IPv4 over IPv6', '::ffff:127.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy in the same network saw', '10.1.2.3', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy in a container network saw', '172.17.0.1', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy in shared space saw', '100.64.0.2', '203.0.113.7', '203.0.113.7'],
    ['is what a proxy in fc00::/7 saw', 'fd00::1', '203.0.113.7', '203.0.113.7'],
    ['is not what the sender wrote before it', '127.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['passes over the proxies between', '172.17.0.1', '198.51.100.1, 203.0.113.7, 10.0.0.2', '203.0.113.7'],
    ['of someone in the same network is the last', '127.0.0.1', '192.168.1.5, 192.168.1.9', '192.168.1.9'],
    ['is that of the proxy where it says nothing', '127.0.0.1', undefined, '127.0.0.1'],
    ['is that of the proxy where it says nonsense', '127.0.0.1', 'unknown, <b>', '127.0.0.1'],
    ['loses the port that some proxies write', '127.0.0.1', '203.0.113.7:51234', '203.0.113.7'],
    ['loses port and brackets', '127.0.0.1', '[2001:db8::7]:443', '2001:db8::7'],
    ['loses the interface', 'fe80::1%eth0', undefined, 'fe80::1'],
    ['is none where the connection is gone', undefined, '203.0.113.7', null],
  ])('%s', (_, peer, forwardedFor, address) => {
    expect(believedAddress(peer, forwardedFor)).toBe(address)
  })
})

describe('the address of a sender', () => {
  it('is the last of several: the others were written by the client', () => {
    expect(senderAddress('1.1.1.1, 203.0.113.7')).toBe('203.0.113.7')
  })

  it('is never empty and never long', () => {
    expect(senderAddress(null)).toBe('local')
    expect(senderAddress(' ')).toBe('local')
    expect(senderAddress('9'.repeat(5000))).toHaveLength(100)
  })
})

describe('what shares one limit', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::ffff', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8::1:2:3:4:5', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['local', 'local'],
  ])('with %s is %s', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})
