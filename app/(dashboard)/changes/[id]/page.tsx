import type { Metadata } from 'next'
import Link from 'next/link'
import { z } from 'zod'
import { isSignedIn, requireSession } from '#app/session.ts'
import { currentEnv } from '#lib/base/current-env.ts'
import { visibleText } from '#lib/base/visible.ts'
import { recoveryOf } from '#lib/pipeline/settle/monitor-history.ts'
import { database } from '#lib/store/client.ts'
import { changeById } from '#lib/store/tables/changes.ts'
import { attemptsOf, deliveriesOf, eventsWithHeads } from '#lib/store/views/dashboard.ts'
import { dismissalsOf } from '#lib/store/views/open-failures.ts'
import { Icon } from '../../../_ui/icons.tsx'
import type { SearchParams } from '../../../_ui/list-query.ts'
import { Empty } from '../../_list/empty.tsx'
import { deliveryContexts } from '../../_words/delivery-context.ts'
import { ChangeDifference } from './change-difference.tsx'
import { ChangeHeader } from './change-header.tsx'
import { Deliveries } from './deliveries.tsx'
import { differenceOf } from './difference-of.ts'
import { Events, maxEvents, shownBytes } from './events.tsx'
import { Facts } from './facts.tsx'
import { Observed } from './observed.tsx'
import { Undescribed } from './undescribed.tsx'

interface Props {
  params: Promise<{ id: string }>
  searchParams: SearchParams
}

/** The title names a prompt, so it needs the session like the page. */
export async function generateMetadata({ params }: Props): Promise<Metadata> {
  if (!(await isSignedIn())) return {}
  const change = await changeById(await database(), (await params).id)
  return { title: visibleText(change?.title ?? 'Gone').slice(0, 200) }
}

const notices = {
  'delivered-meanwhile':
    'It was delivered in the meantime, so nothing was sent. Look again before you repeat it.',
  'not-replayed': 'It was not sent again: it is being sent right now, or it is gone.',
  'incident-over':
    'Not all was sent again: a later message about the same incident was delivered, and this one would say the opposite. Replay the later one.',
  'nothing-replayed': 'Nothing was sent again: no target that is configured now was to get it.',
  'not-interpreted':
    'Nothing was interpreted again: it was done already, or its events are traces or scores, which are counted as they come.',
  'not-cancelled': 'Nothing was cancelled: what waited was sent in the meantime, or is being sent right now.',
}
const pageQuery = z.object({
  notice: z
    .enum([
      'delivered-meanwhile',
      'not-replayed',
      'incident-over',
      'nothing-replayed',
      'not-cancelled',
      'not-interpreted',
    ])
    .optional()
    .catch(undefined),
  view: z.enum(['unified', 'split']).catch('unified'),
})

export default async function ChangePage({ params, searchParams }: Props) {
  const { id } = await params
  await requireSession(`/changes/${encodeURIComponent(id)}`)
  const db = await database()
  const change = await changeById(db, id)
  if (!change) return <Gone />
  const now = Date.now()
  const deliveries = (await deliveriesOf(db, [id])).get(id) ?? []
  const attempts = await attemptsOf(
    db,
    deliveries.map((delivery) => delivery.id),
  )
  const events = await eventsWithHeads(db, id, maxEvents, shownBytes)
  const { notice, view } = pageQuery.parse(await searchParams)
  return (
    <>
      <Link
        href="/"
        prefetch={false}
        className="inline-flex items-center gap-1.5 text-[13px] text-soft hover:text-ink"
      >
        <Icon name="left" className="size-3.5" /> Changes
      </Link>
      <ChangeHeader change={change} now={now} />
      {notice ? (
        <p role="alert" className="mt-5 rounded-lg bg-warn-wash px-4 py-2.5 text-warn">
          {notices[notice]}
        </p>
      ) : null}
      <div className="mt-7 grid items-start gap-x-8 gap-y-8 lg:grid-cols-[minmax(0,1fr)_280px]">
        <div className="grid min-w-0 gap-8">
          <ChangeDifference change={change} difference={await differenceOf(db, change)} view={view} />
          <Undescribed change={change} />
          <Observed change={change} />
          <Deliveries
            change={change}
            deliveries={deliveries}
            attempts={attempts}
            dismissals={
              await dismissalsOf(
                db,
                deliveries.map((delivery) => delivery.id),
              )
            }
            contextOf={await deliveryContexts(db, now)}
            now={now}
          />
          <Events change={change} events={events} />
        </div>
        <Facts change={change} recovery={await recoveryOf(db, change)} />
      </div>
    </>
  )
}

/** Not Next's `notFound()`: that leaves the page empty where there is no JavaScript. */
function Gone() {
  const days = currentEnv().env?.RETENTION_DAYS
  return (
    <Empty title="There is no such change" heading={1}>
      <p>{`The address is wrong, or the change is gone: what is delivered is kept for ${days} days.`}</p>
      <Link href="/" prefetch={false} className="button mt-4">
        To the changes
      </Link>
    </Empty>
  )
}
