import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Connections that a stranger holds to an app. */
export interface Held {
  sockets: Socket[]
  /** How many the server has ended. */
  ended: () => number
  /** What was answered first on each, where something was. */
  answers: () => string[]
  release: () => void
}

/** Opens `count` connections, each sends `text` (nothing, where it is empty) and then stays. */
export async function holdSockets(url: string, count: number, text: string | Uint8Array): Promise<Held> {
  const { hostname, port } = new URL(url)
  let ended = 0
  const answers = new Map<Socket, string>()
  const sockets: Socket[] = []
  // A few hundred at once: the kernel's queue of a listener is 511 long.
  for (let i = 0; i < count; i += 250) {
    const some = Array.from({ length: Math.min(250, count - i) }, () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        ended++
      })
      socket.on('data', (chunk) => {
        if (!answers.has(socket)) answers.set(socket, String(chunk))
      })
      return socket
    })
    await Promise.all(some.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
    if (text.length > 0) for (const socket of some) socket.write(text)
    sockets.push(...some)
  }
  return {
    sockets,
    ended: () => ended,
    answers: () => [...answers.values()],
    release: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** The head of a webhook's request and as much of its body as is given. */
export function webhookRequest(
  { signature, declared }: { signature: string; declared: number },
  body: Uint8Array,
): Buffer {
  const head = [
    'POST /api/webhooks/langfuse HTTP/1.1',
    'host: here',
    'content-type: application/json',
    `x-langfuse-signature: ${signature}`,
    `content-length: ${declared}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}
