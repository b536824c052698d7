import { describe, expect, it } from 'vitest'
import { sharedCommit } from '#lib/base/shared-commit.ts'

const outcomes = async (results: Promise<string>[]) =>
  (await Promise.allSettled(results)).map((one) =>
    one.status === 'fulfilled' ? one.value : String(one.reason),
  )

/** A store that answers as `fails` says, and knows what was committed in which batch. */
function storeOf(fails: (batch: string[]) => Error | null) {
  const batches: string[][] = []
  const save = sharedCommit({
    isOfData: (error) => String(error).includes('data'),
    commit: async (batch: string[]) => {
      batches.push(batch)
      await new Promise((done) => setTimeout(done, 1))
      const error = fails(batch)
      if (error) throw error
      return batch.map((item) => `${item} saved`)
    },
  })
  return { save, batches }
}

describe('a shared commit', () => {
  it('stores together what arrives together, and after it what arrives meanwhile', async () => {
    const { save, batches } = storeOf(() => null)
    const first = ['a', 'b'].map(save)
    await new Promise((done) => setImmediate(() => setImmediate(done)))
    expect(await outcomes([...first, save('c')])).toEqual(['a saved', 'b saved', 'c saved'])
    expect(batches).toEqual([['a', 'b'], ['c']])
  })

  it('refuses at once what exceeds the number that may wait, and accepts more when there is room', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>((done) => {
      release = done
    })
    const save = sharedCommit({
      isOfData: () => false,
      max: 1,
      maxWaiting: 2,
      commit: async (batch: string[]) => {
        await held
        return batch
      },
    })
    const first = save('under way')
    await new Promise((done) => setImmediate(() => setImmediate(done)))
    const waiting = [save('a'), save('b')]
    expect(await outcomes([save('c')])).toEqual(['Error: Too much is waiting for the store already'])
    release()
    expect(await outcomes([first, ...waiting])).toEqual(['under way', 'a', 'b'])
    expect(await outcomes([save('d')])).toEqual(['d'])
  })

  it('fails only the bad item of a batch', async () => {
    const { save, batches } = storeOf((batch) => (batch.includes('b') ? new Error('bad data') : null))
    expect(await outcomes(['a', 'b', 'c'].map(save))).toEqual(['a saved', 'Error: bad data', 'c saved'])
    expect(batches).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']])
  })

  it('fails a whole batch at once when the store does not answer, and accepts the next', async () => {
    let isGone = true
    const { save, batches } = storeOf(() => (isGone ? new Error('time-out') : null))
    expect(await outcomes(['a', 'b', 'c'].map(save))).toEqual(Array(3).fill('Error: time-out'))
    expect(batches).toEqual([['a', 'b', 'c']])
    isGone = false
    expect(await outcomes([save('d')])).toEqual(['d saved'])
  })

  it('stops trying one by one when the store goes away meanwhile', async () => {
    const { save, batches } = storeOf((batch) =>
      batch.length > 1 ? new Error('bad data') : batch[0] === 'a' ? null : new Error('time-out'),
    )
    expect(await outcomes(['a', 'b', 'c', 'd'].map(save))).toEqual([
      'a saved',
      ...Array(3).fill('Error: time-out'),
    ])
    expect(batches).toEqual([['a', 'b', 'c', 'd'], ['a'], ['b']])
  })
})
