import { log, thrown } from '#lib/base/log.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { showsToken } from '#lib/endpoints/bearer.ts'
import { exportedMetrics, storeFamilies } from '#lib/pipeline/exported-metrics.ts'
import { proofsOf } from '#lib/pipeline/reconcile/proofs.ts'
import { database } from '#lib/store/client.ts'
import { storeProbe } from '#lib/store/probe.ts'
import { version } from '../../../package.json'

export const dynamic = 'force-dynamic'

const headers = { 'cache-control': 'no-store' }

/** For Prometheus. 404 unless `METRICS_TOKEN` is set. */
export async function GET(request: Request): Promise<Response> {
  const { env, problems, projects } = currentConfiguration()
  const token = env?.METRICS_TOKEN
  if (!env || token === undefined) return new Response(null, { status: 404, headers })
  if (!showsToken(request, token)) {
    const message = 'Send Authorization: Bearer <METRICS_TOKEN>.'
    const challenge = { ...headers, 'www-authenticate': 'Bearer' }
    return Response.json({ error: 'unauthorized', message }, { status: 401, headers: challenge })
  }
  const text = await exportedMetrics({
    labels: {
      version,
      mode: env.RELAY_MODE,
      store: env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres',
    },
    stored: async () => {
      const [db, now] = [await database(), Date.now()]
      const isServerless = Boolean(process.env.VERCEL)
      return storeFamilies(db, now, await proofsOf(db, { env, projects, problems }, { now, isServerless }))
    },
    problems: problems.length,
    takesWrites: async () => (await storeProbe().check()) === null,
    onError: (error) => log('error', 'the store returned no metrics', thrown(error)),
    startedAt: Date.now() / 1000 - process.uptime(),
    memory: process.memoryUsage.rss(),
  })
  return new Response(text, {
    headers: { ...headers, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  })
}
