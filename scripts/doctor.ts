/**
 * `npm run doctor`: runs the checks of the setup page (configuration, store, targets, clock), prints each problem with
 * its fix, and exits with code 1 if there is one. Posts nothing.
 *
 * `--compare`: first compares all prompts with Langfuse, and waits up to a minute for that.
 */

import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import type { Env } from '#lib/base/env.ts'
import { thrown } from '#lib/base/log.ts'
import { takeProxiesOf } from '#lib/base/proxy-env.ts'
import { withoutEndSlash } from '#lib/base/url-path.ts'
import type { Configuration } from '#lib/core/rules/configuration.ts'
import { setupChecks } from '#lib/core/setup/checks.ts'
import { configurationChecks } from '#lib/core/setup/configuration-checks.ts'
import { type Check, type CheckState, type Finding, ok, problem } from '#lib/core/setup/finding.ts'
import type { Reach, Reached } from '#lib/core/setup/reach.ts'
import { langfuseAccesses } from '#lib/pipeline/langfuse-access.ts'
import { compareNow } from '#lib/pipeline/reconcile/compare-now.ts'
import { lookTimesOf } from '#lib/pipeline/reconcile/run.ts'
import { setupSeen } from '#lib/pipeline/setup/check-inputs.ts'
import { type CheckGroup, doctorReport } from '#lib/pipeline/setup/doctor-report.ts'
import { reachAll } from '#lib/pipeline/setup/reach-all.ts'
import { diskOf, storeFailed, storeWorks } from '#lib/pipeline/setup/store-check.ts'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { tryToWrite } from '#lib/store/probe.ts'
import { readWith } from './relay-file.ts'

const askMs = 10_000

const usage = 'Usage: npm run doctor [-- --compare]'
const given = process.argv.slice(2)
if (given.some((one) => one !== '--compare')) {
  console.error(usage)
  process.exit(2)
}
const wantsCompare = given.includes('--compare')

// In the order that Next reads them: the first value wins.
for (const path of ['.env.production.local', '.env.local', '.env.production', '.env'])
  if (existsSync(path)) process.loadEnvFile(path)
takeProxiesOf(process.env)
const isServerless = Boolean(process.env.VERCEL)

const check = (id: string, title: string, finding: Finding): Check => ({ id, title, ...finding })

/** The size of an ordinary webhook. */
const probeBytes = 64 * 1024

async function storeCheck(env: Env): Promise<{ db: Db | null; store: Check }> {
  const url = env.DATABASE_URL
  const opened = await openDatabase(url, { isServerless }).catch((error: unknown) => ({ error }))
  if ('error' in opened)
    return { db: null, store: check('store', 'Database', storeFailed(opened.error, await diskOf(url))) }
  // A store that accepts no writes may still be readable, for the other checks.
  const finding = await tryToWrite(opened, Date.now(), probeBytes).then(
    async () => storeWorks(url, await diskOf(url)),
    async (error: unknown) => storeFailed(error, await diskOf(url)),
  )
  return { db: opened, store: check('store', 'Database', finding) }
}

const reachCheck = (name: string, { words, fix }: Reach): Check =>
  check(name, name, fix === null ? ok(words) : problem(words, fix))

/** Without a store, only the answers of the targets are known. */
const targetsOnly = ({ targets }: Reached): CheckGroup => ({
  title: 'Targets',
  checks: Object.entries(targets).map(([name, reach]) => reachCheck(name, reach)),
})

const compareMs = 60_000

/** What differs becomes changes, which a running relay settles and sends, as at any other time. */
async function compare(db: Db, env: Env, { projects, problems }: Configuration): Promise<void> {
  if (!wantsCompare || problems.length > 0 || env.RECONCILE_SECONDS === 0) return
  const accesses = langfuseAccesses(db, { projects, perMinute: env.POLL_REQUESTS_PER_MINUTE })
  await compareNow(
    { db, now: Date.now, sleep, until: Date.now() + compareMs },
    accesses.map(({ project, api }) => ({ project, api, ...lookTimesOf(env) })),
  )
}

async function examine(env: Env, configuration: Configuration): Promise<CheckGroup[]> {
  const { fetch } = globalThis
  const { routes, projects } = configuration
  const reached = await reachAll({ projects, routes }, { fetch, now: Date.now, timeoutMs: askMs })
  const { db, store } = await storeCheck(env)
  if (!db)
    return [
      { title: 'Configuration', checks: configurationChecks(configuration) },
      targetsOnly(reached),
      { title: 'The relay itself', checks: [store] },
    ]
  await compare(db, env, configuration)
  const address = { url: withoutEndSlash(env.PUBLIC_URL ?? ''), isSet: env.PUBLIC_URL !== undefined }
  const seen = await setupSeen(db, {
    env,
    configuration,
    now: Date.now(),
    isServerless,
    address,
    reached,
    writeProblem: null,
  })
  await db.destroy()
  const { configuration: own, incoming, targets, relay } = setupChecks(seen)
  return [
    { title: 'Configuration', checks: own },
    { title: 'From Langfuse', checks: incoming },
    { title: 'Targets', checks: targets },
    { title: 'The relay itself', checks: [...relay.filter(({ id }) => id !== 'store'), store] },
  ]
}

async function groups(): Promise<CheckGroup[]> {
  const configuration = await readWith(() => import('#relay.config.ts'), process.env)
  const { env } = configuration
  if (!env) return [{ title: 'Configuration', checks: configurationChecks(configuration) }]
  return examine(env, configuration).catch((error: unknown) => {
    // Even if the checks run into a bug, report what is known.
    const finding = problem(
      `The checks stopped with an error: ${thrown(error).error}.`,
      'This is a bug: please report it.',
    )
    return [
      { title: 'Configuration', checks: configurationChecks(configuration) },
      { title: 'The relay itself', checks: [check('doctor', 'Doctor', finding)] },
    ]
  })
}

const colours = { ok: 'green', problem: 'red', warning: 'yellow', 'not-yet': 'dim' } as const
const paint = (state: CheckState, text: string): string =>
  styleText(colours[state], text, { stream: process.stdout })

const found = await groups()
console.log(doctorReport(found, paint).join('\n'))
if (found.some((group) => group.checks.some(({ state }) => state === 'problem'))) process.exitCode = 1
