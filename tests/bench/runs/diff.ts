import type { Bench } from '../bench.ts'
import type { DiffAnswer, DiffTask } from '../diffing.ts'
import { record } from '../results.ts'
import { startWorker } from '../worker.ts'

const names: DiffTask['name'][] = [
  'ten words in all',
  'a word in each line',
  'all lines moved',
  'nothing in common',
  'one line without breaks',
  'few kinds of lines',
  'Chinese, a word in each line',
]

/** Each in a fresh process: an operator's first look at a large prompt is at a cold one. */
export async function differences({ results }: Bench): Promise<void> {
  for (const name of names) {
    const worker = startWorker<DiffTask, DiffAnswer>(new URL('../diffing.ts', import.meta.url))
    const { milliseconds, coarse } = await worker.ask({ name })
    record(results, 'diff', coarse ? `${name} (coarse)` : name, milliseconds)
    await worker.stop()
  }
}
