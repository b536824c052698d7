import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { urlUnder } from '../../base/url-path.ts'
import type { Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { TargetOf } from '../../core/rules/target-settings.ts'
import { type Reach, reachable, troubled } from '../../core/setup/reach.ts'
import type { TargetKind } from '../contract.ts'
import { type Answer, exchange, outcomeOf, reachByGet, type Verdict, verdictOf, withQuote } from '../http.ts'
import { quotable } from '../text.ts'
import { type PagerdutyEvent, pagerdutyEvent, pagerdutyStorm } from './event.ts'

/** PagerDuty asks for "a few minutes" and names no time: https://developer.pagerduty.com/docs/events-api-v2-overview#rate-limits */
const unnamedWaitMs = 120_000

const result = z.object({
  status: z.string().optional(),
  message: z.string().optional(),
  errors: z.array(z.string()).optional(),
})

/** PagerDuty's message, or the raw body if it is not JSON of the usual shape. */
function readAnswer(body: string): { words: string; isSuccess: boolean } {
  const shown = (words: string) => quotable(words, 300)
  // If it was cut off, or came from a proxy, it is not PagerDuty's JSON.
  const { status, message, errors } = result.safeParse(jsonOf(body)).data ?? {}
  const words = errors && errors.length > 0 ? errors.join('; ') : (message ?? body)
  return { words: shown(words), isSuccess: status === 'success' }
}

export function classifyPagerduty(answer: Answer, target: TargetOf<'pagerduty'>, now: number): Verdict {
  const verdict = verdictOf('PagerDuty', answer, now)
  const { status, body } = answer
  const { words, isSuccess } = readAnswer(body)
  switch (verdict.outcome) {
    case 'delivered': {
      if (status === 202) return verdict
      // A service that is compatible with PagerDuty.
      if (isSuccess)
        return { outcome: 'delivered', note: `PagerDuty answered ${status}, not 202: "${words}"` }
      const reason = `PagerDuty answered ${status}, not 202. Check that ${target.eventsUrl} is the address of its Events API`
      return { outcome: 'failed', reason: withQuote(reason, words) }
    }
    case 'wait':
      return { ...verdict, retryAfterMs: verdict.retryAfterMs ?? unnamedWaitMs }
    case 'retry':
      return verdict
    case 'failed': {
      if (status < 400) return verdict
      const fix =
        status === 400
          ? 'it refused the event. Check the integration key'
          : 'check PAGERDUTY_EVENTS_URL and the integration key'
      return {
        outcome: 'failed',
        reason: `PagerDuty answered ${status}: ${fix}${words === '' ? '' : `: ${words}`}`,
      }
    }
  }
}

async function post(
  target: TargetOf<'pagerduty'>,
  { path, body }: PagerdutyEvent,
  context: SendContext,
): Promise<Outcome> {
  const seen = await exchange(context, [target.routingKey], (fetch) =>
    fetch(urlUnder(target.eventsUrl, path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  return outcomeOf('PagerDuty', seen, (answer) => classifyPagerduty(answer, target, context.now()))
}

/** A GET is refused (405) and creates no event. If it finds nothing (404), a POST would not either. */
const reach = (target: TargetOf<'pagerduty'>, context: SendContext): Promise<Reach> =>
  reachByGet('PagerDuty', context, {
    url: urlUnder(target.eventsUrl, '/v2/enqueue'),
    secrets: [target.routingKey],
    judge: ({ status }) =>
      status === 404
        ? troubled(
            'PagerDuty answered 404: its Events API is not at this address. Check PAGERDUTY_EVENTS_URL',
          )
        : reachable('PagerDuty was reached. Its key was not tried.'),
  })

export const pagerduty = {
  send: (target, message, context) => post(target, pagerdutyEvent(target, message), context),
  storm: {
    way: 'one-message',
    send: (target, storm, context) => post(target, pagerdutyStorm(target, storm), context),
  },
  reach,
  sendsText: false,
  replayNote: 'It has the same key, so an open incident is not opened twice. A change event is shown twice.',
} satisfies TargetKind<'pagerduty'>
