import { once } from 'node:events'
import { connect as connectTcp, isIP, type LookupFunction } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** Opens a connection to a URL's host and ends it, without asking anything. Throws as a request would. */
export async function connectOnly(url: URL, signal: AbortSignal, lookup?: LookupFunction): Promise<void> {
  const isTls = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port || (isTls ? 443 : 80))
  const where = { host, port, ...(lookup && { lookup }) }
  const servername = isIP(host) === 0 ? host : ''
  const socket = isTls ? connectTls({ ...where, servername }) : connectTcp(where)
  try {
    await once(socket, isTls ? 'secureConnect' : 'connect', { signal })
  } catch (error) {
    // `once` tells of an abort by its own name, not by the signal's reason.
    throw signal.aborted ? signal.reason : error
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}
