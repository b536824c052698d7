import { BlockList, isIP } from 'node:net'

/**
 * `packages/shared/src/server/webhooks/ipBlocking.ts` of Langfuse v4.16.0, and two that it lacks: the 6to4 relays
 * (RFC 7526) and the address of Azure's services for its own machines
 * (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
 */
const refusedV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]
/** Within `2000::/3`, outside of which nothing is public: Teredo, benchmarking, ORCHID (twice), documentation, 6to4. */
const refusedV6: [string, number][] = [
  ['2001::', 32],
  ['2001:2::', 48],
  ['2001:10::', 28],
  ['2001:20::', 28],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const refused = new BlockList()
for (const [net, prefix] of refusedV4) refused.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of refusedV6) refused.addSubnet(net, prefix, 'ipv6')
const unicast = new BlockList()
unicast.addSubnet('2000::', 3, 'ipv6')

/**
 * Whether an IP address is on the public internet. An IPv6 address that contains an IPv4 one (mapped, NAT64, 6to4) counts
 * as private: it would bypass the list.
 */
export function isPublicIp(ip: string): boolean {
  const version = isIP(ip)
  if (version === 6) return unicast.check(ip, 'ipv6') && !refused.check(ip, 'ipv6')
  return version === 4 && !refused.check(ip, 'ipv4')
}

/** Top-level names that no public DNS resolves; Langfuse refuses most of them by name. */
const innerNames = ['localhost', 'internal', 'intranet', 'local']

function isPrivate(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (isIP(host) !== 0) return !isPublicIp(host)
  return !host.includes('.') || innerNames.includes(host.split('.').at(-1) ?? '')
}

/**
 * Why Langfuse would not send to this address, or should not; null if there is no reason. Langfuse accepts only the ports
 * 80 and 443 and public addresses (`…/webhooks/validation.ts`). Names are not resolved here.
 */
export function addressProblem(address: string): string | null {
  if (!URL.canParse(address)) return 'This is not a URL.'
  const { protocol, port, hostname, username, password } = new URL(address)
  if (isPrivate(hostname))
    return `Langfuse refuses private addresses, and ${hostname} cannot be reached from outside.`
  if (username !== '' || password !== '') return 'Langfuse refuses URLs with a user name or a password.'
  if (port !== '' && port !== '80' && port !== '443')
    return `Langfuse sends only to ports 80 and 443, not to ${port}.`
  if (protocol !== 'https:')
    return 'Without https, anyone in between can read the prompts, and a redirect to https drops the signature.'
  return null
}
