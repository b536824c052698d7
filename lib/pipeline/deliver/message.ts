import { type Change, type Fact, wholeName } from '../../core/change/change.ts'
import { callbackLinks, changeUrl, failuresUrl, observedUrls, promptUrl } from '../../core/change/links.ts'
import { type Message, versionOf } from '../../core/delivery/delivery.ts'
import type { Db } from '../../store/client.ts'
import type { DeliveryRow } from '../../store/schema.ts'
import { versionText } from '../settle/version-text.ts'

export interface MessageDeps {
  db: Db
  urls: { langfuse: string; public: string | undefined }
}

/** What a delivery tells. Throws where its change is gone, which is a bug. */
export async function messageFor(
  { db, urls }: MessageDeps,
  { row, change, wantsText }: { row: DeliveryRow; change: Change | undefined; wantsText: boolean },
): Promise<Message> {
  if (!change) throw new Error('Its change is gone')
  const { projectId, subject, detail } = change
  const told = detail.prompt && projectId !== null
  const fact = JSON.parse(row.fact) as Fact
  const version = versionOf(fact, change)
  const observed = observedUrls(change, urls.langfuse)
  const content =
    told && version !== null && wantsText
      ? await versionText(db, { projectId, name: subject }, version)
      : null
  return {
    deliveryId: row.id,
    change,
    fact,
    text: content?.text,
    links: {
      page:
        fact.kind === 'given-up' ? failuresUrl(urls.public, fact.target) : changeUrl(urls.public, change.id),
      langfuse: told
        ? promptUrl(urls.langfuse, projectId, wholeName(change), version)
        : (firstLink(change, urls.langfuse) ?? observed['rows' in fact ? (fact.rows?.[0] ?? 0) : 0] ?? null),
      ...(observed.length > 0 ? { observed } : {}),
    },
  }
}

const firstLink = (change: Change, langfuse: string): string | null =>
  (change.detail.links[0] ?? callbackLinks(change, langfuse)[0])?.url ?? null
