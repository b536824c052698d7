import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import type { PromptEvent } from '../../core/change/event.ts'
import type { PromptKey, VersionContent } from '../../core/prompt/fold.ts'
import { readStored } from '../../langfuse/stored-event.ts'
import type { Db } from '../../store/client.ts'
import { eventWithBody } from '../../store/tables/events.ts'
import { contentOf, storeContent, type TextSource, versionToCopy } from '../../store/tables/prompts.ts'
import { unsynced } from '../../store/unsynced.ts'

/** The text in an event of a prompt; null: it has none, or is gone. */
async function textOfEvent(db: Db, eventId: string): Promise<VersionContent | null> {
  const event = await eventWithBody(db, eventId)
  const parsed = event && readStored(event)
  return parsed?.type === 'prompt-version' ? contentIn(parsed) : null
}

export const contentIn = ({ text, config }: PromptEvent): VersionContent | null =>
  text === undefined ? null : { text, config: config ?? {} }

/** The text and config of a version; null: no event had them. */
export async function versionText(db: Db, key: PromptKey, version: number): Promise<VersionContent | null> {
  const { content, eventId } = await contentOf(db, key, version)
  return (eventId === null ? null : await textOfEvent(db, eventId)) ?? content
}

export const readSource = async (db: Db, source: TextSource): Promise<VersionContent | null> =>
  'eventId' in source ? textOfEvent(db, source.eventId) : source

/**
 * Copies texts from event bodies to their versions, one at a time: a change of hundreds of versions would hold the store for
 * seconds if it did this while settling. If the process dies, what was copied stays.
 */
export async function copyTexts(
  db: Db,
  stopping: () => boolean,
  sleep: (ms: number) => Promise<void> = async () => {},
): Promise<void> {
  while (!stopping()) {
    // SQLite answers synchronously: let other work run.
    await setImmediate()
    const before = performance.eventLoopUtilization()
    const isOver = await unsynced(db, async (trx) => {
      const version = await versionToCopy(trx)
      if (!version) return true
      await storeContent(trx, version, await textOfEvent(trx, version.eventId))
      return false
    })
    if (isOver) return
    // Nothing waits for it.
    await sleep(performance.eventLoopUtilization(before).active)
  }
}
