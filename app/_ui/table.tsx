import type { ReactNode } from 'react'

/**
 * These elements have the roles already, but browsers drop them with `display: block`
 * (https://adrianroselli.com/2018/02/tables-css-display-properties.html).
 */
const as = (role: string): { role: string } => ({ role })

/** A real table that turns into cards on a narrow screen. */
export function Table(props: {
  caption: string
  columns: { name: string; width: string }[]
  children: ReactNode
}) {
  const { caption, columns, children } = props
  return (
    <table
      {...as('table')}
      className="panel block w-full table-fixed overflow-hidden sm:table sm:border-separate sm:border-spacing-0"
    >
      <caption className="sr-only">{caption}</caption>
      <thead {...as('rowgroup')} className="hidden sm:table-header-group">
        <tr {...as('row')}>
          {columns.map(({ name, width }) => (
            <th
              key={name}
              {...as('columnheader')}
              scope="col"
              className={`border-b border-line bg-raised/60 px-4 py-2 text-left text-xs font-medium text-soft ${width}`}
            >
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody {...as('rowgroup')} className="block divide-y divide-line sm:table-row-group">
        {children}
      </tbody>
    </table>
  )
}

export function Row({
  children,
  danger = false,
  id,
}: {
  children: ReactNode
  danger?: boolean
  id?: string
}) {
  const edge = danger ? 'shadow-[inset_2px_0_0_var(--color-bad)]' : ''
  return (
    <tr
      {...as('row')}
      id={id}
      className={`row flex flex-wrap items-center gap-x-3 gap-y-1.5 px-4 py-3 hover:bg-raised/50 sm:table-row ${edge}`}
    >
      {children}
    </tr>
  )
}

export function Cell({ children, className = '' }: { children: ReactNode; className?: string }) {
  return (
    <td {...as('cell')} className={`cell ${className}`}>
      {children}
    </td>
  )
}
