import { relative, utc } from './quantity-words.ts'

/** A relative time, with the exact one as a tooltip. `swaps`: shows the exact one while its row is hovered or focused. */
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
