import type { Change } from '#lib/core/change/change.ts'
import type { AttemptRow } from '#lib/store/schema.ts'
import type { ListedDelivery } from '#lib/store/views/dashboard.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { When } from '../../../_ui/when.tsx'
import { dismissDelivery } from '../../_list/failure-actions.ts'
import type { DeliveryContext } from '../../_words/delivery-words.ts'
import { DeliveryChip } from '../../delivery-chip.tsx'
import { Attempt } from './attempt.tsx'
import { CancelForm, ChangeActions } from './change-forms.tsx'
import { ReplayForm } from './replay-form.tsx'

interface Props {
  change: Change
  deliveries: ListedDelivery[]
  attempts: Map<string, AttemptRow[]>
  /** When failures were dismissed, by delivery, epoch milliseconds. */
  dismissals: Map<string, number>
  contextOf: (target: string) => DeliveryContext
  now: number
}

/** Who was to be told, and each try of it. */
export function Deliveries({ change, deliveries, attempts, dismissals, contextOf, now }: Props) {
  const nobody =
    change.status === 'settling'
      ? 'It is told once all events that belong to it are here.'
      : 'No target is configured, so nobody was told.'
  return (
    <section aria-labelledby="deliveries">
      <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-2">
        <h2 id="deliveries" className="font-semibold">
          Deliveries
        </h2>
        <ChangeActions
          change={change}
          deliveries={deliveries}
          noteOf={(target) => contextOf(target).replayNote}
        />
      </div>
      {deliveries.length === 0 ? <p className="panel p-4 text-soft">{nobody}</p> : null}
      <div className="grid gap-3">
        {deliveries.map((delivery) => (
          <Delivery
            key={delivery.id}
            delivery={delivery}
            attempts={attempts.get(delivery.id) ?? []}
            dismissedAt={dismissals.get(delivery.id) ?? null}
            context={contextOf(delivery.target)}
            now={now}
          />
        ))}
      </div>
    </section>
  )
}

function Delivery(props: {
  delivery: ListedDelivery
  attempts: AttemptRow[]
  dismissedAt: number | null
  context: DeliveryContext
  now: number
}) {
  const { delivery, attempts, dismissedAt, context, now } = props
  const { id, target, rule, reason, finished_at, status } = delivery
  return (
    <article id={id} aria-label={`Delivery to ${target}`} className="panel overflow-hidden">
      <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-3 p-4">
        <div className="min-w-0">
          <h3 className="flex flex-wrap items-center gap-2">
            <DeliveryChip delivery={delivery} context={context} />
            {finished_at === null ? null : (
              <span className="text-[13px] font-normal text-faint">
                <When at={finished_at} now={now} />
              </span>
            )}
          </h3>
          <p className="mt-1.5 text-[13px] text-soft [overflow-wrap:anywhere]">
            {status === 'skipped' && reason === null ? 'Not wanted: ' : 'By the rule: '}
            <Plain text={rule} />
          </p>
          {dismissedAt === null ? null : (
            <p className="mt-1 text-[13px] text-soft">
              Dismissed <When at={dismissedAt} now={now} />
            </p>
          )}
          {reason === null ? null : (
            <p className="mt-1 text-[13px] [overflow-wrap:anywhere]">
              <Plain text={reason} />
            </p>
          )}
        </div>
        <div className="flex flex-wrap items-start gap-2">
          {status === 'queued' || status === 'retrying' ? (
            <CancelForm change={delivery.change_id} delivery={delivery} words="Cancel" />
          ) : null}
          <ReplayForm delivery={delivery} note={context.replayNote} />
          {status === 'failed' && dismissedAt === null ? <DismissForm id={id} target={target} /> : null}
        </div>
      </div>
      {attempts.length === 0 ? null : (
        <ol className="border-t border-line">
          {attempts.map((attempt) => (
            <Attempt key={attempt.number} attempt={attempt} />
          ))}
        </ol>
      )}
    </article>
  )
}

function DismissForm({ id, target }: { id: string; target: string }) {
  return (
    <form action={dismissDelivery}>
      <input type="hidden" name="delivery" value={id} />
      <button type="submit" className="button">
        <Icon name="cross" className="size-3.5" />
        Dismiss<span className="sr-only"> the failed delivery to {target}</span>
      </button>
    </form>
  )
}
