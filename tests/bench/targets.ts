/**
 * Stand-ins for Slack and GitHub in a process of their own. They answer at once and only note when something came
 * and about which prompt: those of `tests/mocks`, which check every message, would take a part of what is measured.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { markers } from './bodies.ts'
import { clock, serveTasks } from './worker.ts'

export interface TargetsTask {
  /** `forget`: what came so far. */
  kind: 'count' | 'forget' | 'arrivals'
}

/** When something came (epoch milliseconds), to whom, and about which prompt. */
export interface Arrival {
  at: number
  target: 'slack' | 'github'
  marker: string
}

export interface TargetsAnswer {
  slack: string
  github: string
  count: number
  arrivals: Arrival[]
}

let arrivals: Arrival[] = []

async function listen(target: Arrival['target'], status: number, answer: string): Promise<string> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const [marker = ''] = markers.exec(Buffer.concat(parts).toString('latin1')) ?? []
      arrivals.push({ at: clock(), target, marker })
      response.writeHead(status, { 'content-type': 'text/plain' }).end(answer)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return `http://127.0.0.1:${address.port}`
}

const slack = `${await listen('slack', 200, 'ok')}/services/T0BENCH/B0BENCH/bench`
const github = await listen('github', 204, '')

serveTasks<TargetsTask, TargetsAnswer>(async ({ kind }) => {
  if (kind === 'forget') arrivals = []
  return { slack, github, count: arrivals.length, arrivals: kind === 'arrivals' ? arrivals : [] }
})
