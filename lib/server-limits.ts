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

/** Next takes none of these. */
export function limitServer(server: Server, limits: ServerLimits = usual): void {
  Object.assign(server, limits)
}
