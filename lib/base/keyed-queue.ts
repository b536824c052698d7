interface Queueing<Task, Result> {
  /** So many run at once. */
  atOnce: number
  /** True: nothing more is begun, and what waits is dropped. */
  stopping: () => boolean
  work: (key: string, task: Task) => Promise<Result>
  /** Called once the key is free again. */
  done: (key: string, result: Result) => Promise<void>
  onError: (error: unknown, task: Task) => unknown
}

export interface KeyedQueue<Task> {
  /** Runs the task as soon as there is room; nothing happens while one of the same key waits or runs. */
  begin: (key: string, task: Task) => void
  /** Whether a task of this key waits or runs. */
  isUnderWay: (key: string) => boolean
  /** Resolves when nothing runs. */
  idle: () => Promise<void>
}

/** Runs tasks in their order, one at a time for each key. */
export function keyedQueue<Task, Result>(queueing: Queueing<Task, Result>): KeyedQueue<Task> {
  const { atOnce, stopping, work, done, onError } = queueing
  const keys = new Set<string>()
  const waiting: { key: string; task: Task }[] = []
  const running = new Set<Promise<void>>()

  async function run(key: string, task: Task): Promise<void> {
    try {
      const result = await work(key, task).finally(() => keys.delete(key))
      await done(key, result)
    } catch (error) {
      await onError(error, task)
    }
  }

  function next(): void {
    while (running.size < atOnce && !stopping()) {
      const one = waiting.shift()
      if (!one) return
      const ended = run(one.key, one.task).finally(() => {
        running.delete(ended)
        next()
      })
      running.add(ended)
    }
    if (stopping()) for (const { key } of waiting.splice(0)) keys.delete(key)
  }

  return {
    begin: (key, task) => {
      if (keys.has(key)) return
      keys.add(key)
      waiting.push({ key, task })
      next()
    },
    isUnderWay: (key) => keys.has(key),
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
