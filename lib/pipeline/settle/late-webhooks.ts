import type { Change, StoredPromptEvent } from '../../core/change/change.ts'
import { lateNews } from '../../core/prompt/reconciled.ts'
import type { Db } from '../../store/client.ts'
import { reconciledSince, saveDetail } from '../../store/tables/changes.ts'
import { addCount } from '../../store/tables/reconcile-counts.ts'
import type { Interpretation, ReceivedEvent } from './interpret.ts'

const dayMs = 24 * 3_600_000
/** How long a webhook is looked out for after a comparison found what it says, milliseconds. */
const lateMs = 7 * dayMs

const storedOf = (received: readonly ReceivedEvent[]): StoredPromptEvent[] =>
  received.flatMap(({ id, occurredAt, parsed }) => {
    if (parsed.type !== 'prompt-version') return []
    const { text: _, config: __, ...rest } = parsed
    return [{ ...rest, eventId: id, occurredAt }]
  })

interface Settling {
  id: string
  received: readonly ReceivedEvent[]
  interpretation: Interpretation
  now: number
}

/**
 * Webhooks that come after a comparison found what they say add nothing to the state. They say who did it and when, which the
 * change that was found gets to know, and no one is notified again. Returns the interpretation with that change.
 */
export async function noteLateWebhooks(db: Db, settling: Settling): Promise<Interpretation> {
  const { id, received, interpretation, now } = settling
  const isFound = received.some(({ parsed }) => parsed.type === 'prompt-version' && parsed.reconciled)
  if (interpretation.kind !== 'unchanged' && !isFound) return interpretation
  const events = storedOf(received)
  const [first] = events
  if (!first) return interpretation
  if (isFound) {
    // The webhooks came while the change that the comparison opened was still open.
    if (!interpretation.detail.reconciled)
      await countLate(db, first.projectId, { interpretation, at: now, now })
    return interpretation
  }
  const { projectId, name } = first
  let foundBefore: Interpretation['detail']['foundBefore']
  // It was found after it had happened; Langfuse's clocks may be ahead by hours.
  const happened = events.reduce((first, { updatedAt = 0 }) => Math.min(first, updatedAt), now)
  const since = Math.max(now - lateMs, happened - dayMs)
  for (const change of await reconciledSince(db, { projectId, name }, since)) {
    const { reconciled } = change.detail
    const late = lateNews(change.detail, events)
    if (!reconciled || !late) continue
    await saveDetail(db, change.id, {
      ...change.detail,
      reconciled: { ...reconciled, late: { ...late, changeId: id } },
    })
    if (!reconciled.late) await countLate(db, projectId, { interpretation: change, at: late.at, now })
    foundBefore ??= { changeId: change.id, title: change.title }
  }
  return foundBefore
    ? { ...interpretation, detail: { ...interpretation.detail, foundBefore } }
    : interpretation
}

/** Langfuse may never have sent a webhook of a deletion, so that it was not counted as missing. */
async function countLate(
  db: Db,
  projectId: string,
  { interpretation, at, now }: { interpretation: Pick<Change, 'detail'>; at: number; now: number },
): Promise<void> {
  if (interpretation.detail.facts.every(({ kind }) => kind === 'deleted')) return
  await addCount(db, projectId, 'late', { count: 1, from: at, to: at, now })
}
