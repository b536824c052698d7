import { setImmediate } from 'node:timers/promises'
import { keyedQueue } from '../../base/keyed-queue.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import { payloadTexts } from '../../core/list/search-words.ts'
import { readStored } from '../../langfuse/stored-event.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { eventHeads, eventWithBody, type StoredEvent } from '../../store/tables/events.ts'

/** Bytes of all bodies of a change that are read together, and while the store is held. */
export const maxBytesAtOnce = 2 * 1024 * 1024
/** Large changes whose outlines are remembered until they settle. */
const maxRemembered = 4
/** Characters of text kept for search, over all events of a change. */
const maxSearched = 20_000

/** A parsed event without its text. */
export interface Outline {
  parsed: SourceEvent
  /** Its text is to be read from its body. */
  hasText: boolean
}

export interface LargeDeps {
  db: Db
  stopping: () => boolean
  /** All its events were read. */
  onRead: (changeId: string) => Promise<void>
  onFailed: (row: ChangeRow, error: unknown) => Promise<void>
}

/** Reads changes whose events are too large to hold at once, one body at a time, beside settling. */
export interface LargeChanges {
  /** What was read of a change so far, by event id. */
  known: (changeId: string) => ReadonlyMap<string, Outline>
  begin: (row: ChangeRow) => void
  isUnderWay: (changeId: string) => boolean
  forget: (changeId: string) => void
  idle: () => Promise<void>
}

export function createLargeChanges({ db, stopping, onRead, onFailed }: LargeDeps): LargeChanges {
  const known = new Map<string, Map<string, Outline>>()

  function outlinesOf(changeId: string): Map<string, Outline> {
    const outlines = known.get(changeId) ?? new Map<string, Outline>()
    known.delete(changeId)
    known.set(changeId, outlines)
    const [oldest] = known.keys()
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest)
    return outlines
  }

  const queue = keyedQueue<ChangeRow, boolean>({
    atOnce: 1,
    stopping,
    work: (id) => readOutlines({ db, stopping }, id, outlinesOf(id)),
    done: async (id, isWhole) => {
      if (isWhole) await onRead(id)
    },
    onError: (error, row) => onFailed(row, error),
  })

  return {
    known: (changeId) => known.get(changeId) ?? new Map(),
    begin: (row) => queue.begin(row.id, row),
    isUnderWay: queue.isUnderWay,
    forget: (changeId) => known.delete(changeId),
    idle: queue.idle,
  }
}

/** False: it was stopped before the last. */
async function readOutlines(
  { db, stopping }: Pick<LargeDeps, 'db' | 'stopping'>,
  changeId: string,
  outlines: Map<string, Outline>,
): Promise<boolean> {
  let searched = 0
  for (const { id } of await eventHeads(db, changeId)) {
    if (stopping()) return false
    if (outlines.has(id)) continue
    // SQLite answers synchronously: let other work run.
    await setImmediate()
    const event = await eventWithBody(db, id)
    if (!event) continue
    const outline = outlineOf(event, maxSearched - searched)
    searched += outline.searched
    outlines.set(id, outline)
  }
  return true
}

/** `room`: how many characters of its text to keep for search. */
function outlineOf(event: StoredEvent, room: number): Outline & { searched: number } {
  const parsed = readStored(event)
  if (parsed.type !== 'prompt-version') return { parsed, hasText: false, searched: 0 }
  const { text, config, ...rest } = parsed
  const words = payloadTexts([{ ...rest, text, config, labels: [], tags: [] }], Math.max(0, room))
  const searched = words.reduce((sum, word) => sum + word.length, 0)
  return { parsed: words.length > 0 ? { ...rest, text: words } : rest, hasText: text !== undefined, searched }
}
