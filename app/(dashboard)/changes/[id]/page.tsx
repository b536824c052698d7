import type { Metadata } from 'next'
import Link from 'next/link'
import { z } from 'zod'
import { isSignedIn, requireSession } from '#app/session.ts'
import { currentEnv } from '#lib/base/current-env.ts'
import { visibleText } from '#lib/base/visible.ts'
import { recoveryOf } from '#lib/pipeline/settle/monitor-history.ts'
import { database } from '#lib/store/client.ts'
import { changeById } from '#lib/store/tables/changes.ts'
import { attemptsOf, eventsWithHeads } from '#lib/store/views/change-page.ts'
import { deliveriesOf } from '#lib/store/views/listed-changes.ts'
import { dismissalsOf } from '#lib/store/views/open-failures.ts'
import { Icon } from '../../../_ui/icons.tsx'
import type { SearchParams } from '../../../_ui/list-query.ts'
import { Missing } from '../../_list/empty.tsx'
import { deliveryContexts } from '../../_words/delivery-context.ts'
import { knownProjects } from '../../_words/projects.ts'
import { ChangeDifference, differenceOf } from './change-difference.tsx'
import { Undescribed } from './change-forms.tsx'
import { ChangeHeader } from './change-header.tsx'
import { Comparison } from './comparison.tsx'
import { Deliveries } from './deliveries.tsx'
import { Events, maxEvents, shownBytes } from './events.tsx'
import { Facts } from './facts.tsx'
import { Observed } from './observed.tsx'

interface Props {
  params: Promise<{ id: string }>
  searchParams: SearchParams
}

/** The title names a prompt, so it needs the session as the page does. */
export async function generateMetadata({ params }: Props): Promise<Metadata> {
  if (!(await isSignedIn())) return {}
  const change = await changeById(await database(), (await params).id)
  return { title: visibleText(change?.title ?? 'Not found').slice(0, 200) }
}

const notices = {
  'delivered-meanwhile':
    'Nothing was sent: it has been delivered since you loaded this page. Check before you replay it.',
  'not-replayed': 'It was not replayed: it is being sent right now, or it no longer exists.',
  'incident-over':
    'Some deliveries were not replayed: a later message about the same incident was delivered, and these would contradict it. Replay the later one instead.',
  'nothing-replayed': 'Nothing was replayed: no configured target was due to get it.',
  'not-interpreted':
    'Nothing was interpreted again: it has been done already, or the events are traces or scores, which are counted as they arrive.',
  'not-cancelled':
    'Nothing was cancelled: the waiting deliveries have been sent since, or are being sent right now.',
}

const pageQuery = z.object({
  notice: z
    .enum(Object.keys(notices) as (keyof typeof notices)[])
    .optional()
    .catch(undefined),
  view: z.enum(['unified', 'split']).catch('unified'),
})

export default async function ChangePage({ params, searchParams }: Props) {
  const { id } = await params
  await requireSession(`/changes/${encodeURIComponent(id)}`)
  const db = await database()
  const change = await changeById(db, id)
  if (!change)
    return (
      <Missing title="Change not found">
        {`The address is wrong, or the change was deleted: delivered changes are kept for ${currentEnv().env?.RETENTION_DAYS} days.`}
      </Missing>
    )
  const now = Date.now()
  const directory = await knownProjects(db)
  const deliveries = (await deliveriesOf(db, [id])).get(id) ?? []
  const deliveryIds = deliveries.map((delivery) => delivery.id)
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
      <ChangeHeader change={change} directory={directory} now={now} />
      {notice ? (
        <p role="alert" className="mt-5 rounded-lg bg-warn-wash px-4 py-2.5 text-warn">
          {notices[notice]}
        </p>
      ) : null}
      <div className="mt-7 grid items-start gap-x-8 gap-y-8 lg:grid-cols-[minmax(0,1fr)_280px]">
        <div className="grid min-w-0 gap-8">
          <Comparison change={change} />
          <ChangeDifference change={change} difference={await differenceOf(db, change)} view={view} />
          <Undescribed change={change} />
          <Observed change={change} directory={directory} />
          <Deliveries
            change={change}
            deliveries={deliveries}
            attempts={await attemptsOf(db, deliveryIds)}
            dismissals={await dismissalsOf(db, deliveryIds)}
            contextOf={await deliveryContexts(db, now)}
            now={now}
          />
          <Events change={change} events={events} />
        </div>
        <Facts change={change} directory={directory} recovery={await recoveryOf(db, change)} />
      </div>
    </>
  )
}
