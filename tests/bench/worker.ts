import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Work done in a process of its own, so that it does not share the event loop of what it measures. */
export interface Worker<Task, Answer> {
  /** One at a time. */
  ask: (task: Task) => Promise<Answer>
  stop: () => Promise<void>
}

type Reply<Answer> = { answer: Answer } | { error: string }

export function startWorker<Task extends object, Answer>(file: URL): Worker<Task, Answer> {
  const child: ChildProcess = fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  return {
    ask: async (task) => {
      const replied = once(child, 'message') as Promise<[Reply<Answer>]>
      child.send(task)
      const [reply] = await Promise.race([replied, ended.then(() => [{ error: `${file.pathname} ended` }])])
      if ('error' in reply) throw new Error(reply.error)
      return reply.answer
    },
    stop: async () => {
      child.kill()
      await ended
    },
  }
}

/** The other side: answers each task of the process that started this one, and ends with it. */
export function serveTasks<Task, Answer>(work: (task: Task) => Promise<Answer>): void {
  process.on('message', async (task: Task) => {
    const reply: Reply<Answer> = await work(task).then(
      (answer) => ({ answer }),
      (error: Error) => ({ error: error.stack ?? error.message }),
    )
    process.send?.(reply)
  })
  process.on('disconnect', () => process.exit())
}

/** Epoch milliseconds with fractions, the same in every process of the machine. */
export const clock = (): number => performance.timeOrigin + performance.now()
