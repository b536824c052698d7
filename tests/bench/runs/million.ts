import { httpClasses, lastTimes, listStatuses } from '#lib/list-filter.ts'
import { seed } from '../../../scripts/seed.ts'
import { type Bench, mustSucceed, planFor, strangeVersion } from '../bench.ts'
import type { MeasureName } from '../measures.ts'
import { getPage, signIn } from '../pages.ts'
import { record } from '../results.ts'
import { percentile } from '../statistics.ts'
import { createStore, type Engine } from '../stores.ts'
import { start } from '../subjects.ts'

/** Words of the seeded texts: in every second change, and in one of fifty. */
const searched = ['customer', 'voucher']

/** Longer than what is seeded: else the server begins by deleting half of it, while it is measured. */
const keeping = { RETENTION_DAYS: '365' }

/** Each filter of the list, some with few and with many matches, and together; as an address tells them. */
const filters = [
  ...listStatuses.map((status) => `status=${status}`),
  ...['version-created', 'promoted', 'deleted', 'alert'].map((kind) => `kind=${kind}`),
  'prompt=support/',
  'label=production',
  'label=eval-7',
  'target=slack',
  ...httpClasses.map((http) => `http=${http}`),
  'test=only',
  'test=shown',
  ...lastTimes.map((time) => `time=${time}`),
  'danger=1',
  'kind=promoted&label=eval-7',
  'status=failed&target=github&time=30d',
  'status=delivered&kind=rolled-back&label=production&q=voucher',
  ...['customer', 'voucher', 'voucher customer', 'nowhere-to-be-found'].map(
    (q) => `q=${encodeURIComponent(q)}`,
  ),
]

/** Of a page, warm: the first quarter is thrown away. */
async function pageMs(url: string, cookie: string, times = 40): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < times; i++) all.push((await getPage(url, cookie)).milliseconds)
  return percentile(all.slice(times / 4), 50)
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

async function measure(bench: Bench, engine: Engine, url: string, count: number): Promise<void> {
  const subject = `${engine}, ${count.toLocaleString('en-US')}`
  const done = (name: MeasureName, value: number) => record(bench.results, name, subject, value)
  const running = await start(engine, { url, env: { ...bench.targetEnv, ...keeping, SETTLE_MS: '10000' } })
  try {
    const { origin, door } = running
    const cookie = await signIn(origin)
    done('millionList', await pageMs(`${origin}/`, cookie))
    done(
      'millionDeep',
      await pageMs(`${origin}${await olderPage(origin, cookie, Math.min(100, count / 100))}`, cookie),
    )
    const searches: number[] = []
    for (const word of searched) searches.push(await pageMs(`${origin}/?q=${word}`, cookie))
    done('millionSearch', Math.max(...searches))
    for (const seconds of [1, 3]) {
      const task = { url: door, plan: planFor(9000 * seconds, strangeVersion), pace: { atOnce: 32 }, seconds }
      const { perSecond } = mustSucceed(await bench.load.ask(task), subject)
      if (seconds === 3) done('millionAccept', perSecond)
    }
  } finally {
    await running.stop()
  }
}

/** Every way to narrow the list, its hundredth page (or the last, where there are fewer), and the other pages. */
async function measurePages({ results }: Bench, engine: Engine, url: string): Promise<void> {
  const running = await start(engine, { url, env: { ...keeping, SETTLE_MS: '10000' } })
  try {
    const { origin } = running
    const cookie = await signIn(origin)
    const done = async (name: string, path: string) =>
      record(results, 'millionPages', `${engine}: ${name}`, await pageMs(`${origin}${path}`, cookie, 12))
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

/** The same store with a thousand changes and with a million (in a quick run, fifty thousand). */
export async function millions(bench: Bench): Promise<void> {
  const many = bench.scale < 1 ? 50_000 : 1_000_000
  for (const engine of bench.engines) {
    for (const count of [1000, many]) {
      const store = await createStore(engine)
      try {
        const begin = performance.now()
        await seed(store.url, { changes: count, days: 180, now: Date.now() })
        const seconds = (performance.now() - begin) / 1000
        if (count === many) record(bench.results, 'millionSeed', engine, seconds)
        if (count === many) await measurePages(bench, engine, store.url)
        await measure(bench, engine, store.url, count)
      } finally {
        await store.drop()
      }
    }
  }
}
