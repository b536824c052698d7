import type { ReactNode } from 'react'
import { Icon } from './icons.tsx'

/** Works without JavaScript. */
export function Disclosure({ words, children }: { words: ReactNode; children: ReactNode }) {
  return (
    <details>
      <summary className="flex items-center gap-1.5 px-4 py-2 text-[13px] text-soft hover:text-ink">
        <Icon name="right" className="chevron size-3" />
        {words}
      </summary>
      {children}
    </details>
  )
}
