interface Entry<Value> {
  value: Value
  /** Since it was last the oldest. */
  wasAskedFor: boolean
}

/**
 * A map of at most `max` entries: one more, and one that was not asked for in a long time goes, the oldest of these. Asking
 * only leaves a mark, since it is done with every statement: moving the entry each time took 2 % of settling.
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
    entry.wasAskedFor = true
    return entry.value
  }

  set(key: Key, value: Value): void {
    const entry = this.#entries.get(key)
    if (!entry && this.#entries.size >= this.#max) this.#evict()
    this.#entries.set(key, { value, wasAskedFor: entry !== undefined })
  }

  /** A map keeps the order in which its keys were set; whoever was asked for begins anew at its end, once. */
  #evict(): void {
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key)
      if (!entry.wasAskedFor) {
        this.#onEvicted(entry.value)
        return
      }
      entry.wasAskedFor = false
      this.#entries.set(key, entry)
    }
  }
}
