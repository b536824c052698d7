import { setImmediate } from 'node:timers/promises'

/**
 * Commits together what arrives together: what comes while one commit runs goes into the next.
 * Waiting even 2 ms for company lowers throughput, so nothing waits. A batch that fails is tried again
 * one by one, so that one bad item spoils only itself.
 */
export function sharedCommit<Item, Result>(
  commit: (items: Item[]) => Promise<Result[]>,
  most = 100,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  let waiting: Waiting[] = []
  let running = false

  async function commitAll(batch: Waiting[]): Promise<void> {
    const results = await commit(batch.map(({ item }) => item))
    batch.forEach(({ resolve }, i) => {
      resolve(results[i] as Result)
    })
  }

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      // SQLite commits without giving way: without this the next request is only read when the commit is done,
      // and every commit has one event. With it, 32 senders at once share a commit by about 20.
      await setImmediate()
      const batch = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        await commitAll(batch)
      } catch (error) {
        if (batch.length === 1) batch[0]?.reject(error)
        else for (const one of batch) await commitAll([one]).catch(one.reject)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
