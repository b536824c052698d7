import type { Change } from '#lib/core/change/change.ts'
import type { ListedDelivery } from '#lib/store/views/dashboard.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { cancelWaiting, replayAll } from './change-actions.ts'

type Delivery = Pick<ListedDelivery, 'id' | 'status' | 'target'>

interface Props {
  change: Change
  deliveries: Delivery[]
  /** What keeps a second post from being a second thing at a target; null: nothing does. */
  noteOf: (target: string) => string | null
}

const isWaiting = ({ status }: Delivery): boolean => status === 'queued' || status === 'retrying'

/** For the whole change: replay everywhere, after a question, and cancel what waits. */
export function ChangeActions({ change, deliveries, noteOf }: Props) {
  if (change.status === 'settling') return null
  const waiting = deliveries.filter(isWaiting).length
  return (
    <div className="flex grow flex-wrap items-start gap-2 sm:justify-end">
      {waiting > 1 ? (
        // Beside the question on a wide screen, so that it stays where it is when that opens.
        <div className="sm:order-last">
          <CancelForm change={change.id} words="Cancel all that wait" />
        </div>
      ) : null}
      <ReplayAll change={change} deliveries={deliveries} noteOf={noteOf} />
    </div>
  )
}

/** Ends waiting; it can be replayed later. Without `delivery`: all of the change. */
export function CancelForm({
  change,
  delivery,
  words,
}: {
  change: string
  delivery?: Delivery
  words: string
}) {
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
        <Icon name="retry" className="size-3.5" /> Replay all …
      </summary>
      <form action={replayAll} className="panel mt-2 p-4 text-left text-[13px]">
        <input type="hidden" name="change" value={change.id} />
        <input type="hidden" name="delivered" value={delivered.length} />
        <fieldset className="grid gap-2.5">
          <legend className="sr-only">How</legend>
          <Mode value="as-it-was" isFirst title="As it was" words="To the targets that it went to." />
          <Mode
            value="todays-rules"
            title="With today's rules"
            words="To the targets that the rules of now name."
          />
        </fieldset>
        {delivered.length === 0 ? null : (
          <p className="mt-3 rounded-md bg-warn-wash px-2.5 py-2 text-warn">
            It arrived already at {delivered.map(({ target }) => target).join(', ')}, where it will be posted
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

function Mode({
  value,
  title,
  words,
  isFirst = false,
}: Record<'value' | 'title' | 'words', string> & { isFirst?: boolean }) {
  return (
    <label className="flex gap-2.5">
      <input
        type="radio"
        name="mode"
        value={value}
        defaultChecked={isFirst}
        className="mt-0.5 size-4 shrink-0 accent-[var(--color-accent)]"
      />
      <span>
        <span className="font-medium">{title}</span>
        <span className="block text-soft">{words}</span>
      </span>
    </label>
  )
}
