/**
 * Loaded before Next (`--import`): listens to the requests of the server that Next makes, as a tracer does. With
 * `SECOND_LISTENER=late` it begins after the first answer, when the relay has set up the server, else before.
 */
import { subscribe } from 'node:diagnostics_channel'
import { type IncomingMessage, Server } from 'node:http'

const known = new WeakSet<Server>()

function attach(server: Server): void {
  if (known.has(server)) return
  known.add(server)
  server.on('request', ({ method, url }: IncomingMessage) => console.log(`also heard ${method} ${url}`))
}

const { listen } = Server.prototype
Server.prototype.listen = function (this: Server, ...args: Parameters<typeof listen>) {
  if (process.env.SECOND_LISTENER !== 'late') attach(this)
  return listen.apply(this, args)
} as typeof listen

if (process.env.SECOND_LISTENER === 'late')
  subscribe('http.server.response.finish', (message) => attach((message as { server: Server }).server))
