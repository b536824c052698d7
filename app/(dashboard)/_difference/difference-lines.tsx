import { Fragment, type ReactNode } from 'react'
import type { DifferenceBlock, DifferenceLine, PromptDifference } from '#lib/core/difference/difference.ts'
import type { LinePart } from '#lib/core/difference/words.ts'
import './difference.css'
import { PlainPiece } from '../../_ui/plain.tsx'
import { countWords } from '../../_ui/quantity-words.ts'
import { type SideRow, type SideRun, sideBySide } from './side-by-side.ts'

export type DifferenceView = 'unified' | 'split'

const signs = {
  '+': { look: 'diff-new', shown: '+', word: 'added' },
  '-': { look: 'diff-old', shown: '−', word: 'removed' },
  ' ': { look: '', shown: ' ', word: '' },
} as const

type Sign = keyof typeof signs

/** It may scroll, so the keyboard has to reach it. */
export function DifferenceBox({ children }: { children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must take the focus
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label="Difference of the texts" tabIndex={0} className="diff font-mono">
      {children}
    </div>
  )
}

/** The difference of the texts, line by line. */
export function DifferenceLines({ text, view }: { text: PromptDifference; view: DifferenceView }) {
  const { blocks, shapes, cutBlocks } = text
  const hasTitles = blocks.length > 1 || shapes.before === 'chat' || shapes.after === 'chat'
  let place = 0
  return (
    <DifferenceBox>
      {blocks.map((block) => {
        place += 1
        return <Block key={place} block={block} hasTitle={hasTitles} view={view} />
      })}
      {cutBlocks === 0 ? null : <p className="diff-fold">… {countWords(cutBlocks, 'more message')}</p>}
    </DifferenceBox>
  )
}

const kindWords = { same: '', added: 'added', removed: 'removed', changed: 'changed' }
const kindLook = { same: '', added: 'text-good', removed: 'text-bad', changed: 'text-accent' }

function Block({
  block,
  hasTitle,
  view,
}: {
  block: DifferenceBlock
  hasTitle: boolean
  view: DifferenceView
}) {
  const { kind, title, lines, cutLines, note } = block
  return (
    <section>
      {hasTitle ? (
        <p className="diff-title">
          <bdi>
            <PlainPiece text={title} />
          </bdi>
          <span className={kindLook[kind]}>{kindWords[kind]}</span>
        </p>
      ) : null}
      {note === null ? null : <p className="diff-fold">{note}</p>}
      {view === 'split' ? <Split runs={sideBySide(lines)} /> : <Unified lines={lines} />}
      {cutLines === 0 ? null : <p className="diff-fold">… {countWords(cutLines, 'more changed line')}</p>}
    </section>
  )
}

function Unified({ lines }: Pick<DifferenceBlock, 'lines'>) {
  let place = 0
  return lines.map((line) => {
    place += 1
    if ('skipped' in line) return <Fold key={place} skipped={line.skipped} />
    return <Line key={place} {...line} numbers={[line.before, line.after]} />
  })
}

function Fold({ skipped }: { skipped: number }) {
  return <p className="diff-fold">{countWords(skipped, 'unchanged line')}</p>
}

function Split({ runs }: { runs: SideRun[] }) {
  let place = 0
  return runs.map((run) => {
    place += 1
    if ('skipped' in run) return <Fold key={place} skipped={run.skipped} />
    return (
      <div key={place} className="diff-run">
        {run.rows.map((row) => (
          <SplitRow key={`${row.before?.before} ${row.after?.after}`} row={row} isSame={run.isSame} />
        ))}
      </div>
    )
  })
}

function SplitRow({ row: { before, after }, isSame }: { row: SideRow; isSame: boolean }) {
  return (
    <>
      {before ? <Line {...before} numbers={[before.before]} /> : <Gap />}
      {after ? <Line {...after} numbers={[after.after]} isTwin={isSame} /> : <Gap />}
    </>
  )
}

const Gap = () => <div aria-hidden="true" className="diff-gap" />

interface LineProps {
  sign: Sign
  parts: LinePart[]
  /** One entry per column; null: the line has no number there. */
  numbers: DifferenceLine['before'][]
  /** Repeats the line beside it; hidden from screen readers. */
  isTwin?: boolean
}

export function Line({ sign, parts, numbers, isTwin = false }: LineProps) {
  const { look, shown, word } = signs[sign]
  let place = 0
  return (
    <div aria-hidden={isTwin || undefined} className={`diff-line ${isTwin ? 'diff-twin' : look}`}>
      {numbers.map((number) => {
        place += 1
        return (
          <span key={place} aria-hidden="true" className="diff-number">
            {number}
          </span>
        )
      })}
      {word === '' ? (
        <span aria-hidden="true" className="diff-sign" />
      ) : (
        <span role="img" aria-label={word} className="diff-sign">
          {shown}
        </span>
      )}
      <bdi className="diff-text">
        <Parts sign={sign} parts={parts} />
      </bdi>
    </div>
  )
}

/** Marks changed words. If the whole line changed, its sign says so. */
function Parts({ sign, parts }: Pick<LineProps, 'sign' | 'parts'>) {
  const Mark = sign === '+' ? 'ins' : 'del'
  const isWhole = parts.every(({ changed }) => changed)
  let place = 0
  if (parts.every(({ text }) => text === '')) return ' '
  return parts.map(({ text, changed, cut }) => {
    place += 1
    const shown = <PlainPiece text={text} lines />
    const words = cut ? `… ${countWords(cut, 'character')} …` : null
    return (
      <Fragment key={place}>
        {changed && !isWhole ? <Mark>{shown}</Mark> : shown}
        {words === null ? null : <span className="diff-cut">{words}</span>}
      </Fragment>
    )
  })
}
