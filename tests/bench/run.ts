/** `npm run bench`: everything side by side, round by round, on loopback only. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import { buildApp } from './build.ts'
import type { LoadResult, LoadTask } from './load.ts'
import { describeMachine, type Machine, machineLines } from './machine.ts'
import { asMarkdown } from './print.ts'
import { type Results, type Section, sectionsOf } from './results.ts'
import { differences } from './runs/diff.ts'
import { drains } from './runs/drain.ts'
import { busyEndpoints, endpoints } from './runs/endpoints.ts'
import { hours } from './runs/hour.ts'
import { settledEarly, toSlack } from './runs/latency.ts'
import { lists } from './runs/lists.ts'
import { millions } from './runs/million.ts'
import { reconciles } from './runs/reconcile.ts'
import { settles } from './runs/settle.ts'
import { sizes } from './runs/sizes.ts'
import type { Engine } from './stores.ts'
import { leftOvers, type SubjectName } from './subjects.ts'
import type { TargetsAnswer, TargetsTask } from './targets.ts'
import { startWorker } from './worker.ts'

interface Part {
  run: (bench: Bench) => Promise<void>
  once?: true
  long?: true
  withoutApp?: true
}

/**
 * By name, in their order. `once`: what cannot differ from round to round, or takes minutes. `long`: run only with
 * `--million`, or by name. `withoutApp`: it needs no built app.
 */
const parts: Record<string, Part> = {
  endpoints: { run: endpoints },
  busy: { run: busyEndpoints },
  slack: { run: toSlack },
  early: { run: settledEarly },
  drain: { run: drains },
  settle: { run: settles, once: true },
  reconcile: { run: reconciles, once: true, long: true, withoutApp: true },
  hour: { run: hours, once: true, long: true },
  diff: { run: differences },
  size: { run: sizes, once: true },
  list: { run: lists, once: true, long: true },
  million: { run: millions, once: true, long: true },
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    million: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    profile: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const usage = `npm run bench -- [--rounds 5] [--quick] [--only <part>]… [--million] [--json] [--profile <folder>]
parts: ${Object.keys(parts).join(', ')}
--quick: one short round. --million: also an hour of changes and a million stored ones, which takes many minutes.
--profile: each server writes a CPU profile into the folder when it ends; what is measured is then slower.`

const say = (text: string) => process.stderr.write(`${text}\n`)

function chosenParts(): string[] {
  const { only, million } = options
  const unknown = only.filter((name) => !parts[name])
  if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}\n${usage}`)
  if (only.length > 0) return only
  return Object.entries(parts).flatMap(([name, { long }]) => (long && !million ? [] : [name]))
}

/** What can run here, and why the rest is left out. */
async function subjectsHere(machine: Machine): Promise<{ subjects: SubjectName[]; skipped: string[] }> {
  const skipped: string[] = []
  const subjects: SubjectName[] = ['node', 'empty', 'verify']
  if (machine.redis === null) skipped.push('The BullMQ tutorial: no Redis answers on 127.0.0.1:6379')
  else subjects.push('queue')
  subjects.push('direct', 'sqlite')
  if (machine.postgres === null)
    skipped.push('Prompt Relay on Postgres: no server answers (TEST_POSTGRES_URL)')
  else subjects.push('postgres')
  return { subjects, skipped }
}

/** What went wrong, part by part: the others' numbers are no worse for it, but the run has failed. */
async function runAll(bench: Bench, names: string[], rounds: number): Promise<string[]> {
  const failures: string[] = []
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const part = parts[name]
      if (!part || (part.once && round > 0)) continue
      const begin = Date.now()
      await part.run({ ...bench, round }).catch((error: Error) => {
        failures.push(`${name}: ${error.message}`)
        say(error.stack ?? error.message)
      })
      say(`round ${round + 1} of ${rounds}, ${name}: ${((Date.now() - begin) / 1000).toFixed(1)} s`)
    }
  }
  return failures
}

/** Everything that the parts need, until `close`. */
async function openBench(subjects: SubjectName[]): Promise<{ bench: Bench; close: () => Promise<void> }> {
  const load = startWorker<LoadTask, LoadResult>(new URL('./load.ts', import.meta.url))
  const targets = startWorker<TargetsTask, TargetsAnswer>(new URL('./targets.ts', import.meta.url))
  const { slack, github } = await targets.ask({ kind: 'forget' })
  const profile = options.profile && `--cpu-prof --cpu-prof-dir=${resolve(options.profile)}`
  const targetEnv = {
    SLACK_WEBHOOK_URL: slack,
    GITHUB_API_URL: github,
    GITHUB_REPO: 'bench/prompts',
    GITHUB_TOKEN: 'github_pat_bench',
    ...(profile ? { NODE_OPTIONS: profile } : {}),
  }
  const engines = subjects.filter((name): name is Engine => name === 'sqlite' || name === 'postgres')
  const scale = options.quick ? 0.4 : 1
  const results: Results = new Map()
  const close = async () => {
    await Promise.all([...leftOvers].map((stop) => stop()))
    await load.stop()
    await targets.stop()
  }
  return { bench: { results, load, targets, targetEnv, subjects, engines, round: 0, scale }, close }
}

/** Prints all that came of it; true: no part failed and no hard limit is broken. */
function report(about: Omit<Report, 'sections'>, results: Results): boolean {
  const { machine, rounds, seconds, skipped, failures } = about
  const sections = sectionsOf(results)
  if (options.json) console.log(JSON.stringify({ ...about, sections }, null, 2))
  else {
    const quick = options.quick ? ', quick: a part of the numbers that the titles name' : ''
    const lines = [
      ...machineLines(machine),
      `${rounds} rounds, ${seconds} s${quick}`,
      ...skipped.map((why) => `Skipped. ${why}`),
      ...failures.map((why) => `FAILED. ${why}`),
    ]
    console.log(`${lines.join('\n')}\n\n${asMarkdown(sections)}`)
  }
  const broken = sections.flatMap(({ verdicts }) => verdicts).filter(({ isMet, isHard }) => isHard && !isMet)
  return failures.length === 0 && broken.length === 0
}

/** What `--json` prints. */
interface Report {
  machine: Machine
  rounds: number
  seconds: number
  skipped: string[]
  failures: string[]
  sections: Section[]
}

async function main(): Promise<boolean> {
  const names = chosenParts()
  const rounds = options.quick ? 1 : Math.max(1, Number(options.rounds) || 5)
  const machine = await describeMachine()
  const { subjects, skipped } = await subjectsHere(machine)
  for (const line of machineLines(machine)) say(line)
  const needsApps = names.some((name) => !parts[name]?.withoutApp)
  for (const app of needsApps ? (['empty', 'verify', 'queue', 'direct', 'relay'] as const) : []) {
    if (app !== 'queue' || subjects.includes('queue')) await buildApp(app)
  }
  const begin = Date.now()
  const { bench, close } = await openBench(subjects)
  const failures = await runAll(bench, names, rounds).finally(close)
  const seconds = Math.round((Date.now() - begin) / 1000)
  return report({ machine, rounds, seconds, skipped, failures }, bench.results)
}

/** Interrupted: what was started goes, and the databases with it. */
async function clearAway(): Promise<void> {
  await Promise.all([...leftOvers].map((stop) => stop().catch(() => undefined)))
  process.exit(130)
}
process.once('SIGINT', clearAway)
process.once('SIGTERM', clearAway)

if (options.help) console.log(usage)
else process.exitCode = (await main()) ? 0 : 1
