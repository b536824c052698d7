import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { keyedQueue } from '#lib/base/keyed-queue.ts'

/** Tasks end when the test ends them. */
function queueOf(atOnce: number) {
  const begun: string[] = []
  const ends = new Map<string, (error?: Error) => void>()
  const done: string[] = []
  const failed: string[] = []
  const state = { isStopping: false }
  const queue = keyedQueue<string, string>({
    atOnce,
    stopping: () => state.isStopping,
    work: (key, task) => {
      begun.push(task)
      return new Promise((resolve, reject) => {
        ends.set(task, (error) => (error ? reject(error) : resolve(`${key}=${task}`)))
      })
    },
    done: async (key, result) => {
      done.push(`${result}${queue.isUnderWay(key) ? ' not free' : ''}`)
    },
    onError: (error, task) => failed.push(`${task}: ${(error as Error).message}`),
  })
  const end = async (task: string, error?: Error) => {
    ends.get(task)?.(error)
    await setImmediate()
  }
  return { queue, begun, done, failed, state, end }
}

describe('a keyed queue', () => {
  it('runs so many at once, the others in their order', async () => {
    const { queue, begun, done, end } = queueOf(2)
    for (const name of ['a', 'b', 'c', 'd']) queue.begin(name, name)
    expect(begun).toEqual(['a', 'b'])
    await end('b')
    expect(begun).toEqual(['a', 'b', 'c'])
    for (const name of ['a', 'c', 'd']) await end(name)
    expect(done).toEqual(['b=b', 'a=a', 'c=c', 'd=d'])
  })

  it('takes nothing of a key of which something waits or runs, and frees it before it is done', async () => {
    const { queue, begun, done, end } = queueOf(1)
    queue.begin('k', 'first')
    queue.begin('k', 'second')
    expect(queue.isUnderWay('k')).toBe(true)
    await end('first')
    expect([begun, done]).toEqual([['first'], ['k=first']])
    queue.begin('k', 'third')
    expect(begun).toEqual(['first', 'third'])
  })

  it('goes on after a task that failed, whose key is free', async () => {
    const { queue, begun, failed, end } = queueOf(1)
    queue.begin('a', 'a')
    queue.begin('b', 'b')
    await end('a', new Error('no'))
    expect([failed, begun]).toEqual([['a: no'], ['a', 'b']])
    expect(queue.isUnderWay('a')).toBe(false)
  })

  it('drops what waits when it is to stop, and is idle when the last one has ended', async () => {
    const { queue, begun, state, end } = queueOf(1)
    queue.begin('a', 'a')
    queue.begin('b', 'b')
    state.isStopping = true
    const idle = queue.idle()
    await end('a')
    await idle
    expect(begun).toEqual(['a'])
    expect(queue.isUnderWay('b')).toBe(false)
    state.isStopping = false
    queue.begin('b', 'b')
    expect(begun).toEqual(['a', 'b'])
  })
})
