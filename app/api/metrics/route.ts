import { showsToken } from '#lib/bearer.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { database } from '#lib/db/client.ts'
import { log, thrown } from '#lib/log.ts'
import { processFamilies } from '#lib/metrics.ts'
import { type Family, metricsText } from '#lib/metrics-text.ts'
import { storeFamilies } from '#lib/store-metrics.ts'
import { storeProbe } from '#lib/store-probe.ts'
import { version } from '../../../package.json'

export const dynamic = 'force-dynamic'

const headers = { 'cache-control': 'no-store' }

function runFamilies(
  labels: Record<string, string>,
  { isStoreUp, isWritable, problems }: { isStoreUp: boolean; isWritable: boolean; problems: number },
): Family[] {
  const startedAt = Date.now() / 1000 - process.uptime()
  const gauge = (name: string, help: string, value: number, of: Record<string, string> = {}): Family => ({
    name,
    help,
    type: 'gauge',
    samples: [{ labels: of, value }],
  })
  return [
    gauge('prompt_relay_info', 'Version, mode and store.', 1, labels),
    gauge('prompt_relay_store_up', '1: the store answers.', isStoreUp ? 1 : 0),
    gauge(
      'prompt_relay_store_writable',
      '1: the store takes writes, by a write of the last 30 seconds.',
      isWritable ? 1 : 0,
    ),
    gauge(
      'prompt_relay_configuration_problems',
      'Problems of the configuration. While there is one, events are stored, and nothing is settled or sent.',
      problems,
    ),
    gauge('process_start_time_seconds', 'When this process began.', startedAt),
    gauge('process_resident_memory_bytes', 'Memory of this process.', process.memoryUsage.rss()),
  ]
}

/** For Prometheus. Without a token of its own there is nothing here. */
export async function GET(request: Request): Promise<Response> {
  const { env, problems } = currentConfiguration()
  const token = env?.METRICS_TOKEN
  if (!env || token === undefined) return new Response(null, { status: 404, headers })
  if (!showsToken(request, token)) {
    const message = 'Send Authorization: Bearer <METRICS_TOKEN>.'
    const asked = { ...headers, 'www-authenticate': 'Bearer' }
    return Response.json({ error: 'unauthorized', message }, { status: 401, headers: asked })
  }
  const stored = await database()
    .then((db) => storeFamilies(db, Date.now()))
    .catch((error) => {
      log('error', 'the store told no metrics', thrown(error))
      return null
    })
  const isWritable = stored !== null && (await storeProbe().check()) === null
  const store = env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres'
  const labels = { version, mode: env.RELAY_MODE, store }
  const families = [
    ...runFamilies(labels, { isStoreUp: stored !== null, isWritable, problems: problems.length }),
    ...(stored ?? []),
    ...processFamilies(),
  ]
  return new Response(metricsText(families), {
    headers: { ...headers, 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  })
}
