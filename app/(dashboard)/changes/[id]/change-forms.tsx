import Link from 'next/link'
import type { Change } from '#lib/core/change/change.ts'
import type { ListedDelivery } from '#lib/store/views/listed-changes.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { dismissDelivery } from '../../_list/failure-actions.ts'
import { ReplayMode } from '../../replay/replay-mode.tsx'
import { cancelWaiting, interpretAgain, replayAll, replayOne } from './actions.ts'

type Delivery = Pick<ListedDelivery, 'id' | 'status' | 'target'>

interface Props {
  change: Change
  deliveries: Delivery[]
  /** How the target recognises a repeat; null: it does not. */
  noteOf: (target: string) => string | null
}

const isWaiting = ({ status }: Delivery): boolean => status === 'queued' || status === 'retrying'

/** For the whole change: replay to all targets, after a confirmation, and cancel what is waiting. */
export function ChangeActions({ change, deliveries, noteOf }: Props) {
  if (change.status === 'settling') return null
  const waiting = deliveries.filter(isWaiting).length
  return (
    <div className="flex grow flex-wrap items-start gap-2 sm:justify-end">
      {waiting > 1 ? (
        // To the right of the confirmation on a wide screen, so that opening it does not move this button.
        <div className="sm:order-last">
          <CancelForm change={change.id} words="Cancel all waiting" />
        </div>
      ) : null}
      <ReplayAll change={change} deliveries={deliveries} noteOf={noteOf} />
    </div>
  )
}

/** For one delivery: what can be done in its state. */
export function DeliveryActions(props: {
  change: string
  delivery: Delivery
  isDismissed: boolean
  note: string | null
}) {
  const { change, delivery, isDismissed, note } = props
  const { id, target, status } = delivery
  return (
    <div className="flex flex-wrap items-start gap-2">
      {isWaiting(delivery) ? <CancelForm change={change} delivery={delivery} words="Cancel" /> : null}
      <ReplayOne delivery={delivery} note={note} />
      {status === 'failed' && !isDismissed ? (
        <form action={dismissDelivery}>
          <input type="hidden" name="delivery" value={id} />
          <button type="submit" className="button">
            <Icon name="cross" className="size-3.5" />
            Dismiss<span className="sr-only"> the failed delivery to {target}</span>
          </button>
        </form>
      ) : null}
    </div>
  )
}

/** Without `delivery`: cancels all of the change. What is cancelled can be replayed later. */
function CancelForm({ change, delivery, words }: { change: string; delivery?: Delivery; words: string }) {
  return (
    <form action={cancelWaiting}>
      <input type="hidden" name="change" value={change} />
      {delivery ? <input type="hidden" name="delivery" value={delivery.id} /> : null}
      <button type="submit" className="button">
        <Icon name="cross" className="size-3.5" />
        {words}
        {delivery ? <span className="sr-only"> for {delivery.target}</span> : null}
      </button>
    </form>
  )
}

function ReplayAll({ change, deliveries, noteOf }: Props) {
  const delivered = deliveries.filter(({ status }) => status === 'delivered')
  const notes = delivered.flatMap(({ target }) => {
    const note = noteOf(target)
    return note === null ? [] : [`${target}: ${note}`]
  })
  return (
    <details className="max-w-full open:w-full sm:text-right sm:open:w-[22rem]">
      <summary className="button">
        <Icon name="retry" className="size-3.5" /> Replay all…
      </summary>
      <form action={replayAll} className="panel mt-2 p-4 text-left text-[13px]">
        <input type="hidden" name="change" value={change.id} />
        <input type="hidden" name="delivered" value={delivered.length} />
        <fieldset className="grid gap-2.5">
          <legend className="sr-only">How</legend>
          <ReplayMode mode="as-it-was">To the targets it was routed to.</ReplayMode>
          <ReplayMode mode="todays-rules">To the targets that the current rules choose.</ReplayMode>
        </fieldset>
        {delivered.length === 0 ? null : (
          <p className="mt-3 rounded-md bg-warn-wash px-2.5 py-2 text-warn">
            Already delivered to {delivered.map(({ target }) => target).join(', ')}. It will be posted there
            again.
          </p>
        )}
        {notes.map((note) => (
          <p key={note} className="mt-2 text-soft">
            {note}
          </p>
        ))}
        <button type="submit" className="button button-main mt-3">
          {delivered.length === 0 ? 'Replay all' : 'Post again to all'}
        </button>
      </form>
    </details>
  )
}

/** Sends at once if it was not delivered; else asks first, because the target would get it twice. */
function ReplayOne({ delivery, note }: { delivery: Delivery; note: string | null }) {
  const { id, status, target } = delivery
  if (status === 'sending' || status === 'skipped') return null
  const form = (words: string, isMain: boolean) => (
    <form action={replayOne}>
      <input type="hidden" name="delivery" value={id} />
      {status === 'delivered' ? <input type="hidden" name="again" value="yes" /> : null}
      <button type="submit" data-key="replay" className={isMain ? 'button button-main' : 'button'}>
        <Icon name="retry" className="size-3.5" />
        {words}
      </button>
    </form>
  )
  if (status !== 'delivered') return form(status === 'failed' ? 'Replay' : 'Try now', false)
  return (
    <details className="max-w-full text-right">
      <summary data-key="replay" className="button">
        <Icon name="retry" className="size-3.5" /> Replay…
      </summary>
      <div className="mt-3 max-w-72 rounded-lg bg-raised p-3 text-left text-[13px]">
        <p>This was already delivered. A replay posts it to {target} again.</p>
        {note === null ? null : <p className="mt-1.5 text-soft">{note}</p>}
        <div className="mt-3">{form('Post again', true)}</div>
      </div>
    </details>
  )
}

/** What can be done about a change that could not be interpreted, or what came of it. */
export function Undescribed({ change: { id, kind, detail } }: { change: Change }) {
  if (kind !== 'undescribed') return null
  const { reinterpretedAs } = detail
  if (reinterpretedAs !== undefined)
    return (
      <p>
        Its events were interpreted again, as{' '}
        <Link href={`/changes/${reinterpretedAs}`} prefetch={false} className="link">
          another change
        </Link>
        .
      </p>
    )
  return (
    <form action={interpretAgain}>
      <input type="hidden" name="change" value={id} />
      <button type="submit" className="button">
        <Icon name="retry" className="size-3.5" /> Interpret its events again
      </button>
    </form>
  )
}
