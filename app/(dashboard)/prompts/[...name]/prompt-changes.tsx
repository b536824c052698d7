import Link from 'next/link'
import { momentWords } from '#lib/core/change/reconciled-words.ts'
import type { ListedChange } from '#lib/store/views/listed-changes.ts'
import { ChipWithWhy, Tile } from '../../../_ui/badge.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { Cell, Row, Table } from '../../../_ui/table.tsx'
import { When } from '../../../_ui/when.tsx'
import {
  authoredFactWords,
  authorsWords,
  foundWords,
  kindWords,
  moreWords,
} from '../../_words/change-words.ts'
import { chipWords, type DeliveryContext } from '../../_words/delivery-words.ts'

const columns = [
  { name: 'What', width: 'w-[166px]' },
  { name: 'Change', width: '' },
  { name: 'Who', width: 'w-[150px]' },
  { name: 'Deliveries', width: 'w-[286px]' },
  { name: 'When', width: 'w-[186px]' },
]

const maxFacts = 4

interface Props {
  rows: ListedChange[]
  now: number
  contextOf: (target: string) => DeliveryContext
}

/** What happened to one prompt, newest first, without its name. */
export function PromptChanges({ rows, now, contextOf }: Props) {
  if (rows.length === 0)
    return (
      <p className="panel p-4 text-soft">Its changes have been deleted; only its current state is kept.</p>
    )
  return (
    <Table caption="Changes of this prompt, newest first" columns={columns}>
      {rows.map((row) => (
        <PromptChange key={row.change.id} {...row} now={now} contextOf={contextOf} />
      ))}
    </Table>
  )
}

function PromptChange({ change, deliveries, now, contextOf }: ListedChange & Omit<Props, 'rows'>) {
  const { word, tone, icon } = kindWords(change)
  const isSettling = change.status === 'settling'
  return (
    <Row danger={change.danger}>
      <Cell className="order-1 sm:pr-0">
        <span className="flex items-center gap-2.5">
          <Tile icon={icon} tone={tone} spins={isSettling} />
          <span className="font-medium whitespace-nowrap">{word}</span>
        </span>
      </Cell>
      <Cell className="order-3 min-w-0 basis-full">
        <Link
          href={`/changes/${change.id}`}
          prefetch={false}
          className="row-link grid gap-0.5 [overflow-wrap:anywhere]"
        >
          <FactLines change={change} />
        </Link>
        <Found change={change} />
      </Cell>
      <Cell className="order-4 max-w-full truncate text-[13px] text-soft">
        <Plain text={authorsWords(change)} />
      </Cell>
      <Cell className="order-5 basis-full">
        <span className="flex flex-wrap gap-1.5">
          {deliveries.map((delivery) => (
            <ChipWithWhy key={delivery.id} {...chipWords(delivery, contextOf(delivery.target))} />
          ))}
          {deliveries.length > 0 ? null : <span className="text-xs text-faint">none</span>}
        </span>
      </Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        <When at={change.openedAt} now={now} swaps />
      </Cell>
    </Row>
  )
}

function Found({ change }: Pick<ListedChange, 'change'>) {
  const { reconciled } = change.detail
  if (!reconciled) return null
  return (
    <span title="No webhook came" className="above text-xs text-faint">
      {`${foundWords(change)}: it happened ${momentWords(reconciled)}`}
    </span>
  )
}

function FactLines({ change }: Pick<ListedChange, 'change'>) {
  const { status, detail, title } = change
  if (status === 'settling') return <span>more events of the same edit may arrive</span>
  const left = detail.omitted?.facts ?? 0
  const lines =
    detail.facts.length === 0 ? [title] : detail.facts.map((fact) => authoredFactWords(fact, change))
  return (
    <>
      {lines.slice(0, maxFacts).map((line) => (
        <span key={line}>
          <Plain text={line} />
        </span>
      ))}
      {lines.length + left > maxFacts ? (
        <span className="text-faint">{moreWords(lines.length + left - maxFacts)}</span>
      ) : null}
    </>
  )
}
