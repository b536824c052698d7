/**
 * Whether a form was sent from a page of this relay, by the browser's `Origin`; if not, a sentence for the person who sent
 * it. `publicUrl`: the relay's public address, for a proxy that does not pass on the host.
 */
export function originProblem(
  given: { origin: string | null; host: string | null; forwardedHost: string | null },
  publicUrl: string | undefined,
): { problem: string } | { problem: null; isPublic: boolean } {
  const { origin } = given
  if (origin === null)
    return { problem: 'The request has no Origin header, which names the page that it comes from.' }
  const from = hostOf(origin)
  if (from === null) return { problem: 'The request comes from a page without an address (Origin: null).' }
  const host = (given.forwardedHost?.split(',')[0]?.trim() || given.host)?.toLowerCase()
  if (from === host) return { problem: null, isPublic: false }
  if (publicUrl !== undefined && from === hostOf(publicUrl)) return { problem: null, isPublic: true }
  const known = [host, hostOf(publicUrl ?? '')].filter((one) => typeof one === 'string')
  const reached = [...new Set(known)].join(' and ').slice(0, 500) || 'no address'
  return {
    problem: `The address does not match: this form was sent from ${from.slice(0, 250)}, but the relay is reached as ${reached}. If both are yours, set PUBLIC_URL to the address that the browser shows, or let the proxy pass on the host.`,
  }
}

/** Lower-case, with the port unless it is the default; null: not an http(s) address. */
function hostOf(address: string): string | null {
  if (!URL.canParse(address)) return null
  const { protocol, host } = new URL(address)
  return /^https?:$/.test(protocol) ? host : null
}
