import http from 'node:http'
import { cleaned } from './text-flaws.ts'

type Source = Record<string, string | undefined>

const firstSet = (source: Source, names: readonly string[]): string | undefined =>
  names.map((name) => cleaned(source[name] ?? '')).find((value) => value !== '')

const isUrl = (value: string): boolean => /^https?:\/\//i.test(value) && URL.canParse(value)

/**
 * The proxy for URLs of a protocol, as Node chooses it; undefined if there is none. `NODE_USE_ENV_PROXY=0` switches it off.
 * A value that is not a URL is reported as a configuration problem, and no proxy here.
 */
function proxyOf(protocol: string, source: Source): string | undefined {
  if (cleaned(source.NODE_USE_ENV_PROXY ?? '') === '0') return undefined
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  const proxy = firstSet(source, names)
  return proxy !== undefined && isUrl(proxy) ? proxy : undefined
}

const exempt = (source: Source): string[] =>
  (firstSet(source, ['no_proxy', 'NO_PROXY']) ?? '')
    .toLowerCase()
    .split(/[,\s]+/)
    .filter(Boolean)

/** The proxy that a request to this URL goes through; null if it goes directly. */
export function proxyFor({ protocol, hostname, port }: URL, source: Source): string | null {
  const proxy = proxyOf(protocol, source)
  if (proxy === undefined) return null
  const ports = { 'http:': '80', 'https:': '443' }
  const own = port || ports[protocol as keyof typeof ports]
  const isExempt = exempt(source).some((entry) => {
    if (entry === '*') return true
    const [, name = '', only] = /^\*?\.?(.+?)(?::(\d+))?$/.exec(entry) ?? []
    return (only === undefined || only === own) && (hostname === name || hostname.endsWith(`.${name}`))
  })
  return isExempt ? null : proxy
}

/**
 * Node does not use a proxy on its own, even if the environment names one. From now on, all requests by `fetch` and `http`
 * use the one of `HTTPS_PROXY` (or `HTTP_PROXY`).
 */
export function takeProxiesOf(source: Source): void {
  const [secure, plain] = [proxyOf('https:', source), proxyOf('http:', source)]
  const proxies = { ...(secure && { https_proxy: secure }), ...(plain && { http_proxy: plain }) }
  if (Object.keys(proxies).length === 0) return
  http.setGlobalProxyFromEnv?.({ ...proxies, no_proxy: exempt(source).join(','), NODE_ENV: 'production' })
}
