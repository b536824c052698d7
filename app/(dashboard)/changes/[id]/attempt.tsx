import { duration } from '#lib/base/duration.ts'
import type { Tone } from '#lib/core/change/kinds.ts'
import type { AttemptOutcome, AttemptRow } from '#lib/store/schema.ts'
import { Code } from '../../../_ui/code.tsx'
import { Disclosure } from '../../../_ui/disclosure.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { utc } from '../../../_ui/time-words.ts'

const outcomes: Record<AttemptOutcome, { word: string; tone: Tone }> = {
  delivered: { word: 'delivered', tone: 'good' },
  retry: { word: 'will be tried again', tone: 'warn' },
  wait: { word: 'told to wait', tone: 'warn' },
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

/** One try: when, what came of it, and what went over the wire. */
export function Attempt({ attempt }: { attempt: AttemptRow }) {
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
