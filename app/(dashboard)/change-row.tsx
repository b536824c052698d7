import Link from 'next/link'
import { lastedWords } from '#lib/alert-words.ts'
import type { ListedChange } from '#lib/db/dashboard.ts'
import { Tile } from '../_components/badge.tsx'
import { actorWords, kindWords, versionWords } from '../_components/change-words.ts'
import type { DeliveryContext } from '../_components/delivery-words.ts'
import { Labels } from '../_components/labels.tsx'
import { Plain } from '../_components/plain.tsx'
import { Cell, Row } from '../_components/table.tsx'
import { When } from '../_components/when.tsx'
import { DeliveryChip } from './delivery-chip.tsx'

const longestWords = 300
/** Alerts are told in Markdown; in one line its marks only stand in the way. */
const markdown = /\*\*|`/g

interface Props extends ListedChange {
  now: number
  contextOf: (target: string) => DeliveryContext
}

export function ChangeRow({ change, deliveries, now, contextOf }: Props) {
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
        <Subject change={change} />
      </Cell>
      <Cell className="order-4 truncate text-[13px] text-soft">
        {change.detail.prompt || change.actor ? <Plain text={actorWords(change.actor)} /> : null}
      </Cell>
      <Cell className="order-5 basis-full">
        <span className="flex flex-wrap gap-1.5">
          {deliveries.map((delivery) => (
            <DeliveryChip key={delivery.id} delivery={delivery} context={contextOf(delivery.target)} />
          ))}
          {deliveries.length > 0 ? null : (
            <span className="text-xs text-faint">{isSettling ? 'waiting for more events' : 'nobody'}</span>
          )}
        </span>
      </Cell>
      <Cell className="order-2 ml-auto text-[13px] text-faint">
        <When at={change.openedAt} now={now} swaps />
      </Cell>
    </Row>
  )
}

function Subject({ change }: { change: ListedChange['change'] }) {
  const { detail, subject, eventCount } = change
  const versions = versionWords(change)
  return (
    <>
      <span className="flex items-baseline gap-2">
        <Link
          href={`/changes/${change.id}`}
          prefetch={false}
          className="row-link min-w-0 font-medium [overflow-wrap:anywhere] sm:truncate"
        >
          <Plain text={subject} />
        </Link>
        {versions === null ? null : <span className="shrink-0 text-[13px] text-soft">{versions}</span>}
      </span>
      <span className="mt-1 flex flex-wrap items-center gap-1">
        {detail.prompt ? <Labels before={detail.prompt.labelsBefore} after={detail.prompt.labels} /> : null}
        {detail.prompt ? null : <Told change={change} />}
        {eventCount > 1 ? <span className="ml-1 text-xs text-faint">from {eventCount} events</span> : null}
      </span>
    </>
  )
}

/** What is not about a prompt has no labels; its own words say more, unless they only repeat the subject. */
function Told({ change: { title, subject, detail } }: { change: ListedChange['change'] }) {
  const told = detail.message ?? (title.endsWith(subject) ? null : title)
  const words = detail.alert ? `After ${lastedWords(detail.alert.forMs)}. ${told ?? ''}` : told
  if (words === null) return null
  return (
    <span className="max-w-full truncate text-xs text-faint">
      <Plain text={words.slice(0, longestWords).replace(markdown, '')} />
    </span>
  )
}
