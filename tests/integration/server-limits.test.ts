import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { limitServer } from '#lib/server-limits.ts'
import { onEachServer } from '#lib/servers.ts'

const limits = { headersTimeout: 100, requestTimeout: 200, keepAliveTimeout: 60_000, maxConnections: 3 }
onEachServer((one) => limitServer(one, limits))

let server: Server
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

/** One that has had its first request, and looks for slow senders all the time. */
async function startServer(): Promise<number> {
  server = createServer({ connectionsCheckingInterval: 20 }, async (request, response) => {
    await request.toArray().catch(() => undefined)
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const first = await fetch(`http://127.0.0.1:${port}`, { headers: { connection: 'close' } })
  expect(await first.text()).toBe('ok')
  return port
}

/** All that comes back on a connection that sends this much and no more, until the server ends it. */
async function sendOnly(port: number, head: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write(head)
  await once(socket, 'close')
  return answer
}

describe('a server with limits', () => {
  it.each([
    ['head', 'POST / HTTP/1.1\r\nhost: here\r\n'],
    ['body', 'POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\nhalf'],
  ])('cuts off who never ends the %s of a request', async (_, sent) => {
    expect(await sendOnly(await startServer(), sent)).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('takes no more connections than it may', async () => {
    const port = await startServer()
    const head = 'GET / HTTP/1.1\r\nhost: here\r\n\r\n'
    const kept = Array.from({ length: 3 }, () => connect(port, '127.0.0.1'))
    for (const socket of kept) {
      socket.write(head)
      await once(socket, 'data')
    }
    expect(await sendOnly(port, head)).toBe('')
    for (const socket of kept) socket.destroy()
  })
})
