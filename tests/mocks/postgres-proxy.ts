import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface PostgresProxy {
  /** `target`'s URL, through the proxy. */
  url: string
  cut: () => void
  /** Open connections stay open, and nothing arrives on them again. */
  fallSilent: () => void
  mend: () => void
  close: () => Promise<void>
}

/** A proxy to Postgres that can break its connections, or fall silent, as if the machine vanished from the network. */
export async function startPostgresProxy(target: URL): Promise<PostgresProxy> {
  const sockets = new Set<Socket>()
  let mode: 'open' | 'cut' | 'silent' = 'open'
  const server = createServer((near) => {
    if (mode !== 'open') {
      if (mode === 'cut') near.destroy()
      sockets.add(near)
      near.on('error', () => {}).on('close', () => sockets.delete(near))
      return
    }
    const far = connect(Number(target.port || 5432), target.hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy()).on('close', () => sockets.delete(from) && to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  const through = new URL(target)
  through.host = `127.0.0.1:${address.port}`
  return {
    url: through.href,
    cut: () => {
      mode = 'cut'
      for (const socket of sockets) socket.destroy()
    },
    fallSilent: () => {
      mode = 'silent'
      for (const socket of sockets) socket.unpipe().pause()
    },
    mend: () => {
      mode = 'open'
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
