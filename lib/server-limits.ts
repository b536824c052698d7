import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'

export interface ServerLimits {
  /** Milliseconds from the connection to the last byte of a request's head, and to the last one of its body. */
  headersTimeout: number
  requestTimeout: number
  /** Milliseconds that an idle connection is kept. */
  keepAliveTimeout: number
  maxConnections: number
}

/**
 * Stricter than Node's 60 s and 300 s against slow senders; Node looks every 30 s. Idle connections are kept for
 * longer than proxies keep theirs (mostly 60 s): one that closes first loses the request that a proxy just sent.
 */
const usual: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxConnections: 1000,
}

/**
 * Sets limits on each server of this process at its first request: Next makes its server itself, and takes none of
 * these. https://nodejs.org/api/diagnostics_channel.html#http
 */
export function limitServers(limits: ServerLimits = usual): void {
  const known = new WeakSet<Server>()
  subscribe('http.server.request.start', (message) => {
    const { server } = message as { server: Server }
    if (known.has(server)) return
    known.add(server)
    Object.assign(server, limits)
  })
}
