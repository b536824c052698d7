import { relative, utc } from './quantity-words.ts'

/** A time as people say it, with the exact one beside it. `swaps`: shows the exact one while its row is in use. */
export function When({ at, now, swaps = false }: { at: number; now: number; swaps?: boolean }) {
  const exact = utc(at)
  if (!swaps) {
    return (
      <time dateTime={new Date(at).toISOString()} title={exact}>
        {relative(at, now)}
      </time>
    )
  }
  return (
    <time dateTime={new Date(at).toISOString()} title={exact} className="above whitespace-nowrap">
      <span className="when-words">{relative(at, now)}</span>
      <span className="when-utc">{exact}</span>
    </time>
  )
}
