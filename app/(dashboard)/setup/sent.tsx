import Link from 'next/link'
import type { Change } from '#lib/core/change/change.ts'
import type { Db } from '#lib/store/client.ts'
import { changeById } from '#lib/store/tables/changes.ts'
import { deliveriesOf, type ListedDelivery } from '#lib/store/views/listed-changes.ts'
import { AutoRefresh } from '../../_ui/auto-refresh.tsx'
import { ChipWithWhy, Tile } from '../../_ui/badge.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { kindWords } from '../_words/change-words.ts'
import { deliveryContexts } from '../_words/delivery-context.ts'
import { chipWords } from '../_words/delivery-words.ts'

const everyMs = 1000
/** After that its own page says more than waiting here. */
const patienceMs = 60_000

/** The outcome of the test that was just sent. */
export async function Sent({ db, changeId, now }: { db: Db; changeId: string; now: number }) {
  const change = await changeById(db, changeId)
  if (!change?.test) return null
  const deliveries = (await deliveriesOf(db, [changeId])).get(changeId) ?? []
  const isUnderWay = isPending(change, deliveries) && now - change.openedAt < patienceMs
  return (
    <section id="sent" aria-labelledby="sent-title" className="panel border-accent/40 p-4">
      <div className="flex flex-wrap items-start gap-3.5">
        <Tile {...kindWords(change)} spins={change.status === 'settling'} />
        <div className="min-w-0 flex-1">
          <h2 id="sent-title" className="font-semibold">
            Test sent
          </h2>
          <p className="mt-0.5 text-[13px] text-soft [overflow-wrap:anywhere]">
            {change.status === 'settling' ? 'Settling' : <Plain text={change.title} />}
          </p>
          <Chips db={db} change={change} deliveries={deliveries} now={now} />
        </div>
        <Link href={`/changes/${changeId}`} prefetch={false} className="button">
          Open the change
        </Link>
      </div>
      {isUnderWay ? <AutoRefresh everyMs={everyMs} /> : null}
      {isUnderWay ? (
        <noscript>
          <a href={`/setup?sent=${changeId}`} className="link mt-3 inline-block text-[13px]">
            Reload
          </a>
        </noscript>
      ) : null}
    </section>
  )
}

const isPending = ({ status }: Change, deliveries: ListedDelivery[]): boolean =>
  status === 'settling' || deliveries.some((one) => ['queued', 'sending', 'retrying'].includes(one.status))

async function Chips(props: { db: Db; change: Change; deliveries: ListedDelivery[]; now: number }) {
  const { db, change, deliveries, now } = props
  const contextOf = await deliveryContexts(db, now)
  if (change.status === 'settling') return null
  if (deliveries.length === 0)
    return <p className="mt-2 text-[13px] text-faint">No target is configured, so nothing was sent.</p>
  return (
    <ul aria-label="Deliveries of the test" className="mt-2.5 flex flex-wrap gap-1.5">
      {deliveries.map((delivery) => (
        <li key={delivery.id} className="max-w-full">
          <ChipWithWhy {...chipWords(delivery, contextOf(delivery.target))} />
        </li>
      ))}
    </ul>
  )
}
