import type { Server } from 'node:http'
import { believedAddress } from '../endpoints/sender-address.ts'
import { beforeRequests } from './servers.ts'

/** What any of our routes may be asked by. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

interface Refusal {
  status: 400 | 405
  error: string
  message: string
}

/** What no route can be asked: Next would fail at making a request of it, and answer 500. */
export function unservable(method: string | undefined, url: string | undefined): Refusal | null {
  if (!methods.includes(method ?? '')) {
    const message = `This server takes ${methods.join(', ')}.`
    return { status: 405, error: 'wrong-method', message }
  }
  if (!url?.startsWith('/'))
    return { status: 400, error: 'wrong-target', message: 'Send the path of a request, which begins with /.' }
  if (isWellEncoded(url.split('?', 1)[0] ?? '')) return null
  return { status: 400, error: 'wrong-target', message: 'The path is not well encoded (%XX, UTF-8).' }
}

function isWellEncoded(path: string): boolean {
  try {
    return !path.includes('%') || decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}

/**
 * Looks at each request of a server before anybody else does: refuses what no route can be asked, and leaves of
 * `X-Forwarded-For` only the address that is believed, since Next shows no route the other end of the connection.
 */
export function screenRequests(server: Server): void {
  beforeRequests(server, (request, response, pass) => {
    const refusal = unservable(request.method, request.url)
    if (refusal) {
      const { status, ...body } = refusal
      const allow = status === 405 ? { allow: methods.join(', ') } : {}
      // Whatever else is on its way is not looked at.
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...allow })
      response.end(JSON.stringify(body))
      return
    }
    const given = request.headers['x-forwarded-for']
    const address = believedAddress(request.socket.remoteAddress, given?.toString())
    if (address === null) delete request.headers['x-forwarded-for']
    else request.headers['x-forwarded-for'] = address
    pass()
  })
}
