import { withoutSecret } from '#lib/base/env.ts'
import { fixOf } from '#lib/base/log.ts'
import { problemText } from '#lib/base/problem.ts'
import { type StoreErrorKind, storeErrorKind, storeErrorWords } from '#lib/base/store-error.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { database } from '#lib/store/client.ts'
import { storeProbe } from '#lib/store/probe.ts'
import { readWaiting } from '#lib/store/views/health.ts'
import { version } from '../../../package.json'

export const dynamic = 'force-dynamic'

const secondsSince = (at: number | null, now: number): number =>
  at === null ? 0 : Math.max(0, Math.round((now - at) / 1000))

/** Errors that know no fix may name an address in their message. */
function whyUnusable(error: unknown): { problems: string[] } | { reason: StoreErrorKind; message: string } {
  const fix = fixOf(error)
  if (error instanceof Error && fix !== null) return { problems: [`${error.message}. ${fix}`] }
  const reason = storeErrorKind(error)
  return { reason, message: `The store cannot be used: ${storeErrorWords[reason]}.` }
}

/**
 * Readiness: 200 when events are taken: the store answers and takes writes. `degraded` with the problems of the
 * configuration, while nothing settles and nothing is sent, or where there is no webhook secret yet; else 503. Holds no secret and no name of a prompt. Whether the process lives: `/api/health/live`.
 */
export async function GET(): Promise<Response> {
  const headers = { 'cache-control': 'no-store' }
  const configuration = currentConfiguration()
  const { env } = configuration
  const problems = configuration.problems.map(problemText)
  if (!env) return Response.json({ status: 'misconfigured', version, problems }, { status: 503, headers })
  const mode = env.RELAY_MODE
  const store = env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres'
  try {
    const now = Date.now()
    const { since, overdueChanges } = await readWaiting(await database(), now)
    const waiting = { oldestWaitingSeconds: secondsSince(since, now), overdueChanges }
    const problem = await storeProbe().check()
    if (problem === null) {
      const told = [...problems, ...withoutSecret(env).map(problemText)]
      const state = told.length > 0 ? { status: 'degraded', problems: told } : { status: 'ok' }
      return Response.json({ ...state, version, mode, store, ...waiting }, { headers })
    }
    const message = `The store takes no writes: ${storeErrorWords[problem.kind]}.`
    const seconds = secondsSince(problem.since, now)
    const told = {
      status: 'store-not-writable',
      version,
      mode,
      store,
      reason: problem.kind,
      message,
      seconds,
    }
    return Response.json({ ...told, ...waiting }, { status: 503, headers })
  } catch (error) {
    return Response.json(
      { status: 'store-unavailable', version, store, ...whyUnusable(error) },
      { status: 503, headers },
    )
  }
}
