'use client'

import { usePathname, useRouter, useSearchParams } from 'next/navigation'
import { useEffect, useRef } from 'react'
import { type Action, actionOf } from './key-action.ts'

const keys: [string, string][] = [
  ['j', 'Next row'],
  ['k', 'Previous row'],
  ['Enter', 'Open the row'],
  ['Esc', 'Close, or go back to the list'],
  ['/', 'Search'],
  ['r', 'Replay this change, or all matching changes'],
  ['?', 'Show these shortcuts'],
]

const all = <T extends HTMLElement>(selector: string): T[] => [...document.querySelectorAll<T>(selector)]

/** The index of the focused row; -1: none. */
const rowAt = (links: HTMLElement[]): number => links.indexOf(document.activeElement as HTMLElement)

function moveBy(step: 1 | -1): void {
  const links = all('main .row-link')
  const at = rowAt(links)
  links[at === -1 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus()
}

/** Never replays by itself: opens the confirmation, or goes to the page that has it. */
function replay(open: (path: string) => void): void {
  const links = all<HTMLAnchorElement>('main .row-link')
  const row = links[rowAt(links)]
  if (row) {
    open(`${row.pathname}#deliveries`)
    return
  }
  const [control] = all('main [data-key="replay"]')
  control?.focus()
  if (control?.tagName === 'SUMMARY' && !control.parentElement?.hasAttribute('open')) control.click()
}

export function Keys() {
  const dialog = useRef<HTMLDialogElement>(null)
  const list = useRef('/')
  const router = useRouter()
  const path = usePathname()
  const search = useSearchParams().toString()

  useEffect(() => {
    if (path === '/') list.current = search === '' ? '/' : `/?${search}`
  }, [path, search])

  useEffect(() => {
    const back = () => {
      const [popover] = all('details.popover[open]')
      if (popover) popover.removeAttribute('open')
      else if (rowAt(all('main .row-link')) !== -1) (document.activeElement as HTMLElement).blur()
      else if (path !== '/') router.push(list.current)
    }
    const actions: Record<Action, () => void> = {
      next: () => moveBy(1),
      previous: () => moveBy(-1),
      back,
      search: () => all('main input[type="search"]')[0]?.focus(),
      replay: () => replay(router.push),
      keys: () => dialog.current?.showModal(),
    }
    const press = (event: KeyboardEvent) => {
      const action = actionOf(event, dialog.current?.open ?? false)
      if (action === null) return
      event.preventDefault()
      actions[action]()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [path, router])

  return (
    <>
      <button
        type="button"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts"
        onClick={() => dialog.current?.showModal()}
        className="key hidden hover:text-ink sm:inline-grid noscript:hidden"
      >
        ?
      </button>
      <dialog
        ref={dialog}
        aria-labelledby="keys"
        className="panel m-auto w-80 max-w-full p-5 text-ink backdrop:bg-black/40"
      >
        <h2 id="keys" className="font-semibold">
          Keyboard shortcuts
        </h2>
        <dl className="mt-4 grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2.5 text-[13px]">
          {keys.map(([key, words]) => (
            <div key={key} className="contents">
              <dt>
                <kbd className="key">{key}</kbd>
              </dt>
              <dd className="text-soft">{words}</dd>
            </div>
          ))}
        </dl>
        <form method="dialog" className="mt-5 text-right">
          <button type="submit" className="button">
            Close
          </button>
        </form>
      </dialog>
    </>
  )
}
