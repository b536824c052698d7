import type { Family, Sample } from '../../base/metrics-text.ts'
import { isOpen } from '../../core/delivery/circuit.ts'
import type { Db } from '../../store/client.ts'
import { allTargets } from '../../store/tables/targets.ts'
import { readHealth } from '../../store/views/health.ts'
import { openChangeCount, queueDepths } from '../../store/views/metrics.ts'

const gauge = (name: string, help: string, samples: Sample[]): Family => ({
  name,
  help,
  type: 'gauge',
  samples,
})
const plain = (value: number): Sample[] => [{ labels: {}, value }]

/** What the store tells: the same at every instance. Times of `now`: epoch milliseconds. */
export async function storeFamilies(db: Db, now: number): Promise<Family[]> {
  const [depths, open, health, targets] = [
    await queueDepths(db),
    await openChangeCount(db),
    await readHealth(db, now),
    await allTargets(db),
  ]
  const waited = health.waitingSince === null ? 0 : Math.max(0, now - health.waitingSince) / 1000
  return [
    gauge(
      'prompt_relay_deliveries',
      'Deliveries that wait, are under way or were given up, counted up to 10,000 each.',
      depths.map(({ target, status, count }) => ({ labels: { target, status }, value: count })),
    ),
    gauge(
      'prompt_relay_open_failures',
      'Deliveries that were given up, and neither replayed nor dismissed, counted up to 1,000.',
      // Also of targets that were taken out of the configuration.
      [...new Set([...targets.map(({ name }) => name), ...health.targets.map(({ target }) => target)])].map(
        (name) => {
          const open = health.openFailures.find(({ target }) => target === name)
          return { labels: { target: name }, value: open?.count ?? 0 }
        },
      ),
    ),
    gauge(
      'prompt_relay_overdue_changes',
      'Changes that should have settled and have not.',
      plain(health.overdue.count),
    ),
    gauge('prompt_relay_open_changes', 'Changes that are not settled, counted up to 10,000.', plain(open)),
    gauge(
      'prompt_relay_oldest_waiting_seconds',
      'How long the oldest delivery waits, or the oldest change that should have settled; 0: none.',
      plain(waited),
    ),
    gauge(
      'prompt_relay_last_signed_event_timestamp_seconds',
      'When Langfuse last sent an event with a valid signature.',
      health.lastSignedAt === null ? [] : plain(health.lastSignedAt / 1000),
    ),
    gauge(
      'prompt_relay_circuit_open',
      '1: the target is left alone for a while, because it failed several times in a row.',
      targets.map((row) => ({ labels: { target: row.name }, value: isOpen(row, now) ? 1 : 0 })),
    ),
    gauge(
      'prompt_relay_trouble',
      'What the relay has noticed and announced to each alertTarget, while it lasts.',
      health.troubles.map(({ what, target }) => ({ labels: { what, target: target ?? '' }, value: 1 })),
    ),
  ]
}
