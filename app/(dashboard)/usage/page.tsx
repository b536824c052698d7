import type { Metadata } from 'next'
import Link from 'next/link'
import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { usageSince } from '#lib/store/tables/polls.ts'
import { Icon } from '../../_ui/icons.tsx'
import { Plain } from '../../_ui/plain.tsx'
import { Cell, Row, Table } from '../../_ui/table.tsx'
import { Empty } from '../_list/empty.tsx'
import { knownProjects } from '../_words/projects.ts'
import { byModel, dayBars, daysUntil, type Sums, shownDays, sumOf, usd } from './usage-shape.ts'

export const metadata: Metadata = { title: 'Usage' }

const height = 80

const columns = [
  { name: 'Model', width: '' },
  { name: 'Generations', width: 'w-[120px]' },
  { name: 'Input tokens', width: 'w-[140px]' },
  { name: 'Output tokens', width: 'w-[140px]' },
  { name: 'Total tokens', width: 'w-[140px]' },
  { name: 'Cost', width: 'w-[120px]' },
]

export default async function UsagePage() {
  await requireSession('/usage')
  const days = daysUntil(Date.now())
  const [since = ''] = days
  const db = await database()
  const rows = await usageSince(db, since)
  const { projects } = await knownProjects(db)
  return (
    <>
      <div className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <h1 className="text-[22px] leading-tight font-semibold tracking-tight">Usage</h1>
        {rows.length === 0 ? null : (
          <a href="/usage/csv" download className="button">
            <Icon name="download" className="size-3.5" /> CSV
          </a>
        )}
      </div>
      {rows.length === 0 ? (
        <Empty title="No generations yet">
          <p>
            Tokens and cost come from Langfuse's API, from the first poll onwards. To see whether polling
            works, open{' '}
            <Link href="/setup" prefetch={false} className="link">
              Setup
            </Link>
            .
          </p>
        </Empty>
      ) : (
        <>
          <DayChart rows={rows} days={days} />
          <Models rows={rows} />
          <p className="mt-3 text-[13px] text-soft">
            Days are in UTC, by the start of each generation. Without prices in Langfuse, the chart shows
            tokens.
            {projects.length > 1 ? ' All projects are counted together; the CSV names each.' : ''}
          </p>
        </>
      )}
    </>
  )
}

type Rows = Awaited<ReturnType<typeof usageSince>>

function DayChart({ rows, days }: { rows: Rows; days: string[] }) {
  const sum = sumOf(rows)
  const bars = dayBars(rows, days, height)
  const words = `${usd(sum.usd)}, ${sum.total.toLocaleString('en')} tokens`
  return (
    <figure className="panel px-4 py-3">
      <figcaption className="flex justify-between gap-4 text-xs text-faint">
        <span>{`Last ${shownDays} days`}</span>
        <span>{words}</span>
      </figcaption>
      <svg
        role="img"
        aria-label={`Usage by day, ${days[0]} to ${days.at(-1)}: ${words}.`}
        viewBox={`0 0 ${bars.length * 10} ${height}`}
        preserveAspectRatio="none"
        className="mt-1.5 block h-20 w-full"
      >
        <path
          d={`M0 ${height}H${bars.length * 10}`}
          className="stroke-edge"
          vectorEffect="non-scaling-stroke"
        />
        {bars.map((bar) => (
          <g key={bar.x} className="chart-bar">
            <title>{bar.title}</title>
            <rect x={bar.x} width="10" height={height} fill="transparent" />
            <rect x={bar.x + 1.5} y={bar.y} width="7" height={bar.height} className="fill-accent/55" />
          </g>
        ))}
      </svg>
    </figure>
  )
}

function Models({ rows }: { rows: Rows }) {
  return (
    <div className="mt-6">
      <Table caption="Usage by model, most expensive first" columns={columns}>
        {byModel(rows).map(({ model, sums }) => (
          <ModelRow key={model} model={model} sums={sums} />
        ))}
      </Table>
    </div>
  )
}

function ModelRow({ model, sums }: { model: string; sums: Sums }) {
  const numbers = [
    ['generations', sums.generations.toLocaleString('en')],
    ['input', sums.input.toLocaleString('en')],
    ['output', sums.output.toLocaleString('en')],
    ['tokens', sums.total.toLocaleString('en')],
    ['', usd(sums.usd)],
  ] as const
  return (
    <Row>
      <Cell className="basis-full font-mono text-[13px] [overflow-wrap:anywhere]">
        <Plain text={model} />
      </Cell>
      {numbers.map(([name, words]) => (
        <Cell key={name} className="text-[13px] text-soft tabular-nums">
          {words}
          <span className="text-faint sm:hidden">{name === '' ? '' : ` ${name}`}</span>
        </Cell>
      ))}
    </Row>
  )
}
