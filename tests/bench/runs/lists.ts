import { firstIdAt } from '#lib/base/id.ts'
import { parseListFilter } from '#lib/core/list/filter.ts'
import { openDatabase } from '#lib/store/client.ts'
import { countFiltered, listFiltered } from '#lib/store/search/list.ts'
import { listedChanges } from '#lib/store/views/listed-changes.ts'
import { seed } from '../../../scripts/seed.ts'
import { plainIds } from '../baseline/plain-list.ts'
import type { Bench } from '../bench.ts'
import { filters } from '../pages.ts'
import { type Results, record } from '../results.ts'
import { percentile } from '../statistics.ts'
import { createStore } from '../stores.ts'

const days = 180
const size = 50
const times = 5

/** The queries of the list at several sizes, of every filter, without a server around them. */
export async function lists({ results, engines, scale }: Bench): Promise<void> {
  for (const engine of engines)
    for (const count of scale < 1 ? [20_000] : [100_000, 1_000_000]) {
      const store = await createStore(engine)
      const now = Date.now()
      try {
        await seed(store.url, { changes: count, days, now })
        await measureQueries(results, `${engine}, ${count.toLocaleString('en-US')} changes`, store.url, now)
      } finally {
        await store.drop()
      }
    }
}

async function measureQueries(results: Results, subject: string, url: string, now: number): Promise<void> {
  const db = await openDatabase(url)
  const middle = firstIdAt('chg', now - (days / 2) * 86_400_000)
  for (const address of filters) {
    const { filter } = parseListFilter(new URLSearchParams(address))
    const request = { filter, now }
    const ours = [
      () => listFiltered(db, request, {}, size),
      () => listFiltered(db, request, { before: middle }, size),
      () => countFiltered(db, request),
    ]
    const plain = [
      async () => listedChanges(db, await plainIds(db, request, null, size)),
      async () => listedChanges(db, await plainIds(db, request, middle, size)),
      () => plainIds(db, request, null, 1001),
    ]
    for (const query of ours) record(results, 'list', subject, await typicalMs(query))
    for (const query of plain) record(results, 'list', `${subject}, one statement`, await typicalMs(query))
  }
  await db.destroy()
}

/** A query that the store gives up on counts with the time until then. */
async function typicalMs(query: () => Promise<unknown>): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < times; i++) {
    const begin = performance.now()
    await query().catch(() => undefined)
    all.push(performance.now() - begin)
  }
  return percentile(all.slice(1), 50)
}
