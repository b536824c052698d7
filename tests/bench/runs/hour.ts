import { type Bench, rotated } from '../bench.ts'
import type { HourAnswer, HourTask } from '../hour.ts'
import { megabytes } from '../measures.ts'
import { record } from '../results.ts'
import { createStore } from '../stores.ts'
import { startWorker } from '../worker.ts'

/** Whether memory and the event loop bear an hour of 20 changes a second, in simulated time. */
export async function hours({ results, engines, round, scale }: Bench): Promise<void> {
  const task = { minutes: scale < 1 ? 5 : 60, changesPerSecond: 20 }
  for (const engine of rotated(engines, round)) {
    const store = await createStore(engine)
    const worker = startWorker<HourTask, HourAnswer>(new URL('../hour.ts', import.meta.url))
    try {
      const { perSecond, heap, resident, delayP99, delayMax } = await worker.ask({ url: store.url, ...task })
      record(results, 'hourRate', engine, perSecond)
      record(results, 'hourHeap', engine, megabytes(growth(heap)))
      record(results, 'hourResident', engine, megabytes(growth(resident)))
      record(results, 'hourDelayP99', engine, delayP99)
      record(results, 'hourDelayMax', engine, delayMax)
    } finally {
      await worker.stop()
      await store.drop()
    }
  }
}

/** From the end of the first part, when all is loaded and warm, to the end of the last. */
const growth = (parts: number[]): number => (parts.at(-1) ?? 0) - (parts[0] ?? 0)
