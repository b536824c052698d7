import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Calls `act` once for each HTTP server of this process, at its first connection (`first`), before a byte of it is
 * read: Next makes its server itself and shows it to nobody. Connections that are older than the subscription are
 * noticed by their next request. https://nodejs.org/api/diagnostics_channel.html#net
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

/** Puts `first` before a server's listeners of requests, to which `pass` hands one on. */
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
