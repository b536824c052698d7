import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { retryAfterMs } from '../../base/retry.ts'
import { reachable, troubled } from '../../core/setup/reach.ts'
import { channelWebhook, newWebhook, ourBug } from '../channel-webhook.ts'
import type { TargetKind } from '../contract.ts'
import { type Answer, type Verdict, verdictOf, withQuote } from '../http.ts'
import { quotable } from '../text.ts'
import { discordDigest, discordMessage, discordStorm } from './message.ts'

/** https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes */
const fixes = new Map([
  [10003, `the channel, or the thread that the URL names, is gone. ${newWebhook}`],
  [10015, `the webhook was deleted. ${newWebhook}`],
  [50006, ourBug],
  [50027, `the token in the URL is wrong. ${newWebhook}`],
  [50035, ourBug],
  [200000, "the server's AutoMod blocked the message. Exempt the channel or change its rules"],
  [220001, 'this is the webhook of a forum, which needs a thread. Add ?thread_id=<id> to its URL'],
])

/** What is not as documented is ignored. */
const answered = z.object({
  code: z.coerce.number().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  retry_after: z.coerce.number().optional().catch(undefined),
})

/** Cloudflare, in front of Discord, turns an address away for a while; the webhook itself has not answered. */
const blocked = /error code: \d{4}\b|cloudflare/i

/** `retry_after` counts in seconds with decimals; the header, where it can be used, comes first. */
const waitMs = (verdict: { retryAfterMs: number | null }, seconds: number | undefined): number | null =>
  verdict.retryAfterMs ?? (seconds !== undefined && seconds > 0 ? Math.ceil(seconds * 1000) : null)

export function classifyDiscord(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('Discord', answer, now)
  const { code, message, retry_after } = answered.safeParse(jsonOf(answer.body)).data ?? {}
  const words = quotable(message ?? answer.body)
  switch (verdict.outcome) {
    case 'delivered': {
      if (/^\s*<(!doctype|html)/i.test(answer.body)) {
        const reason = `Discord answered ${answer.status} with a web page, so this is not a webhook. Check its URL`
        return { outcome: 'failed', reason: withQuote(reason, words) }
      }
      // The message as it was posted, which may be longer than what is read of it.
      if (/^\s*\{/.test(answer.body)) return verdict
      const note = withQuote(`Discord answered ${answer.status}, but not with the message`, words)
      return { outcome: 'delivered', note: verdict.note ?? note }
    }
    case 'wait':
      return { ...verdict, retryAfterMs: waitMs(verdict, retry_after) }
    case 'retry':
      return verdict
    case 'failed': {
      if (answer.status < 400) return verdict
      if (answer.status === 403 && code === undefined && blocked.test(answer.body)) {
        const reason =
          'Discord answered 403: Cloudflare, in front of it, blocks the address of the relay for now'
        const after = retryAfterMs(answer.headers, now)
        return { outcome: 'retry', reason: withQuote(reason, words), retryAfterMs: after }
      }
      const fix = fixes.get(code ?? 0)
      const reason =
        fix === undefined ? `${verdict.reason}. Check the webhook URL` : `${verdict.reason}: ${fix}`
      return { outcome: 'failed', reason: withQuote(reason, words) }
    }
  }
}

/** With `wait`, Discord answers once the message is there, and not just that it may come. */
function postUrl(url: string): string {
  const post = new URL(url)
  post.searchParams.set('wait', 'true')
  return post.href
}

const shownWebhook = z.object({ id: z.string() })

export const discord = channelWebhook({
  vendor: 'Discord',
  message: discordMessage,
  digest: discordDigest,
  storm: discordStorm,
  post: (url, body, fetch) =>
    fetch(postUrl(url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  classify: classifyDiscord,
  // A GET shows it: https://docs.discord.com/developers/resources/webhook#get-webhook-with-token
  reached: (answer, verdict) => {
    if ('reason' in verdict) return troubled(verdict.reason)
    return shownWebhook.safeParse(jsonOf(answer.body)).success
      ? reachable('Discord knows the webhook.')
      : troubled(`Discord answered ${answer.status}, but not with the webhook. Check its URL`)
  },
}) satisfies TargetKind<'discord'>
