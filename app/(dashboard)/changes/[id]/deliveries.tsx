import { duration } from '#lib/base/duration.ts'
import type { Change } from '#lib/core/change/change.ts'
import type { Tone } from '#lib/core/change/kinds.ts'
import type { AttemptOutcome, AttemptRow } from '#lib/store/schema.ts'
import type { ListedDelivery } from '#lib/store/views/listed-changes.ts'
import { ChipWithWhy } from '../../../_ui/badge.tsx'
import { Code } from '../../../_ui/code.tsx'
import { Disclosure } from '../../../_ui/disclosure.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { utc } from '../../../_ui/quantity-words.ts'
import { When } from '../../../_ui/when.tsx'
import { chipWords, type DeliveryContext } from '../../_words/delivery-words.ts'
import { ChangeActions, DeliveryActions } from './change-forms.tsx'

interface Props {
  change: Change
  deliveries: ListedDelivery[]
  attempts: Map<string, AttemptRow[]>
  /** When failures were dismissed, by delivery, epoch milliseconds. */
  dismissals: Map<string, number>
  contextOf: (target: string) => DeliveryContext
  now: number
}

/** The targets the change was routed to, with every attempt. */
export function Deliveries({ change, deliveries, attempts, dismissals, contextOf, now }: Props) {
  const none =
    change.status === 'settling'
      ? 'Nothing is sent until all events of this change have arrived.'
      : 'No target is configured, so nothing was sent.'
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
      {deliveries.length === 0 ? <p className="panel p-4 text-soft">{none}</p> : null}
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
            <ChipWithWhy {...chipWords(delivery, context)} />
            {finished_at === null ? null : (
              <span className="text-[13px] font-normal text-faint">
                <When at={finished_at} now={now} />
              </span>
            )}
          </h3>
          <p className="mt-1.5 text-[13px] text-soft [overflow-wrap:anywhere]">
            {status === 'skipped' && reason === null ? 'No rule matched: ' : 'Rule: '}
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
        <DeliveryActions
          change={delivery.change_id}
          delivery={delivery}
          isDismissed={dismissedAt !== null}
          note={context.replayNote}
        />
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

const outcomes: Record<AttemptOutcome, { word: string; tone: Tone }> = {
  delivered: { word: 'delivered', tone: 'good' },
  retry: { word: 'temporary failure', tone: 'warn' },
  wait: { word: 'rate limited', tone: 'warn' },
  failed: { word: 'failed', tone: 'bad' },
  'dry-run': { word: 'not sent', tone: 'quiet' },
}

const dot: Record<Tone, string> = {
  accent: 'bg-accent',
  good: 'bg-good',
  warn: 'bg-warn',
  bad: 'bg-bad',
  quiet: 'bg-faint',
}

function answerWords({ outcome, status_code }: AttemptRow): string {
  if (outcome === 'dry-run') return 'dry run'
  return status_code === null ? 'no answer' : `HTTP ${status_code}`
}

/** When it was made, its outcome, and what went over the wire. */
function Attempt({ attempt }: { attempt: AttemptRow }) {
  const { number, started_at, duration_ms, outcome, reason, request, response } = attempt
  const { word, tone } = outcomes[outcome]
  return (
    <li className="border-b border-line last:border-b-0">
      <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1 px-4 pt-2.5 text-[13px]">
        <span className="inline-flex items-baseline gap-2 font-medium">
          <span
            aria-hidden="true"
            className={`size-1.5 -translate-y-px self-center rounded-full ${dot[tone]}`}
          />
          Attempt {number}
        </span>
        <span>{word}</span>
        <span className="text-soft">{answerWords(attempt)}</span>
        <span className="text-soft">{duration(duration_ms)}</span>
        <time dateTime={new Date(started_at).toISOString()} className="text-faint sm:ml-auto">
          {utc(started_at)}
        </time>
      </div>
      {reason === null ? null : (
        <p className="px-4 pt-1 text-[13px] text-soft [overflow-wrap:anywhere]">
          <Plain text={reason} />
        </p>
      )}
      <div className="pt-0.5">
        {request === null && response === null ? (
          <div className="h-2" />
        ) : (
          <Disclosure words="Request and response">
            {request === null ? null : <Wire name="Request" text={request} />}
            {response === null ? null : <Wire name="Response" text={response} />}
          </Disclosure>
        )}
      </div>
    </li>
  )
}

function Wire({ name, text }: { name: string; text: string }) {
  return (
    <>
      <p className="px-4 pb-1 text-xs text-faint">{name}</p>
      <Code text={text} name={name} className="mb-3" />
    </>
  )
}
