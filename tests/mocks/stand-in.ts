import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

export interface SeenRequest {
  /** Epoch milliseconds. */
  at: number
  method: string
  path: string
  headers: IncomingHttpHeaders
  /** Parsed JSON, or the raw text if it is not JSON. */
  body: unknown
  /** The bytes as they arrived. */
  raw: Buffer
  size: number
}

export interface Answered {
  status: number
  headers?: Record<string, string>
  body?: string
}

/** Answers one request: with a status and body, or by hand (to hang, reset or trickle). */
type Answerer = (request: SeenRequest, response: ServerResponse) => Answered | 'by hand'

export interface StandIn {
  /** Without a trailing slash. */
  url: string
  /** Every request that was answered with a status below 300, in order. */
  requests: SeenRequest[]
  /** Every request. */
  seen: SeenRequest[]
  /** Replaces the answers from now on; null: answer as the vendor would. */
  answerWith: (answer: Answerer | null) => void
  close: () => Promise<void>
}

/** A vendor on this machine. `usual` answers as the vendor would, and requires what it requires. */
export async function startStandIn(usual: (request: SeenRequest) => Answered, port = 0): Promise<StandIn> {
  const requests: SeenRequest[] = []
  const seen: SeenRequest[] = []
  let special: Answerer | null = null
  const server = createServer(async (incoming, response) => {
    const parts: Buffer[] = []
    for await (const part of incoming) parts.push(part)
    const raw = Buffer.concat(parts)
    const { method = '', url: path = '', headers } = incoming
    const request = { at: Date.now(), method, path, headers, body: parsed(raw), raw, size: raw.byteLength }
    seen.push(request)
    const answer = special ? special(request, response) : usual(request)
    if (answer === 'by hand') return
    if (answer.status < 300) requests.push(request)
    response.writeHead(answer.status, { 'content-type': 'text/plain', ...answer.headers }).end(answer.body)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    seen,
    answerWith: (answer) => {
      special = answer
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function parsed(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    return raw.toString('utf8')
  }
}
