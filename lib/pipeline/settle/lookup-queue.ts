import { type LookupRequest, type Lookups, type Readers, readings } from './lookup.ts'

/** Lookups at once: Langfuse counts requests, and one that hangs must leave room for others. */
const maxAtOnce = 4
/** Changes for which answers are remembered, until they settle. */
const maxRemembered = 1000

interface Change {
  id: string
  /** Epoch milliseconds. */
  openedAt: number
}

export interface LookupDeps {
  readers: Readers
  now: () => number
  /** True: nothing more is begun. */
  stopping: () => boolean
  /** It is known now (`againAt` null), or the change is to be looked at again then (epoch milliseconds). */
  onAnswer: (changeId: string, againAt: number | null) => Promise<void>
  onError: (error: unknown) => void
}

/** What changes need to know from Langfuse, read beside the settling of others. */
export interface LookupQueue {
  /** What was read for this change so far. */
  known: (changeId: string) => Lookups
  /** Reads something for a change as soon as there is room; one at a time for each. */
  begin: (change: Change, request: LookupRequest) => void
  isUnderWay: (changeId: string) => boolean
  /** It has settled. */
  forget: (changeId: string) => void
  /** Resolves when nothing is being read. */
  idle: () => Promise<void>
}

export function createLookupQueue({ readers, now, stopping, onAnswer, onError }: LookupDeps): LookupQueue {
  const known = new Map<string, ReturnType<typeof readings>>()
  const underWay = new Set<string>()
  const waiting: { change: Change; request: LookupRequest }[] = []
  const running = new Set<Promise<void>>()
  const nothing = readings(readers)

  function of(changeId: string): ReturnType<typeof readings> {
    const found = known.get(changeId) ?? readings(readers)
    known.set(changeId, found)
    for (const id of known.keys()) {
      if (known.size <= maxRemembered) break
      // Settled by another instance, say. Otherwise it is read again.
      if (!underWay.has(id)) known.delete(id)
    }
    return found
  }

  async function read({ id, openedAt }: Change, request: LookupRequest): Promise<void> {
    const againAt = await of(id)
      .read(request, { since: openedAt, now: now() })
      .finally(() => underWay.delete(id))
    await onAnswer(id, againAt)
  }

  function next(): void {
    while (waiting.length > 0 && running.size < maxAtOnce && !stopping()) {
      const one = waiting.shift()
      if (!one) return
      const done: Promise<void> = read(one.change, one.request)
        .catch(onError)
        .finally(() => {
          running.delete(done)
          next()
        })
      running.add(done)
    }
    if (!stopping()) return
    // Whoever works next finds these changes due when their time comes.
    for (const { change } of waiting.splice(0)) underWay.delete(change.id)
  }

  return {
    known: (changeId) => (known.get(changeId) ?? nothing).lookups,
    begin: (change, request) => {
      if (underWay.has(change.id)) return
      underWay.add(change.id)
      waiting.push({ change, request })
      next()
    },
    isUnderWay: (changeId) => underWay.has(changeId),
    forget: (changeId) => known.delete(changeId),
    idle: async () => {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
