import { setImmediate } from 'node:timers/promises'

export interface Sharing<Item, Result> {
  /** Stores all items, or throws and stores none. Results are in the order of the items. */
  commit: (items: Item[]) => Promise<Result[]>
  /** Whether an item may have caused an error, so that the others could be stored without it. */
  isOfData: (error: unknown) => boolean
  /** The largest number of items in one commit. */
  max?: number
  /** How many may wait for the current commit; more are refused at once. Absent: any number. */
  maxWaiting?: number
}

/**
 * Commits together what arrives together: items that arrive during one commit go into the next. Nothing waits for more to
 * come, since even 2 ms lower throughput. A batch that fails because of its data is retried item by item, so that one bad
 * item affects only itself. Any other error fails the whole batch at once: if the store does not answer, a hundred items
 * tried one by one would each wait for the timeouts of those before.
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
      // SQLite commits synchronously: without this, the next request is read only after the commit, and every commit has
      // one event. With it, of 32 concurrent senders about 20 share a commit.
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
      if (waiting.length >= maxWaiting) return reject(new Error('Too much is waiting for the store already'))
      waiting.push({ item, resolve, reject })
      if (!running) void run()
    })
}
