import type { ChangeDetail } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { doubt } from '../../core/reconcile/doubt.ts'
import type { Db } from '../../store/client.ts'
import { isCompared } from '../../store/tables/looks.ts'
import { beginDoubts } from '../../store/tables/prompt-looks.ts'
import { slowestWebhookMs } from './run.ts'

/**
 * Puts a prompt in doubt whose webhooks do not say enough: one is older than the known state, which may be because of a
 * clock, or a label went to a version that none has named.
 */
export async function suspectHalfEdit(
  trx: Db,
  { stale, facts }: Pick<ChangeDetail, 'stale' | 'facts'>,
  { events, now }: { events: readonly SourceEvent[]; now: number },
): Promise<void> {
  const isHalf = facts.some((fact) => fact.kind === 'label-removed' && fact.now !== undefined)
  const event = events.find((one) => one.type === 'prompt-version')
  if (event?.type !== 'prompt-version' || (stale.length === 0 && !isHalf)) return
  const { projectId, name } = event
  if (!(await isCompared(trx, projectId))) return
  await beginDoubts(trx, projectId, [{ name, found: doubt.parse({ since: now }) }], now + slowestWebhookMs)
}
