import { IncomingWebhook, type IncomingWebhookSendArguments } from '@slack/webhook'
import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import { visibleLines } from '../../base/visible.ts'
import type { Message, Outcome, SendContext } from '../../core/delivery/delivery.ts'
import type { SlackTarget } from '../../core/rules/rules.ts'
import { type Answer, exchange, outcomeOf, type Verdict, verdictOf } from '../http.ts'
import { cut, oneLine } from '../text.ts'
import { slackDigest, slackMessage } from './message.ts'

const ourBug = 'it could not take the message. This is a bug of the relay: please report it'
const newWebhook = 'Make a new webhook and set its URL'

/** https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors */
const fixes = new Map([
  ['invalid_payload', ourBug],
  ['invalid_blocks', ourBug],
  ['invalid_blocks_format', ourBug],
  ['no_text', ourBug],
  ['missing_text_or_fallback_or_attachments', ourBug],
  ['too_many_attachments', ourBug],
  ['no_service', `the webhook was removed or switched off. ${newWebhook}`],
  ['no_service_id', `the URL is not complete. ${newWebhook}`],
  ['no_active_hooks', `the webhook was switched off. ${newWebhook}`],
  ['invalid_token', `the URL is not complete or was revoked. ${newWebhook}`],
  ['no_team', `the workspace is gone. ${newWebhook}`],
  ['team_disabled', 'the workspace is switched off. Have it switched on, or set the webhook of another one'],
  ['channel_not_found', `the channel is gone. ${newWebhook}`],
  ['channel_is_archived', 'the channel is archived. Unarchive it, or make a webhook for another one'],
  [
    'action_prohibited',
    'an admin has restricted posting to this channel. Ask for leave, or use another channel',
  ],
  [
    'posting_to_general_channel_denied',
    'only admins may post to #general. Make a webhook for another channel',
  ],
  ['user_not_found', `the person it wrote to is gone. ${newWebhook}`],
])

const jsonAnswer = z.object({
  ok: z.boolean().optional(),
  success: z.boolean().optional(),
  error: z.unknown().optional(),
})

/** Why what was answered with 2xx was not posted; null: nothing says that it was not. */
function refusedIn(body: string): string | null {
  if (/^<(!doctype|html)/i.test(body))
    return 'with a web page, which takes no messages. Check the webhook URL'
  const known = (code: string) => fixes.get(code)
  if (known(body) !== undefined) return `${body}: ${known(body)}`
  const json = jsonOf(body)
  if (json === undefined) return null
  const { ok, success, error } = jsonAnswer.safeParse(json).data ?? {}
  const isTaken = ok ?? success
  if (isTaken ?? !error) return null
  const fix = typeof error === 'string' ? known(error) : undefined
  return fix === undefined ? 'but took no message. Check the webhook URL' : `and refused: ${fix}`
}

/**
 * Slack says `ok`, or why not, in plain text. What takes Slack's messages beside it answers otherwise (Rocket.Chat, the
 * triggers of Slack's workflows): delivered too, since a message that is sent again after 2xx is there twice.
 */
export function classifySlack(answer: Answer, now: number): Verdict {
  const verdict = verdictOf('Slack', answer, now)
  const code = answer.body.trim()
  const said = cut(visibleLines(oneLine(code)), 200)
  if (verdict.outcome === 'delivered') {
    if (code === 'ok') return verdict
    const refused = refusedIn(code)
    if (refused !== null)
      return { outcome: 'failed', reason: `Slack answered ${answer.status} ${refused}: "${said}"` }
    const note = `Slack answered ${answer.status}, but not "ok"${said === '' ? '' : `: "${said}"`}`
    return { outcome: 'delivered', note: verdict.note ?? note }
  }
  if (verdict.outcome !== 'failed' || answer.status < 400) return verdict
  const fix = fixes.get(code)
  if (fix) return { outcome: 'failed', reason: `Slack answered ${answer.status} ${code}: ${fix}` }
  return {
    outcome: 'failed',
    reason: `${verdict.reason}. Check the webhook URL${said === '' ? '' : `: "${said}"`}`,
  }
}

/** The whole address is a password; its long segments are enough of one. */
export function secretsOf({ url }: SlackTarget): string[] {
  const { pathname, search, searchParams } = new URL(url)
  const segments = pathname.split('/')
  const long = segments.filter((segment, i) => segment.length >= 12 || i === segments.length - 1)
  return [url, pathname + search, pathname, ...long, ...searchParams.values()]
}

async function post(
  target: SlackTarget,
  body: IncomingWebhookSendArguments,
  context: SendContext,
): Promise<Outcome> {
  const seen = await exchange(context, secretsOf(target), (fetch) =>
    new IncomingWebhook(target.url, { fetch: (url, init) => fetch(url, init) }).send(body),
  )
  return outcomeOf('Slack', seen, (answer) => classifySlack(answer, context.now()))
}

export const sendSlack = (target: SlackTarget, message: Message, context: SendContext): Promise<Outcome> =>
  post(target, slackMessage(message), context)

export const sendSlackDigest = (
  target: SlackTarget,
  messages: Message[],
  context: SendContext,
): Promise<Outcome> => post(target, slackDigest(messages), context)
