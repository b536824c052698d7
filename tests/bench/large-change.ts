/**
 * One change of very many versions, beside ordinary alerts: how much memory settling takes, for how long it holds the
 * thread, and how soon a webhook is answered and settled meanwhile. A process of its own, so that its memory is its own:
 *
 *     node tests/bench/large-change.ts [versions] [characters of each] [store, by default a new SQLite file]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { readEnv } from '#lib/base/env.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { createLoop } from '#lib/pipeline/loop.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { openDatabase } from '#lib/store/client.ts'
import { fixture, secret, sign } from '../fixtures.ts'

export interface LargeChangeReport {
  versions: number
  characters: number
  /** MB of resident memory: before settling begins, and at most. */
  memoryBefore: number
  memoryPeak: number
  /** The longest that the thread was held while it settled. */
  heldMs: number
  /** Of the alerts that came meanwhile: the slowest answer, and the slowest from the answer to its settling. */
  alerts: number
  slowestAnswerMs: number
  slowestAlertMs: number
  /** Until the change had settled, and until all its texts were copied. */
  settledAfterMs: number
  copiedAfterMs: number
  title: string
  texts: number
}

const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000)
const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const [versions = 500, characters = 200_000] = process.argv.slice(2, 4).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-large-'))
const db = await openDatabase(process.argv[4] ?? `file:${join(folder, 'relay.db')}`)
const receive = receiver(db, { settleMs: 2000, now: Date.now })
// What it logs would be among what it prints.
console.log = () => {}

const loop = createLoop({
  db,
  routes: {
    targets: { team: { type: 'slack', url: 'http://127.0.0.1:9/' } },
    rules: [{ name: 'all', to: ['team'] }],
    alertTargets: [],
  },
  now: Date.now,
  random: Math.random,
  sleep,
  fetch: async () => new Response('ok'),
  retentionDays: 90,
  urls: { langfuse: 'https://langfuse.test', public: 'https://relay.test' },
  onError: (error) => process.stderr.write(`${error}\n`),
})

async function post(body: string): Promise<void> {
  if (!env) throw new Error('The environment has problems')
  const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
  const request = new Request('http://localhost/', { method: 'POST', headers, body })
  const answer = await answerWebhook(request, { env, now: Date.now, receive, reject: async () => {} })
  if (answer.status !== 202) throw new Error(`Answered ${answer.status}`)
}

const created = JSON.parse(fixture('01-prompt-created-text.json').toString())
const alert = JSON.parse(fixture('09-monitor-alert.json').toString())

async function postVersions(): Promise<void> {
  const text = 'All work and no play makes a prompt. '.repeat(Math.ceil(characters / 37)).slice(0, characters)
  for (let version = 1; version <= versions; version++) {
    const at = new Date().toISOString()
    const id = `large-${version}`
    const prompt = { ...created.prompt, id, name: 'large', version, labels: [], prompt: `${version} ${text}` }
    await post(
      JSON.stringify({ ...created, id, timestamp: at, prompt: { ...prompt, createdAt: at, updatedAt: at } }),
    )
  }
}

const openOf = (name: 'prompt-version' | 'monitor-alert') =>
  db
    .selectFrom('changes as c')
    .innerJoin('events as e', 'e.change_id', 'c.id')
    .select('c.id')
    .where('c.status', '=', 'settling')
    .where('e.type', '=', name)
    .limit(1)
    .executeTakeFirst()

interface Seen {
  answers: number[]
  alerts: number[]
}

/** An alert every 100 ms until it is stopped. */
async function postAlerts(isOver: () => boolean): Promise<Seen> {
  const seen: Seen = { answers: [], alerts: [] }
  for (let i = 0; !isOver(); i++) {
    const begin = performance.now()
    await post(JSON.stringify({ ...alert, id: `alert-${i}` }))
    seen.answers.push(performance.now() - begin)
    loop.wake()
    const answered = performance.now()
    while (await openOf('monitor-alert')) await sleep(10)
    seen.alerts.push(performance.now() - answered)
    await sleep(100)
  }
  return seen
}

await postVersions()
await db.updateTable('changes').set({ due_at: Date.now(), next_at: Date.now() }).execute()
const before = process.memoryUsage.rss()
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
const begin = performance.now()
let isOver = false
await loop.start()
loop.wake()
const posting = postAlerts(() => isOver)
while (await openOf('prompt-version')) await sleep(20)
const settledAfterMs = performance.now() - begin
const toCopy = () =>
  db
    .selectFrom('prompt_versions')
    .select('version')
    .where('content_event', 'is not', null)
    .limit(1)
    .executeTakeFirst()
while (await toCopy()) await sleep(20)
const copiedAfterMs = performance.now() - begin
isOver = true
const { answers, alerts } = await posting
delay.disable()
const change = await db
  .selectFrom('changes')
  .select('title')
  .where('subject', '=', 'large')
  .executeTakeFirst()
const { count } = await db
  .selectFrom('prompt_versions')
  .select((eb) => eb.fn.countAll<number>().as('count'))
  .where('content', 'is not', null)
  .executeTakeFirstOrThrow()
await loop.stop()
await db.destroy()
rmSync(folder, { recursive: true })
const report: LargeChangeReport = {
  versions,
  characters,
  memoryBefore: megabytes(before),
  memoryPeak: megabytes(process.resourceUsage().maxRSS * 1024),
  heldMs: Math.round(delay.max / 1e6),
  alerts: alerts.length,
  slowestAnswerMs: Math.round(Math.max(...answers)),
  slowestAlertMs: Math.round(Math.max(...alerts)),
  settledAfterMs: Math.round(settledAfterMs),
  copiedAfterMs: Math.round(copiedAfterMs),
  title: change?.title ?? '',
  texts: Number(count),
}
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
