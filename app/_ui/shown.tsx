import type { Part } from '#lib/base/visible.ts'

/** Text from outside, ready to be shown: in parts where it holds odd characters. */
export type Shown = string | Part[]

/** A piece of a longer text that is isolated as a whole. */
export function ShownText({ text }: { text: Shown }) {
  if (typeof text === 'string') return text
  let place = 0
  return (
    <>
      {text.map((part) => {
        place += 1
        if ('text' in part) return part.text
        return (
          <span key={place} className="odd" title={part.name}>
            {part.code}
          </span>
        )
      })}
    </>
  )
}

/** Isolated, so that right-to-left names do not reorder their surroundings. */
export function Isolated({ text }: { text: Shown }) {
  return (
    <bdi>
      <ShownText text={text} />
    </bdi>
  )
}
