import { describe, expect, it } from 'vitest'
import type { TraceAnswer } from '#lib/core/change/describe-callback.ts'
import { createRest, tracesWithRest, withRest } from '#lib/pipeline/settle/lookups.ts'

const ids = { projectId: 'p', traceId: 't', observationId: null, sessionId: null }
const noAnswer = (retryAfterMs: number | null): TraceAnswer => ({
  state: 'no-answer',
  message: 'gone',
  retryAfterMs,
})

function reader(...answers: TraceAnswer[]) {
  let time = 0
  let asked = 0
  const read = tracesWithRest(
    async () => answers[asked++] ?? { state: 'not-found' },
    createRest(() => time),
  )
  return {
    at: (ms: number) => {
      time = ms
      return read(ids)
    },
    asked: () => asked,
  }
}

describe('after Langfuse did not answer', () => {
  it('it is not asked for a minute, and waiting requests learn how long', async () => {
    const { at, asked } = reader(noAnswer(null))
    await at(0)
    expect(await at(20_000)).toEqual({ ...noAnswer(40_000) })
    expect(asked()).toBe(1)
    expect(await at(60_000)).toEqual({ state: 'not-found' })
  })

  it('it is left alone for as long as it asks for', async () => {
    const { at, asked } = reader(noAnswer(300_000))
    await at(0)
    expect(await at(299_000)).toMatchObject({ state: 'no-answer', retryAfterMs: 1000 })
    await at(300_000)
    expect(asked()).toBe(2)
  })

  it('because the budget of requests is spent, the next is tried all the same', async () => {
    const { at, asked } = reader({ ...noAnswer(1000), isOverBudget: true } as TraceAnswer)
    await at(0)
    expect(await at(1)).toEqual({ state: 'not-found' })
    expect(asked()).toBe(2)
  })

  it('and answered again, it is asked for each', async () => {
    const { at, asked } = reader(noAnswer(null))
    await at(0)
    for (const ms of [60_000, 60_001, 60_002]) await at(ms)
    expect(asked()).toBe(4)
  })

  it('is not asked for texts either, which are then not known', async () => {
    let time = 0
    let asked = 0
    const rest = createRest(() => time)
    const read = withRest(async () => {
      asked++
      return undefined
    }, rest)
    const request = { projectId: 'p', name: 'n', version: 1 }
    expect(await read(request)).toBeNull()
    expect(await read(request)).toBeNull()
    expect(asked).toBe(1)
    time = 60_000
    expect(await read(request)).toBeNull()
    expect(asked).toBe(2)
  })
})
