import { type Bench, rotated } from '../bench.ts'
import { record } from '../results.ts'
import type { SettlingAnswer, SettlingTask } from '../settling.ts'
import { createStore, type Engine } from '../stores.ts'
import { startWorker } from '../worker.ts'

async function measure(engine: Engine, edits: number, of: SettlingTask['of']) {
  const store = await createStore(engine)
  const worker = startWorker<SettlingTask, SettlingAnswer>(new URL('../settling.ts', import.meta.url))
  try {
    const quarters = await worker.ask({ url: store.url, edits, of })
    const [first = 0] = quarters
    const seconds = quarters.reduce((a, b) => a + b, 0) / 1000
    return { perSecond: edits / seconds, growth: (quarters.at(-1) ?? 0) / first }
  } finally {
    await worker.stop()
    await store.drop()
  }
}

/** How many edits settle in a second, and whether that stays so as they grow in number. */
export async function settles({ results, engines, round, scale }: Bench): Promise<void> {
  const edits = scale < 1 ? 400 : 2000
  for (const engine of rotated(engines, round)) {
    const one = await measure(engine, edits, 'one prompt')
    record(results, 'settleOne', engine, one.perSecond)
    record(results, 'settleOneGrowth', engine, one.growth)
    const many = await measure(engine, edits, 'many prompts')
    record(results, 'settleMany', engine, many.perSecond)
    record(results, 'settleManyGrowth', engine, many.growth)
  }
}
