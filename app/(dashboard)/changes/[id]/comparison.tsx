import Link from 'next/link'
import type { Change, ReconciledState } from '#lib/core/change/change.ts'
import { spanWords } from '#lib/core/change/reconciled-words.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { utc } from '../../../_ui/quantity-words.ts'
import { Cell, Row, Table } from '../../../_ui/table.tsx'
import { moreWords, namesWords } from '../../_words/change-words.ts'
import { LabelLists, labelWords } from '../../_words/labels.tsx'

const columns = [
  { name: 'Version', width: 'w-[112px]' },
  { name: 'What the relay knew', width: '' },
  { name: 'What Langfuse says', width: '' },
]

/** Of a change that no webhook reported: what was compared, and what a webhook said that came later. */
export function Comparison({ change }: { change: Change }) {
  const { reconciled, foundBefore } = change.detail
  if (foundBefore) return <FoundBefore {...foundBefore} />
  if (!reconciled) return null
  const { versions = [], omitted = 0 } = reconciled
  return (
    <section aria-labelledby="comparison">
      <h2 id="comparison" className="mb-3 font-semibold">
        Found by comparing with Langfuse
      </h2>
      <p className="mb-3 max-w-3xl text-soft">
        {`No webhook came${reconciled.late ? ' in time' : ''}. It happened ${spanWords(reconciled)} and was found at ${utc(change.openedAt)}.`}
      </p>
      <Late reconciled={reconciled} />
      {versions.length === 0 ? null : (
        <Table caption="What was compared" columns={columns}>
          {versions.map(({ version, before, after }) => (
            <Row key={version}>
              <Cell className="basis-full font-medium">v{version}</Cell>
              <Cell className="basis-full">
                <State name="The relay knew" state={before} other={after} />
              </Cell>
              <Cell className="basis-full">
                <State name="Langfuse says" state={after} other={before} isNow />
              </Cell>
            </Row>
          ))}
        </Table>
      )}
      {omitted > 0 ? <p className="mt-2 text-[13px] text-faint">{moreWords(omitted)}</p> : null}
    </section>
  )
}

interface StateProps {
  /** Heads it where the table has turned into cards. */
  name: string
  state: ReconciledState | null
  /** What it is compared with. */
  other: ReconciledState | null
  isNow?: true
}

/** What differs first, since of many labels only some are shown. */
function differingFirst(labels: readonly string[], other: readonly string[] = []): string[] {
  const has = new Set(other)
  return [...labels.filter((label) => !has.has(label)), ...labels.filter((label) => has.has(label))]
}

function State({ name, state, other, isNow }: StateProps) {
  return (
    <span className="flex flex-wrap items-center gap-1">
      <span className="mr-1 text-xs text-faint sm:sr-only">{name}</span>
      {state === null ? (
        <span className="text-[13px] text-soft">no such version</span>
      ) : (
        <>
          <LabelLists
            before={null}
            after={
              labelWords(isNow && other ? other.labels : null, differingFirst(state.labels, other?.labels))
                .after
            }
          />
          {state.tags.length === 0 ? null : (
            <span className="inline-flex max-w-full min-w-0 items-center gap-1 text-xs text-faint">
              <Icon name="hash" className="size-3" />
              <span className="sr-only">tags</span>
              <span className="min-w-0 [overflow-wrap:anywhere]">
                <Plain text={namesWords(state.tags)} />
              </span>
            </span>
          )}
        </>
      )}
    </span>
  )
}

function Late({ reconciled: { late } }: { reconciled: NonNullable<Change['detail']['reconciled']> }) {
  if (!late) return null
  return (
    <p className="mb-3 max-w-3xl text-soft [overflow-wrap:anywhere]">
      <Link href={`/changes/${late.changeId}`} prefetch={false} className="link underline">
        Its webhook came later
      </Link>
      : it was done{' '}
      {late.by === null ? null : (
        <>
          by{' '}
          <span className="font-medium text-ink">
            <Plain text={late.by === 'API' ? 'the API' : late.by} />
          </span>{' '}
        </>
      )}
      {`at ${utc(late.at)}.`}
    </p>
  )
}

function FoundBefore({ changeId, title }: NonNullable<Change['detail']['foundBefore']>) {
  return (
    <section aria-labelledby="comparison">
      <h2 id="comparison" className="mb-3 font-semibold">
        Came late
      </h2>
      <p className="max-w-3xl text-soft">
        When these events arrived, what they report had been found by comparing with Langfuse:{' '}
        <Link href={`/changes/${changeId}`} prefetch={false} className="link underline">
          <Plain text={title} />
        </Link>
        . Targets were notified then, so they are not notified again.
      </p>
    </section>
  )
}
