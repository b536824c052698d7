/** The load generator, a process of its own: posts signed bodies that were made before the clock starts. */
import { Agent, type ClientRequestArgs, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BodyPlan, type SignedBody, signedBodies } from './bodies.ts'
import { percentile } from './statistics.ts'
import { clock, serveTasks } from './worker.ts'

export interface LoadTask {
  url: string
  plan: BodyPlan
  /**
   * `atOnce`: each connection sends its next body when the last was answered. `perSecond`: sent on time whatever
   * the answers do, and latency counts from the time that was meant, so that a stall is not left out.
   */
  pace: { atOnce: number } | { perSecond: number }
  seconds: number
}

export interface LoadResult {
  count: number
  perSecond: number
  /** How often each status came; 0: no answer. */
  statuses: Record<number, number>
  /** Milliseconds. */
  p50: number
  p99: number
  /** By marker: when its last body was to be sent (epoch milliseconds). */
  sent: [string, number][]
}

interface Answered {
  marker: string
  start: number
  milliseconds: number
  status: number
}

function post(target: ClientRequestArgs, { body, signature }: SignedBody): Promise<number> {
  return new Promise((resolve) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': body.byteLength,
      'user-agent': 'Langfuse/1.0',
      'x-langfuse-signature': signature,
    }
    const sending = request({ ...target, method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sending.on('error', () => resolve(0))
    sending.end(body)
  })
}

async function closedLoop(
  target: ClientRequestArgs,
  bodies: SignedBody[],
  atOnce: number,
  seconds: number,
): Promise<Answered[]> {
  const answered: Answered[] = []
  const until = clock() + seconds * 1000
  let next = 0
  const connection = async () => {
    for (let one = bodies[next++]; one && clock() < until; one = bodies[next++]) {
      const start = clock()
      const status = await post(target, one)
      answered.push({ marker: one.marker, start, milliseconds: clock() - start, status })
    }
  }
  await Promise.all(Array.from({ length: atOnce }, connection))
  return answered
}

async function openLoop(
  target: ClientRequestArgs,
  bodies: SignedBody[],
  perSecond: number,
): Promise<Answered[]> {
  const begin = clock() + 20
  const sends = bodies.map(async (one, i): Promise<Answered> => {
    const start = begin + (i * 1000) / perSecond
    await sleep(Math.max(0, start - clock()))
    const status = await post(target, one)
    return { marker: one.marker, start, milliseconds: clock() - start, status }
  })
  return Promise.all(sends)
}

serveTasks<LoadTask, LoadResult>(async ({ url, plan, pace, seconds }) => {
  const { hostname, port, pathname } = new URL(url)
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 'atOnce' in pace ? pace.atOnce : Number.POSITIVE_INFINITY,
  })
  const target = { hostname, port, path: pathname, agent }
  const bodies = signedBodies(plan, Date.now())
  const begin = clock()
  const answered =
    'atOnce' in pace
      ? await closedLoop(target, bodies, pace.atOnce, seconds)
      : await openLoop(target, bodies, pace.perSecond)
  const elapsed = clock() - begin
  agent.destroy()
  const latencies = answered.map(({ milliseconds }) => milliseconds)
  const statuses: Record<number, number> = {}
  for (const { status } of answered) statuses[status] = (statuses[status] ?? 0) + 1
  return {
    count: answered.length,
    perSecond: (answered.length * 1000) / elapsed,
    statuses,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    sent: [
      ...new Map(answered.toSorted((a, b) => a.start - b.start).map(({ marker, start }) => [marker, start])),
    ],
  }
})
