import { z } from 'zod'
import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { PagerdutyTarget } from '../rules.ts'
import { visibleLines } from '../visible.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from './http.ts'
import { pagerdutyEvent } from './pagerduty-event.ts'
import { cut, oneLine } from './text.ts'

/** PagerDuty asks for "a few minutes" and names no time: https://developer.pagerduty.com/docs/events-api-v2-overview#rate-limits */
const unnamedWaitMs = 120_000

const refusal = z.object({ message: z.string().optional(), errors: z.array(z.string()).optional() })

/** What PagerDuty says is wrong; its words as they came where they are no JSON of the usual shape. */
function saidIn(body: string): string {
  let said = body
  try {
    const { message, errors } = refusal.parse(JSON.parse(body))
    said = errors && errors.length > 0 ? errors.join('; ') : (message ?? body)
  } catch {
    // Cut off, or from a proxy.
  }
  return cut(visibleLines(oneLine(said)), 300)
}

export function classifyPagerduty(answer: Answer, target: PagerdutyTarget, now: number): Verdict {
  const verdict = verdictOf('PagerDuty', answer, now)
  const { status, body } = answer
  const said = saidIn(body)
  switch (verdict.outcome) {
    case 'delivered': {
      if (status === 202) return verdict
      const reason = `PagerDuty answered ${status}, not 202. Check that ${target.eventsUrl} is the address of its Events API`
      return { outcome: 'retry', reason, retryAfterMs: null }
    }
    case 'wait':
      return { ...verdict, retryAfterMs: verdict.retryAfterMs ?? unnamedWaitMs }
    case 'retry':
      return verdict
    case 'failed': {
      if (status < 400) return verdict
      const fix =
        status === 400
          ? 'it did not take the event. Check the integration key'
          : 'check PAGERDUTY_EVENTS_URL and the integration key'
      return {
        outcome: 'failed',
        reason: `PagerDuty answered ${status}: ${fix}${said === '' ? '' : `: ${said}`}`,
      }
    }
  }
}

export async function sendPagerduty(
  target: PagerdutyTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  const { path, body } = pagerdutyEvent(target, message)
  const seen = await exchange(context, [target.routingKey], (fetch) =>
    fetch(`${target.eventsUrl.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  return outcomeOf('PagerDuty', seen, (answer) => classifyPagerduty(answer, target, context.now()))
}
