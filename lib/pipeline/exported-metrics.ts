import { count, type Family, metricsText, processFamilies, type Sample } from '../base/metrics.ts'
import { storeErrorWords } from '../base/store-error.ts'
import { isOpen } from '../core/delivery/circuit.ts'
import type { Proof } from '../core/reconcile/proof.ts'
import { countedKinds } from '../core/reconcile/state.ts'
import type { Db } from '../store/client.ts'
import type { TargetRow } from '../store/schema.ts'
import { type Counts, countsSince } from '../store/tables/reconcile-counts.ts'
import { allTargets } from '../store/tables/targets.ts'
import { type Health, readHealth } from '../store/views/health.ts'
import { openChangeCount, queueDepths } from '../store/views/metrics.ts'

interface ExportDeps {
  labels: { version: string; mode: string; store: 'sqlite' | 'postgres' }
  /** `storeFamilies`; throws if the store does not answer. */
  stored: () => Promise<Family[]>
  takesWrites: () => Promise<boolean>
  /** Number of problems in the configuration. */
  problems: number
  onError: (error: unknown) => void
  /** Start of the process, epoch seconds; its memory, bytes. */
  startedAt: number
  memory: number
}

const gauge = (name: string, help: string, samples: Sample[]): Family => ({
  name,
  help,
  type: 'gauge',
  samples,
})

const plain = (value: number): Sample[] => [{ labels: {}, value }]

/** To Prometheus, a counter that first appears with its first event has not increased: an alert would miss that event. */
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
    gauge('prompt_relay_info', 'Version, mode and store.', [{ labels, value: 1 }]),
    gauge('prompt_relay_store_up', '1: the store answers.', plain(stored === null ? 0 : 1)),
    gauge(
      'prompt_relay_store_writable',
      '1: the store accepts writes, checked within the last 30 seconds.',
      plain(isWritable ? 1 : 0),
    ),
    gauge(
      'prompt_relay_configuration_problems',
      'Problems in the configuration. With any, events are stored, but nothing is settled or sent.',
      plain(deps.problems),
    ),
    gauge('process_start_time_seconds', 'When this process began.', plain(startedAt)),
    gauge('process_resident_memory_bytes', 'Memory of this process.', plain(memory)),
    ...(stored ?? []),
    ...processFamilies(),
  ])
}

/** The store's numbers, the same at every instance. `now`: epoch milliseconds. */
export async function storeFamilies(db: Db, now: number, proofs: readonly Proof[] = []): Promise<Family[]> {
  const depths = await queueDepths(db)
  const open = await openChangeCount(db)
  const health = await readHealth(db, now)
  const targets = await allTargets(db)
  return [
    gauge(
      'prompt_relay_deliveries',
      'Deliveries that are waiting, in progress or given up, counted up to 10,000 each.',
      depths.map(({ target, status, count }) => ({ labels: { target, status }, value: count })),
    ),
    gauge('prompt_relay_open_changes', 'Changes that are not settled, counted up to 10,000.', plain(open)),
    ...healthFamilies(health, targets, now),
    ...proofFamilies(proofs, await countsSince(db, ''), now),
    gauge(
      'prompt_relay_circuit_open',
      '1: sending to the target is paused after several failures in a row.',
      targets.map((row) => ({ labels: { target: row.name }, value: isOpen(row, now) ? 1 : 0 })),
    ),
  ]
}

/** From the first scrape on, so that an alert sees the first increase. */
function proofFamilies(proofs: readonly Proof[], totals: ReadonlyMap<string, Counts>, now: number): Family[] {
  const known = proofs.flatMap(({ project, projectId }) =>
    projectId === null ? [] : [{ project, projectId }],
  )
  return [
    {
      name: 'prompt_relay_reconciled_total',
      help: 'Changes that comparing with Langfuse found, by what was found.',
      type: 'counter',
      samples: known.flatMap(({ project, projectId }) =>
        countedKinds.map((what) => ({
          labels: { project, what },
          value: totals.get(projectId)?.[what]?.count ?? 0,
        })),
      ),
    },
    gauge(
      'prompt_relay_reconcile_missing',
      'Changes of the last 30 days whose webhook did not come.',
      proofs.flatMap(({ project, projectId, recent }) =>
        projectId === null ? [] : { labels: { project }, value: recent },
      ),
    ),
    gauge(
      'prompt_relay_reconcile_age_seconds',
      'How long ago the last comparison with Langfuse ended.',
      proofs.flatMap(({ project, checkedAt }) =>
        checkedAt === null ? [] : { labels: { project }, value: Math.max(0, now - checkedAt) / 1000 },
      ),
    ),
  ]
}

function healthFamilies(health: Health, targets: TargetRow[], now: number): Family[] {
  const waited = health.waitingSince === null ? 0 : Math.max(0, now - health.waitingSince) / 1000
  // Including targets that are no longer configured.
  const names = new Set([...targets.map(({ name }) => name), ...health.targets.map(({ target }) => target)])
  const openFailures = new Map(health.openFailures.map(({ target, count }) => [target, count]))
  return [
    gauge(
      'prompt_relay_open_failures',
      'Deliveries that were given up, and neither replayed nor dismissed, counted up to 1,000.',
      [...names].map((target) => ({ labels: { target }, value: openFailures.get(target) ?? 0 })),
    ),
    gauge(
      'prompt_relay_overdue_changes',
      'Changes that should have settled and have not.',
      plain(health.overdue.count),
    ),
    gauge(
      'prompt_relay_oldest_waiting_seconds',
      'How long the oldest delivery has waited, or the oldest change that should have settled; 0: none.',
      plain(waited),
    ),
    gauge(
      'prompt_relay_last_signed_event_timestamp_seconds',
      'When Langfuse last sent an event with a valid signature.',
      health.lastSignedAt === null ? [] : plain(health.lastSignedAt / 1000),
    ),
    gauge(
      'prompt_relay_trouble',
      'Troubles that the relay has found and reported to each alertTarget, while they last.',
      health.troubles.map(({ what, target }) => ({ labels: { what, target: target ?? '' }, value: 1 })),
    ),
  ]
}
