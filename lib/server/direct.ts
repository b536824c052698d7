import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createRequestListener } from '@remix-run/node-fetch-server'
import { log, thrown } from '../base/log.ts'
import { processState } from '../base/process-state.ts'
import { beforeRequests } from './server-hooks.ts'

const path = '/api/webhooks/langfuse'

const isForEndpoint = ({ method, url }: IncomingMessage): boolean =>
  method === 'POST' && (url === path || url?.startsWith(`${path}?`) === true)

/** The endpoint does not use the host, and some that senders give do not fit a URL. */
const listener = (handle: (request: Request) => Promise<Response>): RequestListener =>
  createRequestListener(handle, {
    host: 'localhost',
    onError: (error) => log('error', 'endpoint', thrown(error)),
  })

/**
 * Hands a server's webhooks straight to their handler, from the second one on: the first makes Next load the route. Next's
 * own way to the same handler takes 0.5 ms of the one thread, more than the handler itself. If something else listens to
 * this server's requests, such as a tracer, it should see webhooks too, so they go Next's way.
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
