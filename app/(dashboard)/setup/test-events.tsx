import { leftOut, type Routes, route } from '#lib/core/rules/rules.ts'
import { type RefusedKind, refusedKinds } from '#lib/endpoints/send-refused.ts'
import {
  type TestKind,
  testFacts,
  testKinds,
  testProject,
  testRows,
} from '#lib/pipeline/setup/test-bodies.ts'
import { Tile } from '../../_ui/badge.tsx'
import { Icon } from '../../_ui/icons.tsx'
import { kindWords } from '../_words/change-words.ts'
import { sendRefusedRequest, sendTestEvent } from './actions.ts'

/** One button for each kind of event, with the targets it would go to. */
export function TestEvents({ routes }: { routes: Routes }) {
  return (
    <section aria-labelledby="tests">
      <h2 id="tests" className="mb-3 font-semibold">
        Send a test
      </h2>
      <div className="panel overflow-hidden">
        <p className="border-b border-line p-4 text-[13px] text-soft">
          A test takes the same path as a real event, from the signature to the targets, and is marked as a
          test. The targets do receive it: a GitHub workflow will run, for example.
        </p>
        <form action={sendTestEvent}>
          <ul className="divide-y divide-line">
            {testKinds.map((kind) => (
              <Test key={kind} kind={kind} recipients={recipients(routes, kind)} />
            ))}
          </ul>
        </form>
        <Refused />
      </div>
    </section>
  )
}

const refusals: Record<RefusedKind, [string, string]> = {
  unsigned: ['Unsigned', 'no signature'],
  tampered: ['Tampered', 'changed after it was signed'],
  expired: ['Expired', 'signed too long ago'],
}

/** Requests that the endpoint must refuse. */
function Refused() {
  return (
    <form action={sendRefusedRequest} className="border-t border-line">
      <p className="border-b border-line p-4 text-[13px] text-soft">
        The relay must refuse these. Only the rejection is stored.
      </p>
      <ul className="divide-y divide-line">
        {refusedKinds.map((kind) => (
          <li key={kind} className="flex items-center gap-3 px-4 py-2.5">
            <Tile icon="cross" tone="quiet" />
            <div className="min-w-0 flex-1">
              <p className="font-medium">{refusals[kind][0]}</p>
              <p className="text-xs text-faint">{refusals[kind][1]}</p>
            </div>
            <button type="submit" name="kind" value={kind} className="button">
              <Icon name="send" className="size-3.5" />
              Send<span className="sr-only"> a request that must be refused: {refusals[kind][0]}</span>
            </button>
          </li>
        ))}
      </ul>
    </form>
  )
}

/** The targets that the current rules choose, in words. */
function recipients(routes: Routes, kind: TestKind): string {
  const facts = testFacts[kind]
  const detail = { facts, observed: testRows(kind), environments: [], prompt: { tags: [] } }
  const subject = `prompt-relay/test/${kind}`
  const change = { kind, subject, projectId: testProject, actor: 'Prompt Relay', detail }
  const { routed } = route(routes, change)
  if (routed.length > 0) return `to ${routed.map(({ target }) => target).join(', ')}`
  const left = leftOut(routes, change)
  if (left.length === 0) return 'no rule matches'
  return `no target: ${new Intl.ListFormat('en').format(left)} ${left.length === 1 ? 'is' : 'are'} not configured`
}

function Test({ kind, recipients }: { kind: TestKind; recipients: string }) {
  const { word, tone, icon } = kindWords({ kind, status: 'settled' })
  return (
    <li className="flex items-center gap-3 px-4 py-2.5">
      <Tile icon={icon} tone={tone} />
      <div className="min-w-0 flex-1">
        <p className="font-medium">{word}</p>
        <p className="text-xs text-faint [overflow-wrap:anywhere]">{recipients}</p>
      </div>
      <button type="submit" name="kind" value={kind} className="button">
        <Icon name="send" className="size-3.5" />
        Send<span className="sr-only"> a test: {word}</span>
      </button>
    </li>
  )
}
