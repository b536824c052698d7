import { visibleParts } from '#lib/base/visible.ts'
import { Isolated, ShownText } from './shown.tsx'

interface Props {
  text: string
  /** New lines and tabs are text. */
  lines?: boolean
}

/** Text from outside: isolated, with odd characters shown by their code. */
export function Plain({ text, lines = false }: Props) {
  return <Isolated text={visibleParts(text, { lines })} />
}

/** A piece of a longer text that is isolated as a whole. */
export function Visible({ text, lines = false }: Props) {
  return <ShownText text={visibleParts(text, { lines })} />
}
