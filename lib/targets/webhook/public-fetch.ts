import { type LookupAddress, lookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { proxyFor } from '../../base/proxy-env.ts'
import { isPublicIp } from '../../base/public-address.ts'

/** The code of the error with which a connection to a private address ends. */
export const privateAddress = 'PRIVATE_ADDRESS'

/** As `dns.lookup` with `all: true`. */
export type Resolve = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const byDns: Resolve = (hostname, done) => lookup(hostname, { all: true }, done)

/**
 * Looks a name up for the connection that is about to be made, so that no second answer of DNS can lead to another address.
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

/** Refuses a name that resolves to a private address here. One that does not resolve is left to the proxy. */
const refusePrivate = (hostname: string, resolve: Resolve): Promise<void> =>
  new Promise((done, failed) => {
    resolve(hostname, (error, addresses) => {
      const isPrivate = !error && addresses?.some(({ address }) => !isPublicIp(address))
      if (isPrivate) failed(refusal())
      else done()
    })
  })

/**
 * A `fetch` that connects to public addresses only. It is undici's own: the global one may be wrapped (Next does), and a
 * wrapper that drops the `dispatcher` would drop the guard with it. An address in the URL itself is never looked up, so
 * it must be checked before.
 *
 * Behind a proxy of the environment, the proxy looks the name up, and its operator decides what can be reached. The name
 * is looked up here as well, and refused where it resolves to a private address.
 */
export function publicFetch(
  resolve: Resolve = byDns,
  proxies: Record<string, string | undefined> = process.env,
): typeof globalThis.fetch {
  let direct: Dispatcher | null = null
  let proxied: Dispatcher | null = null
  return async (input, init) => {
    // Loaded at the first signed webhook: 100 ms, which a start without one need not wait for.
    const undici = await import('undici')
    const connect = { lookup: publicLookup(resolve) }
    const url = new URL(String(input))
    const proxy = proxyFor(url, proxies)
    if (proxy !== null) await refusePrivate(url.hostname, resolve)
    if (proxy !== null) proxied ??= new undici.ProxyAgent(proxy)
    else direct ??= new undici.Agent({ connect })
    const dispatcher = (proxy === null ? direct : proxied) ?? undefined
    const { method, headers, body, redirect, signal } = init ?? {}
    if (typeof body !== 'string') throw new TypeError('Takes a text as body')
    const response = await undici.fetch(String(input), {
      ...(method !== undefined && { method }),
      headers: Object.fromEntries(new Headers(headers)),
      body,
      ...(redirect !== undefined && { redirect }),
      ...(signal && { signal }),
      ...(dispatcher && { dispatcher }),
    })
    // The same interface, from another copy of undici than the global one.
    return response as unknown as Response
  }
}
