/** Indices of a token in two lists. */
export type Pair = [left: number, right: number]

/** Pairs of the tokens that occur once on each side, as many as keep their order. Ids are below `idCount`. */
export function anchors(left: readonly number[], right: readonly number[], idCount: number): Pair[] {
  const rightPlaces = placesOfSingles(right, idCount)
  const leftPlaces = placesOfSingles(left, idCount)
  const pairs: Pair[] = []
  left.forEach((id, place) => {
    const other = rightPlaces[id] ?? -1
    if (leftPlaces[id] === place && other >= 0) pairs.push([place, other])
  })
  return longestRising(pairs)
}

/** Place by id; negative for an id that never occurs, or more than once. */
function placesOfSingles(ids: readonly number[], idCount: number): Int32Array {
  const places = new Int32Array(idCount).fill(-1)
  ids.forEach((id, place) => {
    places[id] = places[id] === -1 ? place : -2
  })
  return places
}

/** The longest selection of pairs, sorted by `left`, in which `right` rises too: patience sorting, n log n. */
function longestRising(pairs: readonly Pair[]): Pair[] {
  interface Card {
    pair: Pair
    below: Card | undefined
  }
  const piles: Card[] = []
  for (const pair of pairs) {
    let [low, high] = [0, piles.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((piles[middle]?.pair[1] ?? 0) < pair[1]) low = middle + 1
      else high = middle
    }
    piles[low] = { pair, below: piles[low - 1] }
  }
  const rising: Pair[] = []
  for (let card = piles.at(-1); card; card = card.below) rising.push(card.pair)
  return rising.reverse()
}
