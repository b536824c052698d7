import Link from 'next/link'
import { type ReactNode, Suspense } from 'react'
import { access, hasReadOnlySession } from '#app/session.ts'
import { currentConfiguration } from '#lib/current-configuration.ts'
import { Keys } from '../_ui/keys.tsx'
import { Logo } from '../_ui/logo.tsx'
import { logout } from '../login/actions.ts'

/** Not a guard: Next does not render a layout again on every navigation. Each page checks the session itself. */
export default function DashboardLayout({ children }: { children: ReactNode }) {
  return (
    <>
      <a
        href="#main"
        className="button sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-10"
      >
        Skip to content
      </a>
      <header className="border-b border-line bg-panel">
        <div className="mx-auto flex h-14 max-w-[1200px] items-center justify-between px-4 sm:px-6">
          <Link href="/" prefetch={false} className="flex items-center gap-2.5 font-semibold tracking-tight">
            <Logo />
            Prompt Relay
          </Link>
          <div className="flex items-center gap-5 text-[13px] text-soft">
            <Link href="/usage" prefetch={false} className="hover:text-ink">
              Usage
            </Link>
            <Link href="/setup" prefetch={false} className="hover:text-ink">
              Setup
            </Link>
            <Keys />
            {access().state === 'password' ? (
              <form action={logout}>
                <button type="submit" className="hover:text-ink">
                  Log out
                </button>
              </form>
            ) : null}
          </div>
        </div>
        <Degraded />
        {currentConfiguration().env?.RELAY_MODE === 'dry-run' ? <DryRun /> : null}
        <Suspense>
          <ReadOnly />
        </Suspense>
      </header>
      <main id="main" className="mx-auto max-w-[1200px] px-4 pt-5 pb-16 sm:px-6">
        {children}
      </main>
    </>
  )
}

function Degraded() {
  const { length } = currentConfiguration().problems
  if (length === 0) return null
  return (
    <p role="alert" className="border-t border-line bg-bad-wash px-4 py-2.5 text-center text-[13px] text-bad">
      {length === 1 ? 'The configuration has a problem' : `The configuration has ${length} problems`}. Until{' '}
      {length === 1 ? 'it is' : 'they are'} fixed, events are only stored: nothing is settled or sent, and
      replays and tests do nothing.{' '}
      <Link href="/setup#configuration" prefetch={false} className="font-medium underline underline-offset-3">
        See Setup
      </Link>
    </p>
  )
}

async function ReadOnly() {
  if (!(await hasReadOnlySession())) return null
  return (
    <p role="note" className="border-t border-line px-4 py-2 text-center text-[13px] text-warn">
      Read-only: the database accepted no writes when you logged in. This session ends 15 minutes after login.
      Log out and in again to make changes.
    </p>
  )
}

function DryRun() {
  return (
    <p role="note" className="border-t border-line px-4 py-2 text-center text-[13px] text-warn">
      Dry run: nothing is sent. Each delivery shows what would have been sent.
    </p>
  )
}
