import type { ReactNode } from 'react'
import type { ReplayRow } from '#lib/store/schema.ts'

type Mode = ReplayRow['mode']

export const modeTitles: Record<Mode, string> = {
  'as-it-was': 'As before',
  'todays-rules': 'With the current rules',
}

/** One way to replay. The original targets are the default. */
export function ReplayMode({ mode, children }: { mode: Mode; children: ReactNode }) {
  return (
    <label className="flex gap-3">
      <input
        type="radio"
        name="mode"
        value={mode}
        defaultChecked={mode === 'as-it-was'}
        className="mt-0.5 size-4 shrink-0 accent-[var(--color-accent)]"
      />
      <span>
        <span className="font-medium">{modeTitles[mode]}</span>
        <span className="mt-0.5 block text-[13px] text-soft">{children}</span>
      </span>
    </label>
  )
}
