import { seed } from '../../../scripts/seed.ts'
import { type Bench, mustSucceed, planFor, strangeVersion } from '../bench.ts'
import type { MeasureName } from '../measures.ts'
import { filters, getPage, signIn } from '../pages.ts'
import { record } from '../results.ts'
import { percentile } from '../statistics.ts'
import { createStore, type Engine, type Store } from '../stores.ts'
import { type Running, start } from '../subjects.ts'

/** Words of the seeded texts: in every second change, and in one of fifty. */
const searched = ['customer', 'voucher']

/** Longer than what is seeded: else the server begins by deleting half of it, while it is measured. */
const keeping = { RETENTION_DAYS: '365' }

/** Of a page, warm: the first quarter is thrown away. */
const typical = (all: number[]): number => percentile(all.slice(all.length / 4), 50)

async function pageMs(url: string, cookie: string): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < 12; i++) all.push((await getPage(url, cookie)).milliseconds)
  return typical(all)
}

/** A server over a store of so many changes. */
interface Side {
  running: Running
  subject: string
  cookie: string
  count: number
}

/** The same page of each, asked for in turns. */
async function inTurns(sides: Side[], pathOf: (side: Side) => Promise<string>): Promise<Map<Side, number>> {
  const asked = await Promise.all(
    sides.map(async (side) => ({ side, path: await pathOf(side), all: [] as number[] })),
  )
  for (let i = 0; i < 40; i++)
    for (const { side, path, all } of asked)
      all.push((await getPage(`${side.running.origin}${path}`, side.cookie)).milliseconds)
  return new Map(asked.map(({ side, all }) => [side, typical(all)]))
}

/** The page so many pages further on, by its own link to what is older. */
async function olderPage(origin: string, cookie: string, pages: number, from = '/'): Promise<string> {
  let path = from
  for (let i = 1; i < pages; i++) {
    const { html } = await getPage(`${origin}${path}`, cookie)
    const [, next] = /href="(\/\?[^"]*before=[^"]*)"/.exec(html) ?? []
    if (next === undefined) return path
    path = next.replaceAll('&amp;', '&')
  }
  return path
}

async function compare({ results, load }: Bench, sides: Side[]): Promise<void> {
  const done = (name: MeasureName, values: Map<Side, number>) => {
    for (const [{ subject }, value] of values) record(results, name, subject, value)
  }
  done('millionList', await inTurns(sides, async () => '/'))
  const deep = ({ running, cookie, count }: Side) =>
    olderPage(running.origin, cookie, Math.min(100, count / 100))
  done('millionDeep', await inTurns(sides, deep))
  const searches: Map<Side, number>[] = []
  for (const word of searched) searches.push(await inTurns(sides, async () => `/?q=${word}`))
  const slowest = (side: Side) => Math.max(...searches.map((one) => one.get(side) ?? 0))
  done('millionSearch', new Map(sides.map((side) => [side, slowest(side)])))
  const rates = new Map<Side, number[]>(sides.map((side) => [side, []]))
  for (let turn = 0; turn < 4; turn++)
    for (const side of sides) {
      const seconds = 1.5
      const plan = planFor(9000 * seconds, strangeVersion)
      const task = { url: side.running.endpoint, plan, pace: { atOnce: 32 }, seconds }
      const { perSecond } = mustSucceed(await load.ask(task), side.subject)
      // The first turn warms up.
      if (turn > 0) rates.get(side)?.push(perSecond)
    }
  done('millionAccept', new Map(sides.map((side) => [side, percentile(rates.get(side) ?? [], 50)])))
}

/** Every way to narrow the list, its hundredth page (or the last, where there are fewer), and the other pages. */
async function measurePages({ results }: Bench, engine: Engine, url: string): Promise<void> {
  const running = await start(engine, { url, env: { ...keeping, SETTLE_MS: '10000' } })
  try {
    const { origin } = running
    const cookie = await signIn(origin)
    const done = async (name: string, path: string) =>
      record(results, 'millionPages', `${engine}: ${name}`, await pageMs(`${origin}${path}`, cookie))
    for (const filter of filters) {
      await done(filter, `/?${filter}`)
      const deep = await olderPage(origin, cookie, 100, `/?${filter}`)
      if (deep !== `/?${filter}`) await done(`${filter}, hundredth page`, deep)
    }
    const first = async (page: string, link: RegExp) => {
      const [path] = link.exec((await getPage(`${origin}${page}`, cookie)).html) ?? []
      if (path === undefined) throw new Error(`${page} links to no ${link.source}`)
      return path
    }
    const change = await first('/?kind=promoted', /\/changes\/chg_[0-9a-f]+/)
    await done('a change', change)
    await done('a prompt', await first(change, /\/prompts\/[^"?]+/))
    for (const path of ['/events', '/rejected', '/setup', '/usage']) await done(path, path)
  } finally {
    await running.stop()
  }
}

async function openSide({ targetEnv }: Bench, engine: Engine, url: string, count: number): Promise<Side> {
  const running = await start(engine, { url, env: { ...targetEnv, ...keeping, SETTLE_MS: '10000' } })
  const subject = `${engine}, ${count.toLocaleString('en-US')}`
  return { running, subject, count, cookie: await signIn(running.origin) }
}

/** A store with a thousand changes beside one with a million (in a quick run, fifty thousand). */
export async function millions(bench: Bench): Promise<void> {
  const many = bench.scale < 1 ? 50_000 : 1_000_000
  for (const engine of bench.engines) {
    const stores: (Store & { count: number })[] = []
    const sides: Side[] = []
    try {
      for (const count of [1000, many]) {
        const store = await createStore(engine)
        stores.push({ ...store, count })
        const begin = performance.now()
        await seed(store.url, { changes: count, days: 180, now: Date.now() })
        if (count === many) record(bench.results, 'millionSeed', engine, (performance.now() - begin) / 1000)
        if (count === many) await measurePages(bench, engine, store.url)
      }
      for (const { url, count } of stores) sides.push(await openSide(bench, engine, url, count))
      await compare(bench, sides)
    } finally {
      for (const { running } of sides) await running.stop()
      for (const store of stores) await store.drop()
    }
  }
}
