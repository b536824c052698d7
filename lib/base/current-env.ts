import { readEnv } from './env.ts'

type Reading = ReturnType<typeof readEnv>

let reading: Reading | undefined

/** The process's environment, read once and late: a build needs no secrets. */
export function currentEnv(): Reading {
  reading ??= readEnv(process.env)
  return reading
}
