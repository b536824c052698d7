interface Entry<Value> {
  value: Value
  /** Since it was last moved from the front. */
  wasRead: boolean
}

/**
 * A map of at most `max` entries. One more evicts the oldest entry that was not read lately. A read only leaves a mark,
 * since every statement does one: moving the entry each time took 2 % of settling.
 */
export class RecentMap<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>()
  readonly #max: number
  readonly #onEvicted: (value: Value) => void

  constructor(max: number, onEvicted: (value: Value) => void = () => {}) {
    this.#max = max
    this.#onEvicted = onEvicted
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    entry.wasRead = true
    return entry.value
  }

  set(key: Key, value: Value): void {
    const entry = this.#entries.get(key)
    if (!entry && this.#entries.size >= this.#max) this.#evict()
    this.#entries.set(key, { value, wasRead: entry !== undefined })
  }

  /** A `Map` keeps the order in which its keys were set. An entry that was read is spared once, and moves to the end. */
  #evict(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key)
      if (!entry.wasRead) {
        this.#onEvicted(entry.value)
        return
      }
      entry.wasRead = false
      this.#entries.set(key, entry)
    }
  }
}
