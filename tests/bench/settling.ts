/** Settles edits in a process of its own, without a server around it: what the pure and the stored part cost. */

import { readEnv } from '#lib/base/env.ts'
import { buildRoutes } from '#lib/core/rules/configuration.ts'
import { answerWebhook, type EndpointDeps } from '#lib/endpoints/webhook.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { type SettleDeps, settleDue } from '#lib/pipeline/settle/settle.ts'
import { openDatabase } from '#lib/store/client.ts'
import relayConfig from '#relay.config.ts'
import { secret } from '../fixtures.ts'
import { firstVersion } from './bench.ts'
import { type PlannedEvent, type SignedBody, signedBodies } from './bodies.ts'
import { serveTasks } from './worker.ts'

export interface SettlingTask {
  url: string
  edits: number
  /** All of one prompt, one after the other, or one each of as many prompts, which all wait at once. */
  of: 'one prompt' | 'many prompts'
}

/** Milliseconds that settling took, for each quarter of the edits. */
export type SettlingAnswer = number[]

/** The events of the edit that makes `version`. */
const edit = (version: number): PlannedEvent[] => [
  { action: 'created', version, labels: ['latest'] },
  ...(version > 1 ? [{ action: 'updated' as const, version: version - 1, labels: [] }] : []),
]

interface World {
  deps: SettleDeps
  accept: (bodies: SignedBody[]) => Promise<void>
  /** Milliseconds until all that is open has settled. */
  settleAll: () => Promise<number>
}

function worldOf({ env, now, receive }: Omit<EndpointDeps, 'reject'>, deps: SettleDeps): World {
  const reject = async () => undefined
  const accept = async (bodies: SignedBody[]) => {
    const answers = bodies.map(({ body, signature }) => {
      const headers = { 'x-langfuse-signature': signature, 'content-type': 'application/json' }
      const request = new Request('http://relay.example', {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      })
      return answerWebhook(request, { env, now, receive, reject })
    })
    for (const { status } of await Promise.all(answers))
      if (status !== 202) throw new Error(`Answered ${status}`)
  }
  const settleAll = async () => {
    const begin = performance.now()
    while ((await settleDue(deps)).claimed > 0);
    return performance.now() - begin
  }
  return { deps, accept, settleAll }
}

/** One edit after the other: the prompt has one version more each time. */
async function onePrompt({ accept, settleAll }: World, edits: number): Promise<number[]> {
  const quarters = [0, 0, 0, 0]
  const all = Array.from({ length: edits }, (_, i) => edit(i + 1))
  const bodies = signedBodies({ tag: 'one', count: 1, events: all.flat() }, Date.now())
  for (const [i, events] of all.entries()) {
    await accept(bodies.splice(0, events.length))
    const quarter = Math.floor((i * 4) / edits)
    quarters[quarter] = (quarters[quarter] ?? 0) + (await settleAll())
  }
  return quarters
}

/** Everything waits at once, and is settled one after the other. */
async function manyPrompts({ accept, settleAll, deps }: World, edits: number): Promise<number[]> {
  const inParts = async (bodies: SignedBody[]) => {
    while (bodies.length > 0) await accept(bodies.splice(0, 100))
  }
  const plan = { tag: 'many', count: edits }
  await inParts(signedBodies({ ...plan, events: [firstVersion] }, Date.now()))
  await settleAll()
  await inParts(signedBodies({ ...plan, events: edit(2) }, Date.now() + 1))
  const quarters: number[] = []
  for (let quarter = 0; quarter < 4; quarter++) {
    const begin = performance.now()
    for (let settled = 0; settled < edits / 4; ) settled += (await settleDue(deps)).settled
    quarters.push(performance.now() - begin)
  }
  return quarters
}

serveTasks<SettlingTask, SettlingAnswer>(async ({ url, edits, of }) => {
  const { env, problems } = readEnv({
    LANGFUSE_WEBHOOK_SECRET: secret,
    SLACK_WEBHOOK_URL: 'http://127.0.0.1:9/slack',
    SETTLE_MS: '0',
  })
  if (!env) throw new Error(problems.join(' '))
  const db = await openDatabase(url)
  const now = Date.now
  const deps = { db, routes: buildRoutes(relayConfig, env), now }
  const world = worldOf({ env, now, receive: receiver(db, { settleMs: env.SETTLE_MS, now }) }, deps)
  try {
    return await (of === 'one prompt' ? onePrompt : manyPrompts)(world, edits)
  } finally {
    await db.destroy()
  }
})
