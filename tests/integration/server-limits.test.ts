import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { limitServer, refuseUpgrades, type ServerLimits } from '#lib/server/limits.ts'
import { onEachServer } from '#lib/server/server-hooks.ts'

const usual = {
  headersTimeout: 100,
  requestTimeout: 200,
  keepAliveTimeout: 60_000,
  maxConnections: 10,
  spared: 0,
}
const limits: ServerLimits = { ...usual }
onEachServer((one, first) => {
  // As Next does, which leaves unknown upgrades open.
  one.on('upgrade', () => undefined)
  refuseUpgrades(one)
  limitServer(one, first, limits)
})

let server: Server
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

/** A server that checks for slow senders all the time. */
async function startServer(over: Partial<ServerLimits> = {}): Promise<number> {
  Object.assign(limits, usual, over)
  server = createServer({ connectionsCheckingInterval: 20 }, async (request, response) => {
    await request.toArray().catch(() => undefined)
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Everything that the server answers to a connection that sends this and no more, until the server ends it. */
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

  it('has its limits before its first request, even for the first connection', async () => {
    const port = await startServer()
    const first = connect(port, '127.0.0.1')
    await once(server, 'connection')
    await vi.waitFor(() => expect(server).toMatchObject({ maxConnections: 10, headersTimeout: 100 }))
    await once(first.resume(), 'close')
  })

  it('answers an upgrade request like any other, from the first connection on', async () => {
    const upgrade = 'GET /nope HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'
    const port = await startServer()
    const socket = connect(port, '127.0.0.1')
    socket.write(upgrade)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })

  it('closes the longest idle connections when it gets full, and answers the next one', async () => {
    const port = await startServer()
    const kept: Socket[] = []
    const closed: number[] = []
    for (let i = 0; i < 12; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('close', () => closed.push(i))
      kept.push(socket)
      socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n')
      await once(socket, 'data')
      // The first one keeps sending requests, so it is not idle.
      if (i > 0) {
        kept[0]?.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n')
        await once(kept[0] as Socket, 'data')
      }
    }
    await vi.waitFor(() => expect(closed).toEqual([1, 2, 3, 4]))
    for (const socket of kept) socket.destroy()
  })

  it('spares requests that have just begun, and accepts no more than the limit', async () => {
    const port = await startServer({ spared: 60_000 })
    const kept = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'))
    for (const socket of kept) {
      socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n')
      await once(socket, 'data')
    }
    expect(await sendOnly(port, 'GET / HTTP/1.1\r\nhost: here\r\n\r\n')).toBe('')
    expect(kept.filter(({ destroyed }) => destroyed)).toEqual([])
    for (const socket of kept) socket.destroy()
  })

  it('logs once that it is full, not at every connection', async () => {
    const logged = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    const port = await startServer()
    for (let i = 0; i < 40; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.write('GET / HTTP/1.1\r\nhost: here\r\n\r\n')
      await once(socket, 'data')
    }
    expect(logged.mock.calls.filter(([line]) => String(line).includes('too many connections'))).toHaveLength(
      1,
    )
  })
})
