import { type VisiblePart, visibleParts } from '#lib/base/visible.ts'

/** Text from outside, ready to be shown: in parts where it holds characters that a reader would not see. */
export type Shown = string | VisiblePart[]

/** `text` comes from outside; `lines`: keep its line breaks and tabs. */
interface Props {
  text: string
  lines?: boolean
}

/** Text from outside: isolated, with invisible characters replaced by their codes. */
export function Plain({ text, lines = false }: Props) {
  return <Isolated text={visibleParts(text, { lines })} />
}

/** The same, for a piece of a longer text that is isolated as a whole. */
export function PlainPiece({ text, lines = false }: Props) {
  return <Codes text={visibleParts(text, { lines })} />
}

/** In a `bdi`, so that right-to-left text does not reorder its surroundings. */
export function Isolated({ text }: { text: Shown }) {
  return (
    <bdi>
      <Codes text={text} />
    </bdi>
  )
}

function Codes({ text }: { text: Shown }) {
  if (typeof text === 'string') return text
  let place = 0
  return text.map((part) => {
    place += 1
    if ('text' in part) return part.text
    return (
      <span key={place} className="odd" title={part.name}>
        {part.code}
      </span>
    )
  })
}
