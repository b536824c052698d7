import type { Metadata } from 'next'
import { headers } from 'next/headers'
import { z } from 'zod'
import { requireSession } from '#app/session.ts'
import { changeIdForm } from '#lib/base/id.ts'
import { withoutEndSlash } from '#lib/base/url-path.ts'
import type { RateBucket } from '#lib/core/polling/request-budget.ts'
import type { LangfuseProject } from '#lib/core/rules/projects.ts'
import { type SetupSeen, setupChecks } from '#lib/core/setup/checks.ts'
import type { Check, CheckState } from '#lib/core/setup/finding.ts'
import { langfuseAccesses } from '#lib/pipeline/langfuse-access.ts'
import { setupSeen } from '#lib/pipeline/setup/check-inputs.ts'
import { reachAll } from '#lib/pipeline/setup/reach-all.ts'
import { relay } from '#lib/relay.ts'
import { database } from '#lib/store/client.ts'
import { storeProbe } from '#lib/store/probe.ts'
import { Icon } from '../../_ui/icons.tsx'
import type { SearchParams } from '../../_ui/list-query.ts'
import { countWords } from '../../_ui/quantity-words.ts'
import { CheckList, CheckRow } from './check-row.tsx'
import { Incoming } from './incoming.tsx'
import { Sent } from './sent.tsx'
import { Targets } from './targets.tsx'
import { TestEvents } from './test-events.tsx'

export const metadata: Metadata = { title: 'Setup' }

const query = z.object({
  sent: z.string().regex(changeIdForm).optional().catch(undefined),
  ask: z.literal('1').optional().catch(undefined),
})

/** How long the page waits for Langfuse and the targets, milliseconds. */
const askMs = 4000

export default async function SetupPage({ searchParams }: { searchParams: SearchParams }) {
  const { sent, ask } = query.parse(await searchParams)
  await requireSession('/setup')
  const { relay: running } = relay()
  // Without a relay there are no sessions: the login page says why.
  if (!running) return null
  const db = await database()
  const now = Date.now()
  const { env, routes, projects } = running
  const { fetch } = globalThis
  const accesses = langfuseAccesses(db, { projects, perMinute: env.POLL_REQUESTS_PER_MINUTE })
  const drawFor = ({ name }: LangfuseProject) => {
    const access = accesses.find(({ project }) => project.name === name)
    return access && ((bucket: RateBucket) => access.draw('person', bucket))
  }
  const seen = await setupSeen(db, {
    env,
    configuration: running,
    now,
    isServerless: Boolean(process.env.VERCEL),
    address: await addressSeen(env.PUBLIC_URL),
    writeProblem: await storeProbe().check(),
    reached:
      ask === '1'
        ? await reachAll({ projects, routes }, { fetch, now: Date.now, timeoutMs: askMs, drawFor })
        : null,
  })
  const { configuration, incoming, targets, relay: own } = setupChecks(seen)
  return (
    <>
      <h1 className="text-[22px] leading-tight font-semibold tracking-tight">Setup</h1>
      <div className="mt-2 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <Summary checks={[...configuration, ...incoming, ...targets, ...own]} />
        <form action="/setup">
          <button type="submit" name="ask" value="1" className="button">
            Check connections
          </button>
        </form>
      </div>
      <div className="mt-6 grid items-start gap-x-8 gap-y-8 lg:grid-cols-[minmax(0,1fr)_360px]">
        <div className="grid min-w-0 gap-8">
          {sent === undefined ? null : <Sent db={db} changeId={sent} now={now} />}
          <CheckList title="Configuration" id="configuration">
            {configuration.map((check) => (
              <CheckRow key={check.id} check={check} now={now} />
            ))}
          </CheckList>
          <Incoming checks={incoming} seen={seen} />
          <Targets checks={targets} seen={seen} />
          <CheckList title="The relay itself" id="relay">
            {own.map((check) => (
              <CheckRow key={check.id} check={check} now={now} />
            ))}
          </CheckList>
        </div>
        <TestEvents routes={running.routes} />
      </div>
    </>
  )
}

/** `PUBLIC_URL`, else the address of this request. */
async function addressSeen(publicUrl: string | undefined): Promise<SetupSeen['address']> {
  if (publicUrl !== undefined) return { url: withoutEndSlash(publicUrl), isSet: true }
  const given = await headers()
  const first = (name: string) => given.get(name)?.split(',')[0]?.trim()
  const host = first('x-forwarded-host') ?? first('host') ?? 'localhost'
  return { url: `${first('x-forwarded-proto') ?? 'http'}://${host}`, isSet: false }
}

/** The state of all checks, in a sentence. */
function Summary({ checks }: { checks: Check[] }) {
  const countOf = (state: CheckState) => checks.filter((check) => check.state === state).length
  const [problems, warnings, open] = [countOf('problem'), countOf('warning'), countOf('not-yet')]
  const issues = countWords(problems, 'issue needs attention.', { many: 'issues need attention.' })
  const [look, icon, words] =
    problems > 0
      ? (['text-bad', 'alert', issues] as const)
      : warnings > 0
        ? (['text-warn', 'alert', `${countWords(warnings, 'warning')}.`] as const)
        : (['text-good', 'check', 'No problems found.'] as const)
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-soft">
      <span className={`inline-flex items-center gap-1.5 font-medium ${look}`}>
        <Icon name={icon} />
        {words}
      </span>
      {problems > 0 && warnings > 0 ? <span>{countWords(warnings, 'warning')}.</span> : null}
      {open === 0 ? null : <span>{countWords(open, 'item')} not set up.</span>}
    </p>
  )
}
