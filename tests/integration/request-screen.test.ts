import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { screenRequests } from '#lib/server/request-screen.ts'
import { onEachServer } from '#lib/server/server-hooks.ts'

onEachServer(screenRequests)

let server: Server
let passed: IncomingMessage[]

beforeEach(async () => {
  passed = []
  server = createServer((request, response) => {
    passed.push(request)
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

async function ask(line: string, headers: string[] = []): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write([line, 'host: here', 'connection: close', ...headers, '', ''].join('\r\n'))
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  await once(socket, 'close')
  return answer
}

describe('a request that no route can answer', () => {
  it.each([
    ['TRACE / HTTP/1.1', 405],
    ['PROPFIND / HTTP/1.1', 405],
    ['POST * HTTP/1.1', 400],
    ['OPTIONS * HTTP/1.1', 400],
    ['GET http://elsewhere.example/ HTTP/1.1', 400],
    ['GET nothing HTTP/1.1', 400],
    ['GET /% HTTP/1.1', 400],
    ['GET /prompts/%E0%A4%A HTTP/1.1', 400],
  ])('%s is refused with %i', async (line, status) => {
    const answer = await ask(line)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    if (status === 405) expect(answer).toMatch(/^allow: GET, HEAD, POST/m)
    expect(passed).toEqual([])
  })

  it.each(['/prompts/100%25', '/prompts/%E2%9C%93', '/?q=%', '//two'])('%s is passed on', async (path) => {
    expect(await ask(`GET ${path} HTTP/1.1`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s / is passed on', async (method) => {
    expect(await ask(`${method} / HTTP/1.1`)).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('the address that a request claims to come from', () => {
  it.each([
    [
      'the part that this side of the proxy wrote',
      'x-forwarded-for: 198.51.100.1, 203.0.113.7',
      '203.0.113.7',
    ],
    ['the peer, where no header names one', 'x-nothing: 1', '127.0.0.1'],
    ['the peer, where a header holds nonsense', 'x-forwarded-for: <script>', '127.0.0.1'],
  ])('only %s is left', async (_, header, address) => {
    await ask('GET / HTTP/1.1', [header])
    expect(passed[0]?.headers['x-forwarded-for']).toBe(address)
  })
})
