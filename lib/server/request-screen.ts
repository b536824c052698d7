import type { Server } from 'node:http'
import { believedAddress } from '../endpoints/sender-address.ts'
import { beforeRequests } from './server-hooks.ts'

/** The methods that routes may have. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

interface Unservable {
  status: 400 | 405
  error: string
  message: string
}

/** A request that no route can serve: Next would fail to build a `Request` from it, and answer 500. */
export function unservable(method: string | undefined, url: string | undefined): Unservable | null {
  if (!methods.includes(method ?? '')) {
    const message = `This server accepts ${methods.join(', ')}.`
    return { status: 405, error: 'wrong-method', message }
  }
  if (!url?.startsWith('/'))
    return {
      status: 400,
      error: 'wrong-target',
      message: 'The request target must be a path, which begins with /.',
    }
  if (isWellEncoded(url.split('?', 1)[0] ?? '')) return null
  return { status: 400, error: 'wrong-target', message: 'The path is not valid percent-encoded UTF-8.' }
}

function isWellEncoded(path: string): boolean {
  try {
    return !path.includes('%') || decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}

/**
 * Sees each request of a server before anything else: refuses what no route can serve, and reduces `X-Forwarded-For` to the
 * address that can be trusted, because Next does not show routes the other end of the connection.
 */
export function screenRequests(server: Server): void {
  beforeRequests(server, (request, response, pass) => {
    const refusal = unservable(request.method, request.url)
    if (refusal) {
      const { status, ...body } = refusal
      const allow = status === 405 ? { allow: methods.join(', ') } : {}
      // The rest of the request is not read.
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
