import { setTimeout as sleep } from 'node:timers/promises'
import { version } from '../../package.json'
import { log, thrown } from '../base/log.ts'
import { type Problem, problemText } from '../base/problem.ts'
import { withoutSecret } from '../core/rules/projects.ts'
import { own } from '../current-relay.ts'
import { noteStart, noteStop } from '../pipeline/journal.ts'
import { builtRulesDiffer, builtRulesWarning } from '../pipeline/setup/built-rules.ts'
import type { Relay } from '../relay.ts'
import { openDirectEndpoints } from './direct.ts'
import { limitServer, refuseUpgrades } from './limits.ts'
import { screenRequests } from './request-screen.ts'
import { onEachServer } from './server-hooks.ts'

/** After its start, a server keeps the thread free for its first answers: Langfuse gives up an event after 0.7 s. */
const endpointFirstMs = 1000

/** The relay created by the first request, or one of its own: that takes 150 ms to load, because routes are bundled apart. */
async function load(): Promise<Relay | null> {
  await sleep(endpointFirstMs)
  if (own.promptRelay) return own.promptRelay
  const { relay } = await import('../relay.ts')
  const made = relay()
  if (!made.relay) noteConfiguration(made.problems, [])
  return made.relay
}

function noteRelay({ env, routes, projects }: Relay): void {
  const named = projects.filter(({ signsForAny }) => !signsForAny).map(({ name }) => name)
  noteStart({
    version,
    store: env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres',
    mode: env.RELAY_MODE,
    targets: Object.keys(routes.targets),
    rules: routes.rules.map(({ name }) => name),
    alertTargets: routes.alertTargets,
    ...(named.length > 0 && { projects: named }),
  })
}

/** Logs once, at start, what is wrong. */
function noteConfiguration(problems: Problem[], warnings: Problem[]): void {
  for (const problem of problems.map(problemText)) log('error', 'configuration', { problem })
  for (const warning of warnings.map(problemText)) log('warn', 'configuration', { warning })
}

async function begin(loaded: Relay | null): Promise<void> {
  if (!loaded) return
  noteConfiguration(loaded.problems, [...withoutSecret(loaded.projects), ...loaded.warnings])
  if ((await builtRulesDiffer()) === true) noteConfiguration([], [builtRulesWarning])
  if (loaded.problems.length > 0)
    log('error', 'nothing is settled or sent until the configuration is corrected; events are stored')
  noteRelay(loaded)
  await loaded.start()
}

/** On Vercel an integration receives the spans; outside it, a collector is set, for all signals or for traces only. */
export const isTraced = (env: NodeJS.ProcessEnv): boolean =>
  Boolean(env.VERCEL || env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)

/** With tracing, webhooks go Next's way, which makes their spans; in development, it loads what was edited. */
function guardServers(): void {
  const isProduction = process.env.NODE_ENV === 'production'
  const isDirect = isProduction && !isTraced(process.env)
  onEachServer((server, first) => {
    // In development, the browser gets edits through an upgraded connection.
    if (isProduction) refuseUpgrades(server)
    // Set up before the screen, which must see webhooks too: the last one set up sees a request first.
    if (isDirect) openDirectEndpoints(server)
    screenRequests(server)
    limitServer(server, first)
  })
}

/** On a signal, ends the process after the sends in progress. */
function endInOrder(loaded: Promise<Relay | null>): void {
  let ending = false
  const end = async (signal: NodeJS.Signals) => {
    // A terminal interrupts every process of the group, and the start script passes the signal on too.
    if (ending) return
    ending = true
    const endingAt = performance.now()
    const relay = await loaded
    await relay?.stop().catch((error) => log('error', 'the loop did not stop in order', thrown(error)))
    noteStop(signal, Math.round(performance.now() - endingAt))
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

/** Starts the loop in a long-running process. A function on Vercel has `after()` and the cron route instead. */
export function startRelay(): void {
  if (process.env.VERCEL) return
  guardServers()
  const failed = (error: unknown) => log('error', 'the loop could not start', thrown(error))
  const loaded = load().catch((error) => {
    failed(error)
    return null
  })
  loaded.then(begin).catch(failed)
  // Set by `npm start`: Next itself would end the process without waiting for sends.
  if (process.env.NEXT_MANUAL_SIG_HANDLE) endInOrder(loaded)
}
