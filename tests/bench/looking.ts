/** Compares a store with Langfuse's API in a process of its own, so that its memory is its own. */
import { runLook } from '#lib/pipeline/reconcile/look.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { openDatabase } from '#lib/store/client.ts'
import { readLease, readLook, requestFullLook } from '#lib/store/tables/looks.ts'
import { countDoubts } from '#lib/store/tables/prompt-looks.ts'
import { langfuseProject } from '../projects.ts'
import { megabytes } from './measures.ts'
import { serveTasks } from './worker.ts'

export interface LookingTask {
  store: string
  api: string
}

/** Of one look, with all that it found read and stored. */
export interface LookingAnswer {
  seconds: number
  /** Of these, until it had been compared. */
  comparedSeconds: number
  found: number
  versions: number
  /** MB of resident memory: before, and at most. */
  before: number
  peak: number
  /** The longest that the thread was held, milliseconds. */
  heldMs: number
}

const projectId = 'cm0bench00000000000000000'
const settleMs = 2000
const graceMs = settleMs + 121_000

console.log = () => {}

serveTasks<LookingTask, LookingAnswer>(async ({ store, api }) => {
  const db = await openDatabase(store)
  // The process before was ahead of the clock, so that nothing had to be waited for.
  const restUntil = (await readLease(db, 'bench'))?.nextAt ?? 0
  let ahead = Math.max(0, restUntil - Date.now())
  const now = () => Date.now() + ahead
  const project = langfuseProject({ name: 'bench', baseUrl: api, keys: { publicKey: 'pk', secretKey: 'sk' } })
  const deps = {
    ...{ db, project, now, settleMs, everyMs: 300_000, until: Number.POSITIVE_INFINITY },
    ...{
      stopping: () => false,
      onStored: () => {},
      api: { baseUrl: api, publicKey: 'pk', secretKey: 'sk', fetch },
    },
  }
  const settled = async () => {
    while ((await settleDue({ db, routes: { targets: {}, rules: [], alertTargets: [] }, now })).claimed > 0);
  }
  const isFirst = (await readLook(db, { baseUrl: api, projectId })).state.baselineAt === null
  if (!isFirst) await requestFullLook(db, { baseUrl: api, projectId }, { why: 'requested', at: now() })
  const before = process.memoryUsage().rss
  let peak = before
  let heldMs = 0
  let last = performance.now()
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
    heldMs = Math.max(heldMs, performance.now() - last - 5)
    last = performance.now()
  }, 5)
  try {
    const begin = performance.now()
    ahead += 400_000
    await runLook(deps)
    const compared = performance.now()
    for (let i = 0; i < 5 && (await countDoubts(db, projectId)) > 0; i++) {
      ahead += graceMs
      await runLook(deps)
    }
    await settled()
    const { error = null } = (await readLease(db, 'bench')) ?? {}
    const { current, details } = (await readLook(db, { baseUrl: api, projectId })).state
    if (error || current || details !== null) throw new Error(`The look has not ended: ${error?.message}`)
    const ended = performance.now()
    const count = async (table: 'changes' | 'prompt_versions') => {
      const { n } = await db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll().as('n'))
        .executeTakeFirstOrThrow()
      return Number(n)
    }
    return {
      seconds: (ended - begin) / 1000,
      comparedSeconds: (compared - begin) / 1000,
      found: await count('changes'),
      versions: await count('prompt_versions'),
      ...{ before: megabytes(before), peak: megabytes(peak), heldMs },
    }
  } finally {
    clearInterval(watch)
    await db.destroy()
  }
})
