import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Calls `act` once for each HTTP server of this process, at its first connection (`first`), before any of it is read: Next
 * creates its server itself and does not expose it. Connections older than the subscription are noticed at their next
 * request. https://nodejs.org/api/diagnostics_channel.html#net
 */
export function onEachServer(act: (server: Server, first: Socket) => void): void {
  const known = new WeakSet<Server>()
  const meet = (server: unknown, socket: Socket) => {
    if (!(server instanceof Server) || known.has(server)) return
    known.add(server)
    act(server, socket)
  }
  subscribe('net.server.socket', (message) => {
    const { socket } = message as { socket: Socket & { server?: unknown } }
    meet(socket.server, socket)
  })
  subscribe('http.server.request.start', (message) => {
    const { server, socket } = message as { server: Server; socket: Socket }
    meet(server, socket)
  })
}

/** Puts `first` before a server's request listeners; `pass` hands the request on to them. */
export function beforeRequests(
  server: Server,
  first: (request: IncomingMessage, response: ServerResponse, pass: () => void) => void,
): void {
  const others = server.listeners('request') as RequestListener[]
  server.removeAllListeners('request').on('request', (request, response) => {
    first(request, response, () => {
      for (const other of others) other.call(server, request, response)
    })
  })
}
