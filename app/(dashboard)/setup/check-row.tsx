import type { ReactNode } from 'react'
import type { Tone } from '#lib/core/change/kinds.ts'
import type { Check, CheckState } from '#lib/core/setup/finding.ts'
import { Tile } from '../../_ui/badge.tsx'
import type { IconName } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { When } from '../../_ui/when.tsx'

const looks: Record<CheckState, { icon: IconName; tone: Tone; word: string }> = {
  ok: { icon: 'check', tone: 'good', word: 'OK' },
  problem: { icon: 'alert', tone: 'bad', word: 'Problem' },
  warning: { icon: 'alert', tone: 'warn', word: 'Warning' },
  'not-yet': { icon: 'minus', tone: 'quiet', word: 'Not yet' },
}

const textLook: Record<CheckState, string> = {
  ok: 'text-soft',
  problem: 'text-bad',
  warning: 'text-warn',
  'not-yet': 'text-soft',
}

export function CheckList({ title, id, children }: { title: string; id: string; children: ReactNode }) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className="mb-3 font-semibold">
        {title}
      </h2>
      <ul className="panel divide-y divide-line">{children}</ul>
    </section>
  )
}

/** `children`: details below its text; `aside`: actions at its end. */
export function CheckRow(props: { check: Check; now: number; aside?: ReactNode; children?: ReactNode }) {
  const { check, now, aside, children } = props
  const { title, state, words, fix, at } = check
  const { icon, tone, word } = looks[state]
  return (
    <li className="flex flex-wrap items-start gap-x-3.5 gap-y-3 p-4">
      <Tile icon={icon} tone={tone} />
      <div className="min-w-0 flex-1 basis-56 pt-0.5">
        <h3 className="font-medium [overflow-wrap:anywhere]">
          {title}
          <span className="sr-only">: {word}</span>
        </h3>
        <p className={`mt-0.5 text-[13px] [overflow-wrap:anywhere] ${textLook[state]}`}>
          <Plain text={words} />
          {at === null ? null : (
            <>
              {' '}
              <When at={at} now={now} />
            </>
          )}
        </p>
        {fix === null ? null : (
          <p className="mt-1 text-[13px] [overflow-wrap:anywhere]">
            <Code text={fix} />
          </p>
        )}
        {children}
      </div>
      {aside ? <div className="ml-[42px] flex flex-wrap items-center gap-2 sm:ml-auto">{aside}</div> : null}
    </li>
  )
}

/** Names of variables, files and paths within a sentence, shown as code. */
const typed =
  /([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|relay\.config\.ts|alertTarget|\/api\/[a-z/]+|https?:\/\/[^\s,]+[^\s,.])/

function Code({ text }: { text: string }) {
  let place = 0
  return text.split(typed).map((part) => {
    place += 1
    if (place % 2 === 1) return part
    return (
      <code key={place} className="font-mono text-[12.5px] text-ink">
        {part}
      </code>
    )
  })
}
