import { setImmediate } from 'node:timers/promises'

export interface Sharing<Item, Result> {
  /** Stores all of them, or none and throws. Results in the order of the items. */
  commit: (items: Item[]) => Promise<Result[]>
  /** Whether one of the items may be the reason of an error, so that the others could be stored without it. */
  isOfData: (error: unknown) => boolean
  /** The largest number of items in one commit. */
  max?: number
  /** So many may wait for the commit under way; further ones are refused at once. Absent: any number. */
  maxWaiting?: number
}

/**
 * Commits together what arrives together: what comes while one commit runs goes into the next.
 * Waiting even 2 ms for company lowers throughput, so nothing waits. A batch that fails for its data is tried again
 * one by one, so that one bad item spoils only itself. Any other error fails all of it at once: of a store that
 * does not answer, a hundred items tried one by one would each wait for the time-out of those before.
 */
export function sharedCommit<Item, Result>({
  commit,
  isOfData,
  max = 100,
  maxWaiting = Number.POSITIVE_INFINITY,
}: Sharing<Item, Result>): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  let waiting: Waiting[] = []
  let running = false

  async function commitAll(batch: Waiting[]): Promise<void> {
    const results = await commit(batch.map(({ item }) => item))
    batch.forEach(({ resolve }, i) => {
      resolve(results[i] as Result)
    })
  }

  async function commitApart(batch: Waiting[]): Promise<void> {
    for (const [i, one] of batch.entries()) {
      try {
        await commitAll([one])
      } catch (error) {
        one.reject(error)
        if (isOfData(error)) continue
        for (const other of batch.slice(i + 1)) other.reject(error)
        return
      }
    }
  }

  async function run(): Promise<void> {
    running = true
    while (waiting.length > 0) {
      // SQLite commits without giving way: without this the next request is only read when the commit is done,
      // and every commit has one event. With it, 32 senders at once share a commit by about 20.
      await setImmediate()
      const batch = waiting.slice(0, max)
      waiting = waiting.slice(max)
      try {
        await commitAll(batch)
      } catch (error) {
        if (batch.length > 1 && isOfData(error)) await commitApart(batch)
        else for (const { reject } of batch) reject(error)
      }
    }
    running = false
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= maxWaiting) return reject(new Error('Too much waits for the store already'))
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
