import { expect, it } from 'vitest'
import { pacedErrors } from '#lib/base/paced-errors.ts'

function paced() {
  let now = 1_000_000
  const written: unknown[] = []
  const note = pacedErrors(
    (error, repeated) => written.push([(error as Error).message, repeated]),
    () => now,
  )
  return {
    written,
    note: (message: string) => note(new Error(message)),
    pass: (ms: number) => {
      now += ms
    },
  }
}

it('passes an error of every second on once a minute, with how often it was left out', () => {
  const { written, note, pass } = paced()
  for (let second = 0; second < 120; second++) {
    note('database or disk is full')
    pass(1000)
  }
  expect(written).toEqual([
    ['database or disk is full', 0],
    ['database or disk is full', 59],
  ])
})

it('passes a different error on at once, and the same one again after the clock was set back', () => {
  const { written, note, pass } = paced()
  note('a')
  note('b')
  pass(-3_600_000)
  note('a')
  expect(written).toEqual([
    ['a', 0],
    ['b', 0],
    ['a', 0],
  ])
})
