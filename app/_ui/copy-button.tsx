'use client'

import { useState } from 'react'
import { Icon } from './icons.tsx'

/** Without JavaScript, the text beside it can still be selected. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button
      type="button"
      onClick={copy}
      className="grid size-6 place-items-center rounded text-faint hover:bg-raised hover:text-ink"
      aria-label={isCopied ? `Copied ${what}` : `Copy ${what}`}
    >
      <Icon name={isCopied ? 'check' : 'copy'} className="size-3.5" />
    </button>
  )
}
