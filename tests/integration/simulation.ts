import { setImmediate } from 'node:timers/promises'
import { type DatabaseConnection, type Dialect, type Driver, Kysely } from 'kysely'
import { vi } from 'vitest'
import { type ChangeDetail, emptyDetail } from '#lib/core/change/change.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { createLoop, type Loop, type LoopDeps } from '#lib/pipeline/loop.ts'
import type { Db } from '#lib/store/client.ts'
import { postgresDialect } from '#lib/store/postgres.ts'
import type { Database, DeliveryRow } from '#lib/store/schema.ts'
import { sqliteDialect } from '#lib/store/sqlite.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { insertDeliveries, newDelivery } from '#lib/store/tables/deliveries.ts'

/** A second handle on a store that knows when it is idle, and counts its statements. */
export interface WatchedStore {
  db: Db
  isBusy: () => boolean
  /** Statements so far, `begin` and `commit` included. */
  statements: () => number
}

function watchDriver(driver: Driver, count: { held: number; statements: number }): Driver {
  const watched = new WeakSet<DatabaseConnection>()
  const { acquireConnection, releaseConnection } = driver
  driver.acquireConnection = async (...args) => {
    count.held++
    const connection = await acquireConnection.apply(driver, args).catch((error) => {
      count.held--
      throw error
    })
    if (!watched.has(connection)) {
      watched.add(connection)
      const { executeQuery } = connection
      connection.executeQuery = (...query) => {
        count.statements++
        return executeQuery.apply(connection, query) as never
      }
    }
    return connection
  }
  driver.releaseConnection = async (...args) => {
    await releaseConnection.apply(driver, args)
    count.held--
  }
  return driver
}

/** Opens a store that has already been migrated. */
export function watchStore(url: string): WatchedStore {
  const inner = url.startsWith('file:')
    ? sqliteDialect(url.slice(5))
    : postgresDialect(url, { isServerless: false, onError: () => {} })
  const count = { held: 0, statements: 0 }
  const dialect: Dialect = {
    createAdapter: () => inner.createAdapter(),
    createDriver: () => watchDriver(inner.createDriver(), count),
    createIntrospector: (db) => inner.createIntrospector(db),
    createQueryCompiler: () => inner.createQueryCompiler(),
  }
  const db = new Kysely<Database>({ dialect })
  return { db, isBusy: () => count.held > 0, statements: () => count.statements }
}

/** The start of simulated time. */
export const start: number = Date.UTC(2026, 7, 21, 9)

/** From now on, `Date`, `setTimeout` and `AbortSignal.timeout` use simulated time, until `vi.useRealTimers()`. */
export function simulateTime(): void {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now: start })
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(new DOMException('Too late', 'TimeoutError')), ms)
    return controller.signal
  })
}

/** After this many turns of the event loop without a query, only the clock can cause more work. */
const quietTurns = 12
/** Without this limit, a simulation in which nothing is pending would wait for ever. */
const maxIdleTurns = 100_000

/** Advances simulated time from timer to timer whenever there is nothing to do, until `ended`. */
export async function passTime<T>(ended: Promise<T>, stores: WatchedStore[]): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  ended.then(over, over)
  let quiet = 0
  for (let idle = 0; !isOver && idle < maxIdleTurns; ) {
    await setImmediate()
    quiet = stores.some((store) => store.isBusy()) ? 0 : quiet + 1
    if (quiet < quietTurns) continue
    quiet = 0
    if (vi.getTimerCount() === 0) idle++
    else vi.advanceTimersToNextTimer()
  }
  if (!isOver) throw new Error('Nothing is left to wait for, and it has not ended')
  return ended
}

/** Longer timers overflow. */
const longestTimer = 2 ** 31 - 1

export async function sleep(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= longestTimer)
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, longestTimer)))
}

/** One request, as a target sees it. */
export interface Call {
  /** Milliseconds since `start`. */
  at: number
  url: string
  /** Ids of the changes that it reports. */
  changes: string[]
  signal: AbortSignal
}

export type Reply = Response | 'hang' | { code: string }

/** A `fetch` that does what `reply` returns: answer, hang until aborted, or fail with a network error's code. */
export function fetchDouble(reply: (call: Call) => Reply | Promise<Reply>): {
  fetch: typeof globalThis.fetch
  calls: Call[]
} {
  const calls: Call[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const signal = init?.signal ?? new AbortController().signal
    const changes = [...new Set(String(init?.body).match(/chg_[0-9a-f]+/g))]
    const url = input instanceof Request ? input.url : String(input)
    const call = { at: Date.now() - start, url, changes, signal }
    calls.push(call)
    const given = await reply(call)
    if (given instanceof Response) return given
    if (given !== 'hang') throw Object.assign(new TypeError('fetch failed'), { cause: { code: given.code } })
    return new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
  return { fetch, calls }
}

export const ok = (): Response => new Response('ok')
export const status = (code: number, headers: Record<string, string> = {}, body = ''): Response =>
  new Response(body, { status: code, headers })

export const slackUrl = (name: string): string => `https://hooks.slack.test/services/T0/B0/${name}Secret0123`

export const slackTargets = (...names: string[]): Routes['targets'] =>
  Object.fromEntries(names.map((name) => [name, { type: 'slack', url: slackUrl(name) }]))

export function simulatedLoop(
  store: WatchedStore,
  parts: Partial<LoopDeps> & Pick<LoopDeps, 'fetch' | 'routes'>,
): Loop & { errors: unknown[] } {
  const errors: unknown[] = []
  const loop = createLoop({
    db: store.db,
    now: Date.now,
    // The middle of the range: no jitter.
    random: () => 0.5,
    sleep,
    retentionDays: 90,
    urls: { langfuse: 'https://langfuse.test', public: 'https://relay.test' },
    onError: (error) => errors.push(error),
    ...parts,
  })
  return { ...loop, errors }
}

const detail: ChangeDetail = { ...emptyDetail, facts: [{ kind: 'label-added', label: 'production', to: 7 }] }

/** Changes settled now, each with a queued delivery to every named target. Returns the deliveries. */
export async function queueChanges(
  db: Db,
  count: number,
  targets: string[],
  more: Partial<DeliveryRow> = {},
): Promise<DeliveryRow[]> {
  const now = Date.now()
  const changes = Array.from({ length: count }, (_, i) =>
    newChange({
      now,
      kind: 'label-added',
      projectId: 'p1',
      subject: `prompt-${i}`,
      version: 7,
      title: `Maya put production on prompt-${i} v7`,
      actor: 'Maya',
      detail,
      eventCount: 1,
      isSettled: true,
    }),
  )
  const deliveries = changes.flatMap(({ id }) =>
    targets.map(
      (target): DeliveryRow => ({
        ...newDelivery(
          { id, target, now },
          { status: 'queued', rule: 'a rule', fact: JSON.stringify(detail.facts[0]) },
        ),
        ...more,
      }),
    ),
  )
  for (let i = 0; i < changes.length; i += 500)
    await db
      .insertInto('changes')
      .values(changes.slice(i, i + 500))
      .execute()
  for (let i = 0; i < deliveries.length; i += 500) await insertDeliveries(db, deliveries.slice(i, i + 500))
  return deliveries
}
