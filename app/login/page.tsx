import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { z } from 'zod'
import { ownPath } from '#app/login/own-path.ts'
import { access, isSignedIn } from '#app/session.ts'
import { type Problem, problemText } from '#lib/base/problem.ts'
import type { SearchParams } from '../_ui/list-query.ts'
import { Logo } from '../_ui/logo.tsx'
import { login } from './actions.ts'

export const metadata: Metadata = { title: 'Log in' }

const query = z.object({
  next: z.string().optional().catch(undefined),
  problem: z.enum(['wrong', 'limited', 'read-only', 'not-ended']).optional().catch(undefined),
})

const problems = {
  wrong: 'Wrong password.',
  limited: 'Too many failed attempts. Wait 15 minutes, then try again.',
  'read-only':
    'Nothing was changed: your session is read-only, because the database accepted no writes when you logged in. Log in again to make changes.',
  'not-ended':
    'You are logged out in this browser only, because the database accepts no writes. A copy of the session cookie still works until it expires.',
}

export default async function LoginPage({ searchParams }: { searchParams: SearchParams }) {
  const { next, problem } = query.parse(await searchParams)
  const current = access()
  if (current.state === 'misconfigured') return <Misconfigured problems={current.problems} />
  if (current.state === 'closed') return <Closed />
  // With a read-only session, the form starts a new one.
  if (problem !== 'read-only' && (await isSignedIn())) redirect(ownPath(next))
  return (
    <Frame title="Prompt Relay">
      <form action={login} className="mt-6 grid gap-4">
        <input type="hidden" name="next" value={ownPath(next)} />
        <div className="grid gap-1.5">
          <label htmlFor="password" className="text-[13px] font-medium">
            Password
          </label>
          <input
            id="password"
            name="password"
            type="password"
            required
            autoComplete="current-password"
            aria-describedby={problem ? 'problem' : undefined}
            aria-invalid={problem === 'wrong' ? true : undefined}
            className="h-9 rounded-[7px] border border-edge bg-ground px-3"
          />
        </div>
        {problem ? (
          <p id="problem" role="alert" className="text-[13px] text-bad">
            {problems[problem]}
          </p>
        ) : null}
        <button type="submit" className="button button-main h-9 justify-center">
          Log in
        </button>
      </form>
    </Frame>
  )
}

function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="mx-auto grid min-h-svh max-w-[380px] content-center px-5 pb-24">
      <div className="panel p-7 shadow-sm">
        <Logo className="size-9" />
        <h1 className="mt-4 text-xl font-semibold tracking-tight">{title}</h1>
        {children}
      </div>
    </main>
  )
}

function Closed() {
  return (
    <Frame title="The pages are closed">
      <p className="mt-3 text-soft">
        They show prompts and messages, so they need a password in production. Set{' '}
        <code className="font-mono text-[13px] text-ink">DASHBOARD_PASSWORD</code> to at least eight
        characters (a long sentence is better), and restart the relay. Meanwhile it accepts and delivers
        events as usual.
      </p>
    </Frame>
  )
}

function Misconfigured({ problems: list }: { problems: Problem[] }) {
  return (
    <Frame title={list.length === 1 ? 'The configuration has a problem' : 'The configuration has problems'}>
      <ul className="mt-3 grid gap-2 text-soft">
        {list.map(problemText).map((text) => (
          <li key={text} className="break-words">
            {text}
          </li>
        ))}
      </ul>
      <p className="mt-3 text-soft">Correct {list.length === 1 ? 'it' : 'them'} and restart the relay.</p>
    </Frame>
  )
}
