import { visibleParts } from './visible.ts'

interface Props {
  text: string
  /** New lines and tabs are text. */
  lines?: boolean
}

/**
 * Text from outside: isolated, so that right-to-left names do not reorder their surroundings, with odd characters
 * shown by their code.
 */
export function Plain(props: Props) {
  return (
    <bdi>
      <Visible {...props} />
    </bdi>
  )
}

/** A piece of a longer text that is isolated as a whole. */
export function Visible({ text, lines = false }: Props) {
  const parts = visibleParts(text, { lines })
  let place = 0
  return (
    <>
      {parts.map((part) => {
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
