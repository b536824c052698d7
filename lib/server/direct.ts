import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createRequestListener } from '@remix-run/node-fetch-server'
import { log, thrown } from '../base/log.ts'
import { processState } from '../base/process-state.ts'
import { beforeRequests } from './servers.ts'

const path = '/api/webhooks/langfuse'

const isForEndpoint = ({ method, url }: IncomingMessage): boolean =>
  method === 'POST' && (url === path || url?.startsWith(`${path}?`) === true)

/** The endpoint does not read the host, and no URL can be made of some that senders give. */
const listener = (handle: (request: Request) => Promise<Response>): RequestListener =>
  createRequestListener(handle, {
    host: 'localhost',
    onError: (error) => log('error', 'endpoint', thrown(error)),
  })

/**
 * From its second webhook on, hands a server's webhooks straight to the handler of their route, which its first one made
 * Next load. Next's own way to a handler takes 0.5 ms of the one thread, more than the handler, and finds the same one.
 * Where something else listens to the requests of this server, a tracer for example, it is to see webhooks too, and
 * they go Next's way.
 */
export function openDirectEndpoints(server: Server): void {
  if (server.listenerCount('request') > 1) {
    log('info', "webhooks go through Next's router: something else listens to requests of this server")
    return
  }
  let direct: RequestListener | undefined
  beforeRequests(server, (request, response, pass) => {
    const { promptRelayWebhookHandler: handle } = processState
    if (!isForEndpoint(request) || !handle) return pass()
    direct ??= listener(handle)
    direct(request, response)
  })
}
