/** SQLite takes 32,766 parameters in one statement and Postgres 65,535; half of it, and a part is quick to plan too. */
const maxParameters = 16_000

/** What a statement may hold at once of any number of rows, at so many parameters a row: parts in their order. */
export function chunksOf<T>(rows: readonly T[], parametersPerRow: number): T[][] {
  const size = Math.max(1, Math.floor(maxParameters / parametersPerRow))
  const chunks: T[][] = []
  for (let start = 0; start < rows.length; start += size) chunks.push(rows.slice(start, start + size))
  return chunks
}
