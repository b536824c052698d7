const rows = Array.from({ length: 8 }, (_, i) => i)

/** The list's outline while the store is slow. */
export function ListSkeleton() {
  return (
    <div aria-busy="true">
      <p className="sr-only">Loading the changes</p>
      <div aria-hidden="true" className="pulse grid gap-5">
        <div className="panel h-17" />
        <div className="h-8 border-b border-line" />
        <div className="panel divide-y divide-line">
          {rows.map((row) => (
            <div key={row} className="flex h-15 items-center gap-4 px-4">
              <div className="size-7 rounded-lg bg-raised" />
              <div className="h-3 w-24 rounded bg-raised" />
              <div className="h-3 grow rounded bg-raised" />
              <div className="h-5 w-40 rounded bg-raised" />
            </div>
          ))}
        </div>
      </div>
    </div>
  )
}
