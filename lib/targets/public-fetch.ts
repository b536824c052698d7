import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Agent } from 'undici'
import { isPublicIp } from '../public-address.ts'

/** The code of the error with which a connection to a private address ends. */
export const privateAddress = 'PRIVATE_ADDRESS'

/** As `dns.lookup` with `all: true`. */
export type Resolve = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const byDns: Resolve = (hostname, done) => lookup(hostname, { all: true }, done)

/**
 * Looks a name up for the very connection that is about to be made, so that no second answer of DNS can lead elsewhere.
 * One private address among several refuses all.
 */
export function publicLookup(resolve: Resolve = byDns): LookupFunction {
  return (hostname, options, done) =>
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? []
      if (error || !first) return done(error ?? notFound(hostname), '')
      if (!addresses.every(({ address }) => isPublicIp(address))) return done(refusal(), '')
      if (options.all) done(null, addresses)
      else done(null, first.address, first.family)
    })
}

const refusal = (): NodeJS.ErrnoException =>
  Object.assign(new Error('A private address'), { code: privateAddress })
const notFound = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`No address for ${hostname}`), { code: 'ENOTFOUND' })

/**
 * `fetch` that connects to public addresses only. By undici itself: the global one may be wrapped (Next does), and a
 * wrapper that drops the `dispatcher` would drop the guard with it. An address in the URL itself is never looked up,
 * so it must be checked before.
 */
export function publicFetch(resolve?: Resolve): typeof globalThis.fetch {
  let dispatcher: Agent | null = null
  return async (input, init) => {
    // Loaded at the first signed webhook: 100 ms, which a start without one need not wait for.
    const undici = await import('undici')
    dispatcher ??= new undici.Agent({ connect: { lookup: publicLookup(resolve) } })
    const { method, headers, body, redirect, signal } = init ?? {}
    if (typeof body !== 'string') throw new TypeError('Takes a text as body')
    const response = await undici.fetch(String(input), {
      ...(method !== undefined && { method }),
      headers: Object.fromEntries(new Headers(headers)),
      body,
      ...(redirect !== undefined && { redirect }),
      ...(signal && { signal }),
      dispatcher,
    })
    // The same class by the same standard, from another copy of undici than the global one.
    return response as unknown as Response
  }
}
