import { cpus, loadavg, release, totalmem } from 'node:os'
import next from 'next/package.json' with { type: 'json' }
import { describePostgres, describeRedis } from './stores.ts'

/** Where the numbers come from. Null: no such server answers. */
export interface Machine {
  cpu: string
  cores: number
  memoryGB: number
  system: string
  node: string
  next: string
  postgres: string | null
  redis: string | null
  /** Processes that needed a core in the minute before the start: figures of a busy machine are rough. */
  loadBefore: number
}

export async function describeMachine(): Promise<Machine> {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${release()}`,
    node: process.version,
    next: next.version,
    postgres: await describePostgres(),
    redis: await describeRedis(),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}

export function machineLines(machine: Machine): string[] {
  const { cpu, cores, memoryGB, system, node, next: version, postgres, redis, loadBefore } = machine
  return [
    `${cores} × ${cpu}, ${memoryGB} GB, ${system}, Node ${node}, Next ${version}`,
    `Postgres ${postgres ?? 'does not answer'}; Redis ${redis ?? 'does not answer'}; load before the start ${loadBefore}`,
  ]
}
