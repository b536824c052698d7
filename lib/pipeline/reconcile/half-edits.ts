import type { ChangeDetail } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { doubt } from '../../core/reconcile/doubt.ts'
import type { Db } from '../../store/client.ts'
import { revisionOf } from '../../store/tables/listed-versions.ts'
import { isCompared } from '../../store/tables/looks.ts'
import { beginDoubts } from '../../store/tables/prompt-looks.ts'
import { slowestWebhookMs } from './run.ts'

interface HalfEdit {
  events: readonly SourceEvent[]
  now: number
  /** As in `SettleDeps`. */
  graceMs?: number | undefined
}

/**
 * Once the change is written, puts a prompt in doubt whose webhooks do not say enough: one is older than the known state, which may be because of a
 * clock, or a label went to a version that none has named.
 */
export async function suspectHalfEdit(
  trx: Db,
  { stale, facts }: Pick<ChangeDetail, 'stale' | 'facts'>,
  { events, now, graceMs = slowestWebhookMs }: HalfEdit,
): Promise<void> {
  const isHalf = facts.some((fact) => fact.kind === 'label-removed' && fact.now !== undefined)
  const event = events.find((one) => one.type === 'prompt-version')
  if (event?.type !== 'prompt-version' || (stale.length === 0 && !isHalf)) return
  const { projectId, name } = event
  if (!(await isCompared(trx, projectId))) return
  const { revision } = await revisionOf(trx, event)
  await beginDoubts(trx, projectId, [{ name, found: doubt.parse({ since: now, revision }) }], now + graceMs)
}
