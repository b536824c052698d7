import Link from 'next/link'
import type { Change } from '#lib/core/change/change.ts'
import type { ShownEvent } from '#lib/store/views/change-page.ts'
import { Chip } from '../../../_ui/badge.tsx'
import { Code } from '../../../_ui/code.tsx'
import { Disclosure } from '../../../_ui/disclosure.tsx'
import { Icon } from '../../../_ui/icons.tsx'
import { pathWith } from '../../../_ui/list-query.ts'
import { Plain } from '../../../_ui/plain.tsx'
import { bytes, utc } from '../../../_ui/quantity-words.ts'
import { proofWords } from '../../_words/event-proof.ts'
import { payloadOf } from './payload.ts'

export const maxEvents = 20
/** Of each body: enough for all but very long prompts, and 20 of these still fit on a page. */
export const shownBytes = 32 * 1024

/** The events of the change, as received. */
export function Events({ change, events }: { change: Change; events: ShownEvent[] }) {
  const { id, eventCount, detail } = change
  return (
    <section aria-labelledby="events">
      <h2 id="events" className="mb-3 font-semibold">
        Events
      </h2>
      {events.length === 0 ? (
        <p className="panel p-4 text-soft">The relay created this change itself, so it has no events.</p>
      ) : null}
      <div className="grid gap-3">
        {events.map((event) => (
          <Event key={event.id} event={event} isStale={detail.stale.includes(event.id)} />
        ))}
      </div>
      {eventCount > events.length && events.length > 0 ? (
        <Link href={pathWith('/events', { change: id })} prefetch={false} className="link mt-3 inline-block">
          All {eventCount} events
        </Link>
      ) : null}
    </section>
  )
}

function Event({ event, isStale }: { event: ShownEvent; isStale: boolean }) {
  const { id, type, action, subject, version, received_at, size } = event
  const { long, hint } = proofWords(event)
  return (
    <article id={id} aria-label={`Event ${id}`} className="panel overflow-hidden">
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-4 pt-3 pb-1.5">
        <h3 className="font-medium">
          {type}
          {action === null ? null : <span className="font-normal text-soft"> {action}</span>}
        </h3>
        <span className="min-w-0 text-soft [overflow-wrap:anywhere]">
          <Plain text={version === null ? subject : `${subject} v${version}`} />
        </span>
        {isStale ? (
          <Chip tone="warn" words="stale" title="Older than the known state, so it changed nothing" />
        ) : null}
        <time dateTime={new Date(received_at).toISOString()} className="text-[13px] text-faint sm:ml-auto">
          {utc(received_at)}
        </time>
      </div>
      <p className="px-4 pb-1 text-xs text-faint">
        {long} {hint === null ? null : <span className="font-mono">{hint}</span>}
      </p>
      <Disclosure words={`Payload, ${bytes(size)}`}>
        <Body event={event} />
      </Disclosure>
      <div className="border-t border-line">
        <Disclosure words="Headers">
          <Headers json={event.headers} />
        </Disclosure>
      </div>
    </article>
  )
}

function Body({ event: { id, head, size } }: { event: ShownEvent }) {
  const { text, isWhole } = payloadOf(head, size)
  return (
    <>
      <p className="flex flex-wrap items-center justify-between gap-2 px-4 pb-2 text-[13px] text-soft">
        {isWhole
          ? 'Indented for reading; the download has the bytes as received.'
          : `The first ${bytes(head.byteLength)} of ${bytes(size)}.`}
        <a href={`/events/${id}/body`} download className="button">
          <Icon name="download" className="size-3.5" /> Download
        </a>
      </p>
      <Code text={text} name="Payload" />
    </>
  )
}

function Headers({ json }: { json: string }) {
  const headers = Object.entries(JSON.parse(json) as Record<string, string>)
  if (headers.length === 0) return <p className="px-4 pb-3 text-[13px] text-soft">None stored.</p>
  return (
    <dl className="grid gap-1 px-4 pb-3 font-mono text-xs">
      {headers.map(([name, value]) => (
        <div key={name} className="flex flex-wrap gap-x-2">
          <dt className="text-soft">
            <Plain text={name} />
          </dt>
          <dd className="[overflow-wrap:anywhere]">
            <Plain text={String(value)} />
          </dd>
        </div>
      ))}
    </dl>
  )
}
