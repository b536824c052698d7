import type { Fact } from '#lib/core/change/change.ts'
import type { AttemptRow, ChangeRow, DeliveryRow } from '#lib/store/schema.ts'
import { httpClassOf, newDelivery } from '#lib/store/tables/deliveries.ts'
import { type ChangeOptions, pick } from './seed-words.ts'

const reasons: [number | null, string][] = [
  [502, 'The target answered 502 Bad Gateway.'],
  [503, 'The target answered 503: it is overloaded.'],
  [null, 'No answer within 10 seconds (timeout).'],
  [null, 'The connection was reset.'],
  [429, 'Rate limited: the target asked to wait.'],
  [404, 'GitHub answered 404: the token cannot see acme/prompts, or it does not exist.'],
  [403, 'Slack answered action_prohibited: an administrator has blocked the webhook.'],
]

function isRouted(target: string, facts: Fact[], danger: number): boolean {
  if (target === 'slack') return !facts.some(({ kind }) => kind === 'unchanged' || kind === 'unrecognised')
  if (target === 'pagerduty') return danger === 1
  return facts.some((fact) => 'label' in fact && fact.label === 'production')
}

const unsent: [null, string] = [null, 'A dry run: nothing was sent']

export function deliveryOf(
  change: ChangeRow,
  target: string,
  facts: Fact[],
  { random, isFresh }: ChangeOptions,
): [DeliveryRow, AttemptRow[]] {
  const at = change.opened_at + 2000
  const luck = random()
  const ended = luck < 0.006 ? 'failed' : luck < 0.007 ? 'cancelled' : luck < 0.008 ? 'dry-run' : 'delivered'
  const begun = luck < 0.4 ? 'queued' : luck < 0.5 ? 'sending' : luck < 0.8 ? 'retrying' : 'delivered'
  const status = !isRouted(target, facts, change.danger) ? 'skipped' : isFresh ? begun : ended
  const made = newDelivery(
    { id: change.id, target, now: at },
    {
      status,
      rule: status === 'skipped' ? `to ${target}: ${change.kind} is not promoted` : `to ${target}`,
      fact: status === 'skipped' ? 'null' : JSON.stringify(facts[0] ?? null),
    },
  )
  const tries =
    { skipped: 0, queued: 0, sending: 0, cancelled: 1, failed: 4, retrying: 2 }[status as string] ?? 1
  const hasHiccup = status === 'delivered' && random() < 0.03
  const length = tries + (hasHiccup ? 1 : 0)
  const attempts = Array.from({ length }, (_, i): AttemptRow => {
    const isGood = status === 'delivered' && i === length - 1
    const [code, reason] = isGood ? [200, null] : status === 'dry-run' ? unsent : pick(random, reasons)
    const isLast = i === length - 1
    const end = status === 'failed' || status === 'dry-run' ? status : 'retry'
    return {
      delivery_id: made.id,
      number: i + 1,
      started_at: at + i * 5000,
      duration_ms: 80 + Math.floor(random() * 500),
      outcome: isGood ? 'delivered' : isLast ? end : 'retry',
      status_code: code,
      reason,
      request: '{"text":"…"}',
      response: isGood ? 'ok' : null,
    }
  })
  const last = attempts.at(-1)
  const isWaiting = status === 'queued' || status === 'sending' || status === 'retrying'
  const row: DeliveryRow = {
    ...made,
    attempt: attempts.length + (status === 'sending' ? 1 : 0),
    failures: attempts.filter(({ reason }) => reason !== null).length,
    next_at: isWaiting ? at + 600_000 : null,
    reason: status === 'delivered' ? null : (last?.reason ?? null),
    finished_at: isWaiting ? null : at + 300,
    http_class: last ? httpClassOf(last.status_code) : null,
  }
  return [row, attempts]
}
