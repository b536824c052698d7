import { measureWords, valueWords } from '#lib/core/change/burst.ts'
import type { Change } from '#lib/core/change/change.ts'
import { observedUrls } from '#lib/core/change/links.ts'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import type { ProjectDirectory } from '#lib/core/rules/project-directory.ts'
import { Icon } from '../../../_ui/icons.tsx'
import { Plain } from '../../../_ui/plain.tsx'
import { utc } from '../../../_ui/quantity-words.ts'
import { Cell, Row, Table } from '../../../_ui/table.tsx'

const columns = [
  { name: 'When', width: 'w-[220px]' },
  { name: 'What', width: '' },
  { name: 'Measured', width: 'w-[170px]' },
  { name: 'In Langfuse', width: 'w-[120px]' },
]

/** The traces, observations or scores that a change is about. */
export function Observed({ change, directory }: { change: Change; directory: ProjectDirectory }) {
  const { facts, observed = [] } = change.detail
  if (observed.length === 0) return null
  const urls = observedUrls(change, directory.webUrlOf(change))
  const total = facts.reduce((sum, fact) => ('count' in fact ? sum + fact.count : sum), 0)
  const isScore = change.kind === 'score'
  return (
    <section aria-labelledby="observed">
      <h2 id="observed" className="mb-3 font-semibold">
        {isScore ? 'Scores' : 'Traces'}
      </h2>
      <Table caption={isScore ? 'Scores' : 'Traces'} columns={columns}>
        {observed.map((row, place) => (
          <ObservedTableRow
            key={`${row.traceId} ${row.id} ${row.event}`}
            row={row}
            url={urls[place] ?? null}
          />
        ))}
      </Table>
      {total > observed.length ? (
        <p className="mt-3 text-[13px] text-soft">
          {`${observed.length} of ${total.toLocaleString('en')} are stored: the first ones, and the first that each rule matched.`}
        </p>
      ) : null}
    </section>
  )
}

function ObservedTableRow({ row, url }: { row: ObservedRow; url: string | null }) {
  const { at, name, level, message, model, environment, source, value } = row
  const about = [level, source, model, environment].filter((word) => word !== null)
  const measures = value === null ? measureWords(row) : [valueWords(value)]
  return (
    <Row danger={level === 'ERROR'}>
      <Cell className="text-[13px] text-soft">
        <time dateTime={new Date(at).toISOString()}>{utc(at)}</time>
      </Cell>
      <Cell className="basis-full [overflow-wrap:anywhere]">
        <Plain text={message ?? name ?? row.id} />
        <span className="block text-xs text-faint">
          <Plain text={[...(message === null || name === null ? [] : [name]), ...about].join(' · ')} />
        </span>
      </Cell>
      <Cell className="text-[13px] text-soft">
        <Plain text={measures.join(', ')} />
      </Cell>
      <Cell className="text-[13px]">
        {url === null ? null : (
          <a href={url} rel="noreferrer" className="link inline-flex items-center gap-1">
            Trace <Icon name="external" className="size-3" />
          </a>
        )}
      </Cell>
    </Row>
  )
}
