import { count, processFamilies } from '../base/metrics.ts'
import { type Family, metricsText } from '../base/metrics-text.ts'
import { storeErrorWords } from '../base/store-error.ts'

interface ExportDeps {
  labels: { version: string; mode: string; store: 'sqlite' | 'postgres' }
  /** What the store tells; throws where it does not answer. */
  stored: () => Promise<Family[]>
  takesWrites: () => Promise<boolean>
  /** How many problems the configuration has. */
  problems: number
  onError: (error: unknown) => void
  /** When the process began, epoch seconds, and its memory, bytes. */
  startedAt: number
  memory: number
}

const gauge = (name: string, help: string, value: number, labels: Record<string, string> = {}): Family => ({
  name,
  help,
  type: 'gauge',
  samples: [{ labels, value }],
})

/** A counter that appears with its first event has not increased, as Prometheus sees it: an alert would miss that one. */
function beginAtZero(): void {
  for (const endpoint of ['langfuse-webhook', 'langfuse-callback'])
    for (const reason of Object.keys(storeErrorWords))
      count('prompt_relay_events_not_stored_total', { endpoint, reason }, 0)
}

/** All numbers of this process and of its store, as Prometheus reads them. */
export async function exportedMetrics(deps: ExportDeps): Promise<string> {
  const { labels, startedAt, memory } = deps
  const stored = await deps.stored().catch((error) => {
    deps.onError(error)
    return null
  })
  const isWritable = stored !== null && (await deps.takesWrites())
  beginAtZero()
  return metricsText([
    gauge('prompt_relay_info', 'Version, mode and store.', 1, labels),
    gauge('prompt_relay_store_up', '1: the store answers.', stored === null ? 0 : 1),
    gauge(
      'prompt_relay_store_writable',
      '1: the store takes writes, by a write of the last 30 seconds.',
      isWritable ? 1 : 0,
    ),
    gauge(
      'prompt_relay_configuration_problems',
      'Problems of the configuration. While there is one, events are stored, and nothing is settled or sent.',
      deps.problems,
    ),
    gauge('process_start_time_seconds', 'When this process began.', startedAt),
    gauge('process_resident_memory_bytes', 'Memory of this process.', memory),
    ...(stored ?? []),
    ...processFamilies(),
  ])
}
