import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { emptyPostgres } from '../integration/stores.ts'
import { mockKeys, mockLangfuse, startLangfuseStandIn } from '../mocks/langfuse-api.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { eventFor, messagesAt, post, until } from './traffic.ts'

const token = 'a-token-of-some-length'
const floodMs = 12_000
const workers = 16
const perMinute = 20
const words = 'free-pizza-at-evil.example'

interface Place {
  url: string
  remove: () => Promise<void> | void
}

const places: [string, () => Promise<Place>][] =
  process.env.TEST_POSTGRES_URL === undefined
    ? [['SQLite', async () => dataFolder()]]
    : [
        [
          'Postgres',
          async () => {
            const { url, drop } = await emptyPostgres()
            return { url, remove: drop }
          },
        ],
      ]

let made = 0
const itemsOf = (count: number) =>
  JSON.stringify({
    version: 1,
    items: Array.from({ length: count }, () => ({ projectId: words, traceId: `${words}-${made++}` })),
  })

type Attack = (origin: string) => { headers: Record<string, string>; body: string }

/** What a stranger may try. */
const refused: Attack[] = [
  () => ({ headers: {}, body: itemsOf(100) }),
  () => ({ headers: { authorization: `Bearer ${words}` }, body: itemsOf(100) }),
  () => ({ headers: { origin: 'https://evil.example' }, body: itemsOf(100) }),
  (origin) => ({ headers: { origin }, body: '{"version":1' }),
  (origin) => ({ headers: { origin }, body: 'x'.repeat(600_000) }),
]
/** Any program can claim to be a page of Langfuse. */
const accepted: Attack[] = [
  (origin) => ({ headers: { origin }, body: itemsOf(1) }),
  (origin) => ({ headers: { origin }, body: itemsOf(7) }),
  (origin) => ({ headers: { origin }, body: itemsOf(100) }),
]

describe.each(places)('a flood of callbacks on %s', (_, makePlace) => {
  let place: Place
  let slack: StandIn
  let langfuse: StandIn
  let app: App

  beforeEach(async () => {
    place = await makePlace()
    slack = await startSlackStandIn()
    langfuse = await startLangfuseStandIn(mockLangfuse(Date.now))
    app = await startApp({
      DATABASE_URL: place.url,
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '0',
      SETTLE_MS: '100',
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: mockKeys.publicKey,
      LANGFUSE_SECRET_KEY: mockKeys.secretKey,
      POLL_REQUESTS_PER_MINUTE: String(perMinute),
      CALLBACK_TOKEN: token,
    })
  })
  afterEach(async () => {
    await app.kill()
    await Promise.all([slack.close(), langfuse.close()])
    await place.remove()
  })

  async function callBack({ headers, body }: ReturnType<Attack>): Promise<number> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body }
    const response = await fetch(`${app.url}/api/callbacks/langfuse`, init).catch(() => null)
    await response?.body?.cancel()
    return response?.status ?? 0
  }

  /** The answers to the strangers' requests, to webhooks meanwhile, and to Langfuse's own callbacks. */
  async function flood(attacks: Attack[]) {
    const statuses = new Map<number, number>()
    const tookMs: number[] = []
    const names: string[] = []
    const own: number[] = []
    const end = Date.now() + floodMs
    const attack = async () => {
      for (let i = 0; Date.now() < end; i++) {
        const status = await callBack((attacks[i % attacks.length] as Attack)(langfuse.url))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    const webhooks = async () => {
      for (let i = 0; Date.now() < end; i++) {
        const name = `load/prompt-${i}`
        const startedAt = performance.now()
        const answer = await post(app.url, eventFor(name))
        tookMs.push(performance.now() - startedAt)
        if (answer?.status === 202) names.push(name)
        own.push(await callBack({ headers: { authorization: `Bearer ${token}` }, body: itemsOf(1) }))
        await sleep(200)
      }
    }
    await Promise.all([webhooks(), ...Array.from({ length: workers }, attack)])
    return { statuses, tookMs: tookMs.toSorted((a, b) => a - b), names, own }
  }

  /** The number of rows in each table that strangers can fill. */
  async function counts() {
    const db = await openDatabase(place.url)
    const count = async (table: 'callback_pace' | 'rejections' | 'events') =>
      Number(
        (
          await db
            .selectFrom(table)
            .select((eb) => eb.fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      )
    const strangers = await db.selectFrom('events').select('id').where('signature', '=', 'page').execute()
    const rows = { pace: await count('callback_pace'), rejections: await count('rejections') }
    await db.destroy()
    return { ...rows, strangers: strangers.length }
  }

  it.each<[string, Attack[]]>([
    ['that are refused', refused],
    ['that claim to be of a page of Langfuse', accepted],
    ['of every kind', [...refused, ...accepted]],
  ])(
    '%s leaves nothing behind, and delays neither webhooks nor callbacks of Langfuse',
    async (_, attacks) => {
      const { statuses, tookMs, names, own } = await flood(attacks)
      const minutes = Math.ceil(floodMs / 60_000) + 1
      expect(
        [...statuses.keys()].filter((status) => ![0, 202, 400, 401, 403, 413, 429].includes(status)),
      ).toEqual([])
      // The median, because single requests say nothing on a busy machine.
      expect(tookMs[Math.floor(tookMs.length / 2)]).toBeLessThan(1000)
      expect(names).toHaveLength(tookMs.length)
      expect(new Set(own)).toEqual(new Set([202]))
      expect(await until(() => names.every((name) => messagesAt(slack).has(name)), 30_000)).toBe(true)
      const rows = await counts()
      expect(rows.strangers).toBeLessThanOrEqual(120 * minutes)
      expect(rows.pace).toBeLessThanOrEqual(10 + 120 * minutes + own.length)
      // Six reasons, thirty a minute each.
      expect(rows.rejections).toBeLessThanOrEqual(6 * 30 * minutes)
      // Langfuse does not limit requests for prompts.
      const requests = langfuse.seen.filter(({ path }) => !path.startsWith('/api/public/v2/prompts'))
      expect(requests.length).toBeLessThanOrEqual(perMinute * minutes)
      expect(JSON.stringify(slack.requests.map(({ body }) => body))).not.toContain(words)
    },
    120_000,
  )
})
