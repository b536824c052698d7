import { openDatabase } from '#lib/store/client.ts'
import { type Bench, rotated, untilArrived } from '../bench.ts'
import { record } from '../results.ts'
import { createStore, type Engine } from '../stores.ts'
import { start } from '../subjects.ts'
import { queueDeliveries } from '../waiting.ts'

const targets = ['slack', 'github']
const tag = 'seeded'

/** Deliveries that wait in the store when the app starts: seconds from the first at a target to the last. */
async function drainSeconds(bench: Bench, engine: Engine, deliveries: number): Promise<number> {
  const store = await createStore(engine)
  try {
    const db = await openDatabase(store.url)
    const count = deliveries / targets.length
    await queueDeliveries(db, { count, tag, targets })
    await db.destroy()
    await bench.targets.ask({ kind: 'forget' })
    const env = { ...bench.targetEnv, SLACK_PER_SECOND: '0' }
    const running = await start(engine, { env, url: store.url })
    try {
      const arrivals = await untilArrived(bench, deliveries, ({ marker }) => marker.includes(tag))
      const different = new Set(arrivals.map(({ target, marker }) => `${target} ${marker}`)).size
      if (different !== deliveries || arrivals.length !== deliveries)
        throw new Error(
          `${deliveries} deliveries waited, ${arrivals.length} came, ${different} of them different`,
        )
      const times = arrivals.map(({ at }) => at)
      return (times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b))) / 1000
    } finally {
      await running.stop()
    }
  } finally {
    await store.drop()
  }
}

export async function drains(bench: Bench): Promise<void> {
  const many = bench.scale < 1 ? 1000 : 4000
  const few = many / 10
  for (const engine of rotated(bench.engines, bench.round)) {
    const short = await drainSeconds(bench, engine, few)
    const long = await drainSeconds(bench, engine, many)
    record(bench.results, 'drain', engine, many / long)
    record(bench.results, 'drainGrowth', engine, long / many / (short / few))
  }
}
