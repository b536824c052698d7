import { type Bench, rotated } from '../bench.ts'
import type { ApiAnswer, ApiTask } from '../langfuse-api.ts'
import type { LookingAnswer, LookingTask } from '../looking.ts'
import { record } from '../results.ts'
import { createStore, type Engine } from '../stores.ts'
import { startWorker, type Worker } from '../worker.ts'

const dayMs = 86_400_000

interface Looks {
  api: Worker<ApiTask, ApiAnswer>
  store: string
}

/** One look in a fresh process, and the requests that it sent. */
async function look({ api, store }: Looks): Promise<LookingAnswer & { requests: number }> {
  const { url } = await api.ask({ kind: 'requests' })
  const worker = startWorker<LookingTask, LookingAnswer>(new URL('../looking.ts', import.meta.url))
  try {
    const answer = await worker.ask({ store, api: url })
    return { ...answer, requests: (await api.ask({ kind: 'requests' })).requests }
  } finally {
    await worker.stop()
  }
}

async function withStore(engine: Engine, work: (looks: Looks) => Promise<void>): Promise<void> {
  const store = await createStore(engine)
  const api = startWorker<ApiTask, ApiAnswer>(new URL('../langfuse-api.ts', import.meta.url))
  try {
    await work({ api, store: store.url })
  } finally {
    await api.stop()
    await store.drop()
  }
}

/** All prompts of a project: the first look, and one that compares what is stored. Memory must not grow with them. */
async function large({ results }: Bench, engine: Engine, prompts: number): Promise<void> {
  await withStore(engine, async (looks) => {
    await looks.api.ask({ kind: 'fill', prompts, versions: 50, at: Date.now() - 2 * dayMs })
    const first = await look(looks)
    if (first.versions !== prompts * 50) throw new Error(`${first.versions} versions are stored`)
    const full = await look(looks)
    if (full.found > 0) throw new Error(`${full.found} changes were found where there is none`)
    const subject = `${engine}, ${prompts.toLocaleString('en')}`
    record(results, 'lookFirst', subject, first.seconds)
    record(results, 'lookFirstRequests', subject, first.requests)
    record(results, 'lookFull', subject, full.seconds)
    record(results, 'lookFullRequests', subject, full.requests)
    record(results, 'lookMemory', subject, Math.max(first.peak - first.before, full.peak - full.before))
    record(results, 'lookHeld', subject, Math.max(first.heldMs, full.heldMs))
  })
}

/** A weekend without webhooks: 1,000 new versions, each of which then got `production`. */
async function weekend(bench: Bench, engine: Engine): Promise<void> {
  const { results, scale } = bench
  await withStore(engine, async (looks) => {
    const edited = scale < 1 ? 100 : 1000
    await looks.api.ask({ kind: 'fill', prompts: 2 * edited, versions: 10, at: Date.now() - 5 * dayMs })
    await look(looks)
    await looks.api.ask({ kind: 'edit', prompts: edited, at: Date.now() - dayMs })
    const after = await look(looks)
    if (after.found !== edited) throw new Error(`${after.found} of ${edited} changes were found`)
    record(results, 'lookWeekend', engine, after.seconds)
    record(results, 'lookWeekendRequests', engine, after.requests)
  })
}

export async function reconciles(bench: Bench): Promise<void> {
  for (const engine of rotated(bench.engines, bench.round)) {
    await large(bench, engine, 1000)
    if (bench.scale === 1) await large(bench, engine, 10_000)
    await weekend(bench, engine)
  }
}
