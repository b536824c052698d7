import { IncomingWebhook } from '@slack/webhook'
import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { reachable, troubled } from '../../core/setup/reach.ts'
import { channelWebhook, newWebhook, ourBug } from '../channel-webhook.ts'
import type { TargetKind } from '../contract.ts'
import { type Answer, type Verdict, verdictOf, withQuote } from '../http.ts'
import { quotable } from '../text.ts'
import { slackDigest, slackMessage, slackStorm } from './message.ts'

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const fixes = new Map([
  ['invalid_payload', ourBug],
  ['invalid_blocks', ourBug],
  ['invalid_blocks_format', ourBug],
  ['no_text', ourBug],
  ['missing_text_or_fallback_or_attachments', ourBug],
  ['too_many_attachments', ourBug],
  ['no_service', `the webhook was removed or disabled. ${newWebhook}`],
  ['no_service_id', `the URL is incomplete. ${newWebhook}`],
  ['no_active_hooks', `the webhook was disabled. ${newWebhook}`],
  ['invalid_token', `the URL is incomplete or was revoked. ${newWebhook}`],
  ['no_team', `the workspace is gone. ${newWebhook}`],
  ['team_disabled', 'the workspace is disabled. Have it enabled, or set a webhook of another workspace'],
  ['channel_not_found', `the channel is gone. ${newWebhook}`],
  ['channel_is_archived', 'the channel is archived. Unarchive it, or create a webhook for another one'],
  [
    'action_prohibited',
    'an admin has restricted posting to this channel. Ask for permission, or use another channel',
  ],
  [
    'posting_to_general_channel_denied',
    'only admins may post to #general. Create a webhook for another channel',
  ],
  ['user_not_found', `the user it posted to is gone. ${newWebhook}`],
])

const jsonAnswer = z.object({
  ok: z.boolean().optional(),
  success: z.boolean().optional(),
  error: z.unknown().optional(),
})

/** Why a message was not posted although the answer is a 2xx; null: nothing in the body says so. */
function refusedIn(body: string): string | null {
  if (/^<(!doctype|html)/i.test(body))
    return 'with a web page, so this is not a webhook. Check the webhook URL'
  const known = (code: string) => fixes.get(code)
  if (known(body) !== undefined) return `${body}: ${known(body)}`
  const json = jsonOf(body)
  if (json === undefined) return null
  const { ok, success, error } = jsonAnswer.safeParse(json).data ?? {}
  const isTaken = ok ?? success
  if (isTaken ?? !error) return null
  const fix = typeof error === 'string' ? known(error) : undefined
  return fix === undefined
    ? 'but did not accept the message. Check the webhook URL'
    : `but refused the message: ${fix}`
}

/**
 * Slack answers `ok`, or why not, in plain text. Receivers that are compatible with it answer something else (Rocket.Chat,
 * the triggers of Slack's workflows). That counts as delivered too: sent again after a 2xx, the message would be there twice.
 */
export function classifySlack(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('Slack', answer, now)
  const code = answer.body.trim()
  const words = quotable(code)
  if (verdict.outcome === 'delivered') {
    if (code === 'ok') return verdict
    const refused = refusedIn(code)
    if (refused !== null)
      return { outcome: 'failed', reason: withQuote(`Slack answered ${answer.status} ${refused}`, words) }
    const note = withQuote(`Slack answered ${answer.status}, but not "ok"`, words)
    return { outcome: 'delivered', note: verdict.note ?? note }
  }
  if (verdict.outcome !== 'failed' || answer.status < 400) return verdict
  const fix = fixes.get(code)
  if (fix) return { outcome: 'failed', reason: `Slack answered ${answer.status} ${code}: ${fix}` }
  return { outcome: 'failed', reason: withQuote(`${verdict.reason}. Check the webhook URL`, words) }
}

export const slack = channelWebhook({
  vendor: 'Slack',
  message: slackMessage,
  digest: slackDigest,
  storm: slackStorm,
  post: (url, body, fetch) => new IncomingWebhook(url, { fetch: (to, init) => fetch(to, init) }).send(body),
  classify: classifySlack,
  // Slack refuses a GET, but says with 403, 404 or 410 that the webhook is gone.
  reached: ({ status }, verdict) =>
    [403, 404, 410].includes(status) && 'reason' in verdict
      ? troubled(verdict.reason)
      : reachable('Slack was reached.'),
}) satisfies TargetKind<'slack'>
