import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { log } from '../base/log.ts'

export interface ServerLimits {
  /** Milliseconds from the connection to the last byte of a request's head, and to the last one of its body. */
  headersTimeout: number
  requestTimeout: number
  /** Milliseconds that an idle connection is kept. */
  keepAliveTimeout: number
  maxConnections: number
  /** Milliseconds since its last request began in which a connection is not closed for others. */
  spared: number
}

/**
 * Stricter than Node's 60 s and 300 s against slow senders; Node looks every 30 s. Idle connections are kept for
 * longer than proxies keep theirs (mostly 60 s): one that closes first loses the request that a proxy just sent.
 */
const usual: ServerLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxConnections: 10_000,
  spared: 250,
}

/** Of `maxConnections`: how full it may get, and how full it is after room was made. */
const fullAt = 0.9
const roomTo = 0.8

/** Milliseconds between two log lines of a crowded server. */
const logEvery = 60_000

/**
 * Next takes none of these. Of a server that gets full, the connections whose last request began longest ago are closed
 * (most are idle, or a sender's who never ends), so that somebody with many connections cannot keep others out.
 * `first`: its connection so far.
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
  /** When each one's last request began; the oldest first, since a touch puts its socket at the end. */
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
 * Nothing here upgrades a connection, but Next listens for upgrades, and leaves those that it does not know open for
 * ever, outside all timeouts. Without a listener, Node answers such a request as any other.
 */
export function refuseUpgrades(server: Server): void {
  server.removeAllListeners('upgrade')
}
