import { BlockList, isIP } from 'node:net'

/** Addresses that only a proxy of the operator's can have: loopback, private, link-local, shared (RFC 6598), unique local. */
const inner = new BlockList()
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  inner.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::1', 128],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  inner.addSubnet(net, prefix, 'ipv6')

const isInner = (ip: string): boolean => inner.check(ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')

/** The address in `1.2.3.4:5678`, `[2001:db8::1]:443`, `fe80::1%eth0` or `::ffff:1.2.3.4`; null: there is none. */
function plainIp(text: string): string | null {
  const [, bracketed, withPort] = /^\[([^\]]*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(text) ?? []
  const ip = (bracketed ?? withPort ?? text).replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(ip) === 0 ? null : ip
}

/**
 * The sender's address, as far as it can be trusted. Anyone can set `X-Forwarded-For`, and each proxy appends the address it
 * saw. If the other end of the connection (`peer`) is the operator's proxy, it is the rightmost entry that is not such a
 * proxy itself; otherwise it is `peer`.
 */
export function believedAddress(peer: string | undefined, forwardedFor: string | undefined): string | null {
  const own = plainIp(peer ?? '')
  if (own === null || !isInner(own)) return own
  const entries = (forwardedFor ?? '').split(',').flatMap((part) => plainIp(part.trim()) ?? [])
  return entries.findLast((ip) => !isInner(ip)) ?? entries.at(-1) ?? own
}

/** The last entry of `X-Forwarded-For`, which this server (`screenRequests`) or the platform has set; `local`: there is none. */
export function senderAddress(forwardedFor: string | null): string {
  return forwardedFor?.split(',').at(-1)?.trim().slice(0, 100) || 'local'
}

/** The eight groups of an IPv6 address, without leading zeros. */
function groupsOf(ip: string): string[] {
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::')
  const before = head.split(':').filter(Boolean)
  if (tail === undefined) return before
  const after = tail.split(':').filter(Boolean)
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}

/** What shares a limit: an IPv4 address, or a /64 of IPv6, which belongs to one customer. */
export function addressGroup(address: string): string {
  return isIP(address) === 6 ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address
}
