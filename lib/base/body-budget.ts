/** The share of the budget that one body holds. */
export interface BodyShare {
  /** True once it may hold so many bytes in total. False: there was no room in time, or its room was given to others. */
  reserve: (bytes: number) => true | Promise<boolean>
  /** The body has been read, so no sender can delay it any more: it keeps its room until `close`. */
  keep: () => void
  close: () => void
  /** `act` is called when its room is given to others. */
  onEvict: (act: () => void) => void
}

export interface BodyBudget {
  open: () => BodyShare
  /** Bytes held now. */
  held: () => number
}

interface Limits {
  maxBytes: number
  /**
   * Milliseconds for which a body that is being read keeps its room, however many others wait. Counted in turns of a
   * timer, so that no sender is blamed for time in which this process itself was busy.
   */
  patienceMs: number
  /** Milliseconds for which a body waits for room. */
  waitMs: number
  now: () => number
}

interface Holder {
  bytes: number
  /** The turn of the timer at which it started, or last got room. */
  since: number
  isReading: boolean
  evict?: () => void
}

interface Waiter {
  holder: Holder
  /** In total. */
  bytes: number
  until: number
  settle: (isGranted: boolean) => void
}

/** Turns of the timer in `patienceMs`. */
const turns = 5

/** 16 MiB: three of the largest bodies at once. While one is parsed and stored, it takes about five times its size. */
const usual: Limits = {
  maxBytes: 16 * 1024 * 1024,
  patienceMs: 250,
  waitMs: 6000,
  now: () => performance.now(),
}

/**
 * Bounds the bytes of all bodies that are being read or processed. A body that finds no room waits, the smallest first.
 * Room comes from bodies that are done, and from ending the reads that have held theirs longest: those of stalling senders.
 */
export function bodyBudget(over: Partial<Limits> = {}): BodyBudget {
  const { maxBytes, patienceMs, waitMs, now } = { ...usual, ...over }
  /** In order: the one that has held its room longest is the first. */
  const holders = new Set<Holder>()
  let waiting: Waiter[] = []
  let held = 0
  let turn = 0
  let timer: NodeJS.Timeout | undefined

  const fits = (holder: Holder, bytes: number) => held - holder.bytes + bytes <= maxBytes

  function hold(holder: Holder, bytes: number): void {
    held += bytes - holder.bytes
    holder.bytes = bytes
    holder.since = turn
    if (holders.delete(holder)) holders.add(holder)
  }

  function drop(holder: Holder): void {
    holders.delete(holder)
    hold(holder, 0)
    const of = waiting.filter((one) => one.holder === holder)
    waiting = waiting.filter((one) => one.holder !== holder)
    for (const { settle } of of) settle(false)
  }

  /** Ends the read that has held its room longest, if that is long enough. */
  function evictOne(except: Holder): boolean {
    for (const one of holders) {
      if (turn - one.since < turns) return false
      if (one === except || !one.isReading || one.bytes === 0) continue
      drop(one)
      one.evict?.()
      return true
    }
    return false
  }

  function admitWaiting(): void {
    const late = waiting.filter(({ until }) => now() >= until)
    waiting = waiting.filter(({ until }) => now() < until).toSorted((a, b) => a.bytes - b.bytes)
    for (const { settle } of late) settle(false)
    for (let next = waiting[0]; next; next = waiting[0]) {
      const { holder, bytes, settle } = next
      while (!fits(holder, bytes) && evictOne(holder));
      if (!fits(holder, bytes)) break
      waiting.shift()
      hold(holder, bytes)
      settle(true)
    }
    // Never restarted, or a stream of new bodies would keep the timer from firing.
    if (waiting.length > 0) timer ??= setTimeout(nextTurn, patienceMs / turns)
  }

  function nextTurn(): void {
    timer = undefined
    turn++
    admitWaiting()
  }

  function open(): BodyShare {
    const holder: Holder = { bytes: 0, since: turn, isReading: true }
    holders.add(holder)
    return {
      reserve: (bytes) => {
        if (!holders.has(holder)) return Promise.resolve(false)
        if (fits(holder, bytes)) {
          hold(holder, bytes)
          return true
        }
        return new Promise((settle) => {
          waiting.push({ holder, bytes, until: now() + waitMs, settle })
          admitWaiting()
        })
      },
      keep: () => {
        holder.isReading = false
      },
      onEvict: (act) => {
        holder.evict = act
      },
      close: () => {
        drop(holder)
        admitWaiting()
        if (waiting.length > 0) return
        clearTimeout(timer)
        timer = undefined
      },
    }
  }

  return { open, held: () => held }
}
