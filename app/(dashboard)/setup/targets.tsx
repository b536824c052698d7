import Link from 'next/link'
import type { Check } from '#lib/core/setup/finding.ts'
import type { Seen } from '#lib/pipeline/setup/check-inputs.ts'
import { Icon } from '../../_ui/icons.tsx'
import { pathWith } from '../../_ui/list-query.ts'
import { countWords } from '../../_ui/quantity-words.ts'
import { sendMessage } from './actions.ts'
import { CheckList, CheckRow } from './check-row.tsx'

/** The targets, whether they work, and a test message for each. */
export function Targets({ checks, seen: { targets, now } }: { checks: Check[]; seen: Seen }) {
  return (
    <CheckList title="Targets" id="targets">
      {checks.map((check) => {
        const target = targets.find(({ name }) => name === check.id)
        return target ? (
          <CheckRow key={check.id} check={check} now={now} aside={<Aside target={target} />}>
            <Links target={target} />
          </CheckRow>
        ) : null
      })}
    </CheckList>
  )
}

type Target = Seen['targets'][number]

function Links({ target: { name, failed, lastChangeId, missing } }: { target: Target }) {
  if (failed === 0 && lastChangeId === null) return null
  return (
    <p className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1 text-[13px]">
      {failed === 0 || missing.length > 0 ? null : (
        <Link href={pathWith('/', { status: 'failed', target: name })} prefetch={false} className="link">
          {countWords(failed, 'failed delivery', { many: 'failed deliveries' })}
        </Link>
      )}
      {lastChangeId === null ? null : (
        <Link href={`/changes/${lastChangeId}`} prefetch={false} className="link">
          Last change delivered
        </Link>
      )}
    </p>
  )
}

function Aside({ target: { name, missing } }: { target: Target }) {
  if (missing.length > 0) return null
  return (
    <form action={sendMessage}>
      <input type="hidden" name="target" value={name} />
      <button type="submit" className="button">
        <Icon name="send" className="size-3.5" />
        Send a test message<span className="sr-only"> to {name}</span>
      </button>
    </form>
  )
}
