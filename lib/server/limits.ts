import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { log } from '../base/log.ts'

export interface ServerLimits {
  /** Milliseconds from the connection to the end of a request's head, and to the end of its body. */
  headersTimeout: number
  requestTimeout: number
  /** Milliseconds that an idle connection is kept. */
  keepAliveTimeout: number
  maxConnections: number
  /** For this many milliseconds after its last request began, a connection is not closed in favour of others. */
  spared: number
}

/**
 * Stricter than Node's 60 s and 300 s, against slow senders; Node checks every 30 s. Idle connections are kept longer than
 * proxies keep theirs (mostly 60 s): a server that closes first loses a request that the proxy has just sent.
 */
const usual: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxConnections: 10_000,
  spared: 250,
}

/** Shares of `maxConnections`: above the first, connections are closed until the second is reached. */
const fullAt = 0.9
const roomTo = 0.8

/** Milliseconds between two log lines about it. */
const logEvery = 60_000

/**
 * Sets limits that Next has no options for. When a server is nearly full, it closes the connections whose last request began
 * longest ago (idle ones, or requests that never end), so that one client with many connections cannot keep others out.
 * `first`: the connection it already has.
 */
export function limitServer(
  server: Server,
  first: Socket,
  limits: ServerLimits = usual,
  now: () => number = () => performance.now(),
): void {
  const { spared, ...own } = limits
  Object.assign(server, own)
  const room = roomMaker({ ...limits, now })
  const add = (socket: Socket) => {
    room.touch(socket)
    room.makeRoom()
  }
  add(first)
  server.on('connection', add)
  server.on('drop', () => room.makeRoom())
  server.prependListener('request', ({ socket }) => room.touch(socket))
}

function roomMaker({ maxConnections, spared, now }: ServerLimits & { now: () => number }) {
  /** When each socket's last request began, oldest first: a touch moves its socket to the end. */
  const since = new Map<Socket, number>()
  let loggedAt = Number.NEGATIVE_INFINITY

  function makeRoom(): void {
    if (since.size < maxConnections * fullAt) return
    const before = since.size
    for (const [socket, at] of since) {
      if (since.size <= maxConnections * roomTo || now() - at < spared) break
      since.delete(socket)
      socket.destroy()
    }
    const closed = before - since.size
    if (now() - loggedAt < logEvery) return
    loggedAt = now()
    log('warn', 'too many connections', { open: before, closed, max: maxConnections })
  }

  return {
    makeRoom,
    touch: (socket: Socket) => {
      if (!since.delete(socket)) socket.once('close', () => since.delete(socket))
      since.set(socket, now())
    },
  }
}

/**
 * The relay upgrades no connection, but Next listens for upgrades and leaves unknown ones open for ever, outside all
 * timeouts. Without a listener, Node answers such a request like any other.
 */
export function refuseUpgrades(server: Server): void {
  server.removeAllListeners('upgrade')
}
