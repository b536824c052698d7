import { fixOf } from '#lib/base/log.ts'
import { problemText } from '#lib/base/problem.ts'
import { type StoreErrorKind, storeErrorKind, storeErrorWords } from '#lib/base/store-error.ts'
import { type Proof, proofSentence } from '#lib/core/reconcile/proof.ts'
import { withoutSecret } from '#lib/core/rules/projects.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { database } from '#lib/store/client.ts'
import { storeProbe } from '#lib/store/probe.ts'
import { readWaiting } from '#lib/store/views/health.ts'
import { version } from '../../../package.json'

export const dynamic = 'force-dynamic'

const secondsSince = (at: number | null, now: number): number =>
  at === null ? 0 : Math.max(0, Math.round((now - at) / 1000))

const reconciliationOf = (proof: Proof, now: number) => ({
  project: proof.project,
  state: proof.state,
  message: proofSentence(proof, now),
  checkedSecondsAgo: proof.checkedAt === null ? null : secondsSince(proof.checkedAt, now),
  missingToday: proof.today,
  missingIn30Days: proof.recent,
})

/** The message of an error without a known fix may contain an address. */
function whyUnusable(error: unknown): { problems: string[] } | { reason: StoreErrorKind; message: string } {
  const fix = fixOf(error)
  if (error instanceof Error && fix !== null) return { problems: [`${error.message}. ${fix}`] }
  const reason = storeErrorKind(error)
  return { reason, message: `The store cannot be used: ${storeErrorWords[reason]}.` }
}

/**
 * Readiness: 200 while events are accepted, that is, while the store answers and accepts writes; else 503. `degraded`
 * lists the problems of the configuration, with which nothing is settled or sent, or says that the webhook secret is
 * missing. `reconciliation` says what comparing with Langfuse shows of each project. Contains no secrets and no prompt names. Liveness is `/api/health/live`.
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
    const db = await database()
    const { since, overdueChanges } = await readWaiting(db, now)
    const proofs = await proofsOf(
      db,
      { ...configuration, env },
      { now, isServerless: Boolean(process.env.VERCEL) },
    )
    const waiting = {
      oldestWaitingSeconds: secondsSince(since, now),
      overdueChanges,
      reconciliation: proofs.map((proof) => reconciliationOf(proof, now)),
    }
    const problem = await storeProbe().check()
    if (problem === null) {
      const all = [...problems, ...withoutSecret(configuration.projects).map(problemText)]
      const state = all.length > 0 ? { status: 'degraded', problems: all } : { status: 'ok' }
      return Response.json({ ...state, version, mode, store, ...waiting }, { headers })
    }
    const message = `The store accepts no writes: ${storeErrorWords[problem.kind]}.`
    const seconds = secondsSince(problem.since, now)
    const state = {
      status: 'store-not-writable',
      version,
      mode,
      store,
      reason: problem.kind,
      message,
      seconds,
    }
    return Response.json({ ...state, ...waiting }, { status: 503, headers })
  } catch (error) {
    return Response.json(
      { status: 'store-unavailable', version, store, ...whyUnusable(error) },
      { status: 503, headers },
    )
  }
}
