import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { urlUnder, withoutEndSlash } from '../../base/url-path.ts'
import { visibleLines } from '../../base/visible.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { PagerdutyTarget } from '../../core/rules/rules.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from '../http.ts'
import { cut, oneLine } from '../text.ts'
import { type PagerdutyEvent, pagerdutyEvent } from './event.ts'

/** PagerDuty asks for "a few minutes" and names no time: https://developer.pagerduty.com/docs/events-api-v2-overview#rate-limits */
const unnamedWaitMs = 120_000

const said = z.object({
  status: z.string().optional(),
  message: z.string().optional(),
  errors: z.array(z.string()).optional(),
})

/** PagerDuty's own words, as they came where they are no JSON of the usual shape. */
function readAnswer(body: string): { words: string; isSuccess: boolean } {
  const shown = (words: string) => cut(visibleLines(oneLine(words)), 300)
  // Cut off, or from a proxy, it is none of PagerDuty's JSON.
  const { status, message, errors } = said.safeParse(jsonOf(body)).data ?? {}
  const words = errors && errors.length > 0 ? errors.join('; ') : (message ?? body)
  return { words: shown(words), isSuccess: status === 'success' }
}

export function classifyPagerduty(answer: Answer, target: PagerdutyTarget, now: number): Verdict {
  const verdict = verdictOf('PagerDuty', answer, now)
  const { status, body } = answer
  const { words, isSuccess } = readAnswer(body)
  switch (verdict.outcome) {
    case 'delivered': {
      if (status === 202) return verdict
      // What takes PagerDuty's events beside it.
      if (isSuccess)
        return { outcome: 'delivered', note: `PagerDuty answered ${status}, not 202: "${words}"` }
      const reason = `PagerDuty answered ${status}, not 202. Check that ${target.eventsUrl} is the address of its Events API`
      return { outcome: 'failed', reason: words === '' ? reason : `${reason}: "${words}"` }
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
        reason: `PagerDuty answered ${status}: ${fix}${words === '' ? '' : `: ${words}`}`,
      }
    }
  }
}

/**
 * The address of a path of the Events API. PagerDuty's documentation gives it with the path of one kind of events,
 * which is what people copy.
 */
export function pagerdutyUrl({ eventsUrl }: PagerdutyTarget, path: PagerdutyEvent['path']): string {
  return urlUnder(withoutEndSlash(eventsUrl).replace(/\/v2(\/(change\/)?enqueue)?$/, ''), path)
}

export async function sendPagerduty(
  target: PagerdutyTarget,
  message: Message,
  context: SendContext,
): Promise<Outcome> {
  const { path, body } = pagerdutyEvent(target, message)
  const seen = await exchange(context, [target.routingKey], (fetch) =>
    fetch(pagerdutyUrl(target, path), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
  return outcomeOf('PagerDuty', seen, (answer) => classifyPagerduty(answer, target, context.now()))
}
