import { setTimeout as sleep } from 'node:timers/promises'
import { version } from '../../package.json'
import { withoutSecret } from '../base/env.ts'
import { log, thrown } from '../base/log.ts'
import { type Problem, problemText } from '../base/problem.ts'
import { own } from '../own-relay.ts'
import { noteStart, noteStop } from '../pipeline/journal.ts'
import { builtRulesDiffer, builtRulesWarning } from '../pipeline/setup/built-rules.ts'
import type { Relay } from '../relay.ts'
import { openDirectEndpoints } from './direct.ts'
import { limitServer, refuseUpgrades } from './limits.ts'
import { screenRequests } from './request-screen.ts'
import { onEachServer } from './servers.ts'

/** So long after its start a server has the thread for its first answers: Langfuse gives an event up after 0.7 s. */
const doorFirstMs = 1000

/** The relay that the first request made, or one of its own, which takes 150 ms to load: it is bundled apart from the routes'. */
async function load(): Promise<Relay | null> {
  await sleep(doorFirstMs)
  if (own.promptRelay) return own.promptRelay
  const { relay } = await import('../relay.ts')
  const made = relay()
  if (!made.relay) noteConfiguration(made.problems, [])
  return made.relay
}

function noteRelay({ env, routes }: Relay): void {
  noteStart({
    version,
    store: env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres',
    mode: env.RELAY_MODE,
    targets: Object.keys(routes.targets),
    rules: routes.rules.map(({ name }) => name),
    alertTargets: routes.alertTargets,
  })
}

/** Says once at start what is wrong, and what of it follows. */
function noteConfiguration(problems: Problem[], warnings: Problem[]): void {
  for (const problem of problems.map(problemText)) log('error', 'configuration', { problem })
  for (const warning of warnings.map(problemText)) log('warn', 'configuration', { warning })
}

async function begin(loaded: Relay | null): Promise<void> {
  if (!loaded) return
  noteConfiguration(loaded.problems, [...withoutSecret(loaded.env), ...loaded.warnings])
  if ((await builtRulesDiffer()) === true) noteConfiguration([], [builtRulesWarning])
  if (loaded.problems.length > 0)
    log('error', 'nothing is settled or sent until the configuration is corrected; events are stored')
  noteRelay(loaded)
  await loaded.start()
}

/**
 * Starts the loop where the process lives on. A function on Vercel has `after()` and the cron route instead.
 * `isTraced`: Next's own way to the endpoint makes the spans. In development it loads what was edited.
 */
export function startRelay({ isTraced }: { isTraced: boolean }): void {
  if (process.env.VERCEL) return
  const isDirect = !isTraced && process.env.NODE_ENV === 'production'
  onEachServer((server, first) => {
    // In development the browser hears of edits through an upgraded connection.
    if (process.env.NODE_ENV === 'production') refuseUpgrades(server)
    // The screen looks at webhooks too, so it stands before the direct way.
    if (isDirect) openDirectEndpoints(server)
    screenRequests(server)
    limitServer(server, first)
  })
  const failed = (error: unknown) => log('error', 'the loop could not start', thrown(error))
  const loaded = load().catch((error) => {
    failed(error)
    return null
  })
  loaded.then(begin).catch(failed)
  // `npm start` sets NEXT_MANUAL_SIG_HANDLE: Next would end the process without waiting for sends.
  if (!process.env.NEXT_MANUAL_SIG_HANDLE) return
  let ending = false
  const end = async (signal: NodeJS.Signals) => {
    // A terminal sends its interrupt to every process of the group, and the start script passes it on as well.
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
