/**
 * What floods of bodies make of the memory of a production build: `npm run build`, then `node tests/attacks/memory.ts`.
 * Prints a line for each flood. 20 s each, on loopback, with a store of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { dataFolder, startApp } from '../app.ts'
import { eventFor, post } from '../e2e/traffic.ts'
import { holdSockets, webhookRequest } from './sockets.ts'

const floodMs = 20_000
const metricsToken = 'a token for the metrics'

async function megabytes(url: string): Promise<number> {
  const answer = await fetch(`${url}/api/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })
  const [, bytes] = /^process_resident_memory_bytes (\d+)/m.exec(await answer.text()) ?? []
  return Math.round(Number(bytes) / 1e6)
}

/** Has `workers` repeat one thing; returns the most memory used meanwhile. */
async function flood(url: string, workers: number, act: (i: number) => Promise<unknown>): Promise<number> {
  const until = Date.now() + floodMs
  let count = 0
  let peak = 0
  const work = async () => {
    while (Date.now() < until) await act(count++)
  }
  const watch = async () => {
    while (Date.now() < until) {
      peak = Math.max(peak, await megabytes(url).catch(() => 0))
      await sleep(200)
    }
  }
  await Promise.all([...Array.from({ length: workers }, work), watch()])
  return peak
}

const unsigned = (url: string, bytes: number) => {
  const body = Buffer.alloc(bytes, 'x')
  return () =>
    fetch(`${url}/api/webhooks/langfuse`, {
      method: 'POST',
      body,
      headers: { 'x-langfuse-signature': 'none' },
    })
      .then((answer) => answer.text())
      .catch(() => undefined)
}

/** 200 senders that stop in the middle of a large body. */
const stalled = (url: string) => async () => {
  const text = webhookRequest({ signature: 't=1,v1=0', declared: 4_800_000 }, Buffer.alloc(2_000_000, 'x'))
  const held = await holdSockets(url, 200, text)
  await sleep(5000)
  held.release()
}

const statuses = new Map<number, number>()
const signed = (url: string) => async (i: number) => {
  const status = (await post(url, eventFor(`large/prompt-${i}`, { size: 4_800_000 })))?.status ?? 0
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
}

const floods: [string, (url: string) => Promise<number>][] = [
  ['unsigned, 20 KB, 64 at once', (url) => flood(url, 64, unsigned(url, 20_000))],
  ['unsigned, 4.8 MB, 64 at once', (url) => flood(url, 64, unsigned(url, 4_800_000))],
  ['unsigned, 2 of 4.8 MB and then nothing, 200 at once', (url) => flood(url, 1, stalled(url))],
  ['signed, 4.8 MB, 16 at once', (url) => flood(url, 16, signed(url))],
]

const only = process.argv[2]
for (const [name, run] of floods) {
  if (only !== undefined && !name.startsWith(only)) continue
  const data = dataFolder()
  const app = await startApp({ DATABASE_URL: data.url, METRICS_TOKEN: metricsToken })
  const url = app.url.replace('localhost', '127.0.0.1')
  await post(url, eventFor('warm/up'))
  await sleep(3000)
  const idle = await megabytes(url)
  const peak = await run(url)
  await sleep(5000)
  console.log(`${name}: ${idle} MB idle, ${peak} MB at most, ${await megabytes(url)} MB 5 s later`)
  await app.stop()
  data.remove()
}
if (statuses.size > 0) console.log('answers to signed ones:', Object.fromEntries(statuses))
