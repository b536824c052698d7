/** An hour of changes in simulated time, in a process of its own: all the way from the endpoint to answering targets. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { mock } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { readEnv } from '#lib/base/env.ts'
import { buildRoutes } from '#lib/core/rules/configuration.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { createLoop } from '#lib/pipeline/loop.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { openDatabase } from '#lib/store/client.ts'
import relayConfig from '#relay.config.ts'
import { secret } from '../fixtures.ts'
import { type PlannedEvent, type SignedBody, signedBodies } from './bodies.ts'
import { serveTasks } from './worker.ts'

export interface HourTask {
  url: string
  minutes: number
  changesPerSecond: number
}

export interface HourAnswer {
  /** Changes in a second of real time. */
  perSecond: number
  /** Bytes in use after a collection, at the end of each sixth. */
  heap: number[]
  /** Bytes of the process at the end of each sixth. */
  resident: number[]
  /** Milliseconds by which timers of the process came late. */
  delayP99: number
  delayMax: number
}

/** Each edit creates a second version, in two events. */
const edit: PlannedEvent[] = [
  { action: 'created', version: 2, labels: ['latest'] },
  { action: 'updated', version: 1, labels: [] },
]

/** Memory is looked at after each of these. */
const parts = 6

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Targets that take everything at once. */
const answering: typeof globalThis.fetch = async (input) =>
  String(input instanceof Request ? input.url : input).includes('/dispatches')
    ? new Response(null, { status: 204 })
    : new Response('ok')

async function openWorld(url: string) {
  const { env, problems } = readEnv({
    LANGFUSE_WEBHOOK_SECRET: secret,
    SLACK_WEBHOOK_URL: 'http://127.0.0.1:9/services/T0/B0/x',
    SLACK_PER_SECOND: '1',
    GITHUB_REPO: 'bench/prompts',
    GITHUB_TOKEN: 'github_pat_bench',
    GITHUB_API_URL: 'http://127.0.0.1:9',
  })
  if (!env) throw new Error(problems.join(' '))
  const db = await openDatabase(url)
  const now = () => Date.now()
  const errors: unknown[] = []
  const routes = buildRoutes(relayConfig, env)
  // All versions go to GitHub too, which by the usual rules receives only production.
  const [rule] = routes.rules
  if (!rule) throw new Error('relay.config.ts has no rules')
  const loop = createLoop({
    db,
    routes: { ...routes, rules: [{ ...rule, to: Object.keys(routes.targets) }] },
    now,
    random: Math.random,
    sleep: async (ms) => mock.timers.tick(ms),
    fetch: answering,
    retentionDays: env.RETENTION_DAYS,
    urls: { langfuse: env.LANGFUSE_BASE_URL, public: undefined },
    onError: (error) => errors.push(error),
  })
  const receive = receiver(db, { settleMs: env.SETTLE_MS, now })
  const accept = async ({ body, signature }: SignedBody) => {
    const headers = { 'x-langfuse-signature': signature, 'content-type': 'application/json' }
    const request = new Request('http://relay.example', {
      method: 'POST',
      headers,
      body: new Uint8Array(body),
    })
    const { status } = await answerWebhook(request, { env, now, receive, reject: async () => undefined })
    if (status !== 202) throw new Error(`Answered ${status}`)
  }
  return { db, loop, accept, errors }
}

/** A second's events come at its beginning; what they bring about happens until its end. */
async function runHour({ url, minutes, changesPerSecond }: HourTask): Promise<HourAnswer> {
  const { db, loop, accept, errors } = await openWorld(url)
  // The targets' client libraries are loaded at their first use; from then on time is simulated.
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  const seconds = minutes * 60
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const heap: number[] = []
  const resident: number[] = []
  const begin = performance.now()
  for (let second = 1; second <= seconds; second++) {
    const end = Date.now() + 1000
    const bodies = signedBodies({ tag: `s${second}x`, count: changesPerSecond, events: edit }, Date.now())
    delay.enable()
    await Promise.all(bodies.map(accept))
    await loop.drain(end)
    delay.disable()
    mock.timers.tick(Math.max(0, end - Date.now()))
    if (second % (seconds / parts) === 0) {
      collect()
      heap.push(process.memoryUsage().heapUsed)
      resident.push(process.memoryUsage.rss())
    }
  }
  const wallSeconds = (performance.now() - begin) / 1000
  await loop.drain(Date.now() + 60_000)
  await loop.stop()
  const { delivered } = await db
    .selectFrom('deliveries')
    .select((eb) => eb.fn.countAll<number>().as('delivered'))
    .where('status', '=', 'delivered')
    .executeTakeFirstOrThrow()
  await db.destroy()
  const expected = seconds * changesPerSecond * 2
  // Errors alone are none: Postgres's time limits go by simulated time too, so that an idle second ends a query under way.
  if (Number(delivered) !== expected)
    throw new Error(`${delivered} of ${expected} delivered; ${errors.length} errors, first ${errors[0]}`)
  return {
    perSecond: (seconds * changesPerSecond) / wallSeconds,
    heap,
    resident,
    delayP99: delay.percentile(99) / 1e6,
    delayMax: delay.max / 1e6,
  }
}

serveTasks<HourTask, HourAnswer>(runHour)
