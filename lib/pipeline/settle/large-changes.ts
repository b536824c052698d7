import { setImmediate } from 'node:timers/promises'
import type { SourceEvent } from '../../core/change/event.ts'
import { payloadTexts } from '../../core/list/search-words.ts'
import { readStored } from '../../langfuse/stored.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import { eventHeads, eventWithBody, type StoredEvent } from '../../store/tables/events.ts'

/** Of all bodies of a change: more is not read at once, and not while the store is held. */
export const maxBytesAtOnce = 2 * 1024 * 1024
/** Large changes of which is remembered what was read, until they settle. */
const maxRemembered = 4
/** Characters of texts that are kept for search, over all events of a change. */
const maxSearched = 20_000

/** What an event says, without its text. */
export interface Outline {
  parsed: SourceEvent
  /** It told a text, which is to be read in its body. */
  hasText: boolean
}

export interface LargeDeps {
  db: Db
  stopping: () => boolean
  /** All events that it had were read. */
  onRead: (changeId: string) => Promise<void>
  onFailed: (row: ChangeRow, error: unknown) => Promise<void>
}

/** The reading of changes whose events are too large to be held at once: one body after the other, beside settling. */
export interface LargeChanges {
  /** What was read of a change so far, by the ids of its events. */
  known: (changeId: string) => ReadonlyMap<string, Outline>
  begin: (row: ChangeRow) => void
  isUnderWay: (changeId: string) => boolean
  forget: (changeId: string) => void
  idle: () => Promise<void>
}

export function createLargeChanges({ db, stopping, onRead, onFailed }: LargeDeps): LargeChanges {
  const known = new Map<string, Map<string, Outline>>()
  const underWay = new Set<string>()
  const waiting: ChangeRow[] = []
  let running: Promise<void> | null = null

  function rememberedOf(changeId: string): Map<string, Outline> {
    const outlines = known.get(changeId) ?? new Map<string, Outline>()
    known.delete(changeId)
    known.set(changeId, outlines)
    const [oldest] = known.keys()
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest)
    return outlines
  }

  async function read({ id }: ChangeRow): Promise<void> {
    const outlines = rememberedOf(id)
    let searched = 0
    for (const { id: eventId } of await eventHeads(db, id)) {
      if (stopping()) return
      if (outlines.has(eventId)) continue
      // SQLite gives way to nobody.
      await setImmediate()
      const event = await eventWithBody(db, eventId)
      if (!event) continue
      const outline = outlineOf(event, maxSearched - searched)
      searched += outline.searched
      outlines.set(eventId, outline)
    }
    underWay.delete(id)
    await onRead(id)
  }

  async function run(): Promise<void> {
    for (let row = waiting.shift(); row; row = waiting.shift()) {
      const change = row
      await read(change)
        .catch((error) => onFailed(change, error))
        .finally(() => underWay.delete(change.id))
    }
    running = null
  }

  return {
    known: (changeId) => known.get(changeId) ?? new Map(),
    begin: (row) => {
      if (underWay.has(row.id)) return
      underWay.add(row.id)
      waiting.push(row)
      running ??= run()
    },
    isUnderWay: (changeId) => underWay.has(changeId),
    forget: (changeId) => known.delete(changeId),
    idle: async () => {
      await running
    },
  }
}

/** `room`: for so many characters of its text, to be searched by. */
function outlineOf(event: StoredEvent, room: number): Outline & { searched: number } {
  const parsed = readStored(event)
  if (parsed.type !== 'prompt-version') return { parsed, hasText: false, searched: 0 }
  const { text, config, ...rest } = parsed
  const words = payloadTexts([{ ...rest, text, config, labels: [], tags: [] }], Math.max(0, room))
  const searched = words.reduce((sum, word) => sum + word.length, 0)
  return { parsed: words.length > 0 ? { ...rest, text: words } : rest, hasText: text !== undefined, searched }
}
