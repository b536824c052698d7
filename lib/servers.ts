import { subscribe } from 'node:diagnostics_channel'
import type { Server } from 'node:http'

/**
 * Calls `act` once for each HTTP server of this process, when its first request has come and nobody has been handed it:
 * Next makes its server itself and shows it to nobody. https://nodejs.org/api/diagnostics_channel.html#http
 */
export function onEachServer(act: (server: Server) => void): void {
  const known = new WeakSet<Server>()
  subscribe('http.server.request.start', (message) => {
    const { server } = message as { server: Server }
    if (known.has(server)) return
    known.add(server)
    act(server)
  })
}
