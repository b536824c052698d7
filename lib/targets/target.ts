import { visibleLines } from '../base/visible.ts'
import type { Message, Outcome, SendContext } from '../core/delivery/delivery.ts'
import type { Target } from '../core/rules/rules.ts'
import { sendGithub } from './github/github.ts'
import { sendPagerduty } from './pagerduty/pagerduty.ts'
import { sendSlack, sendSlackDigest } from './slack/slack.ts'
import { cut } from './text.ts'
import { sendWebhook, urlRefusal } from './webhook/webhook.ts'

/** More waiting changes than this go together, up to `digestMost` of them. */
export const digestFrom = 10
export const digestMost = 20

const maxRequest = 8192
const maxResponse = 2048
const maxReason = 500

/** Whether several changes can go as one message. */
export const canDigest = (target: Target): boolean => target.type === 'slack'

/** Whether a target tells the prompt's text itself, which may be megabytes to load. */
export const wantsText = (target: Target): boolean => target.type === 'github'

function sendTo(target: Target, message: Message, context: SendContext): Promise<Outcome> {
  switch (target.type) {
    case 'slack':
      return sendSlack(target, message, context)
    case 'github':
      return sendGithub(target, message, context)
    case 'pagerduty':
      return sendPagerduty(target, message, context)
    case 'webhook':
      return sendWebhook(target, message, context)
  }
}

/** Sends one change to one target, once. Every end of it is a value; what it throws is a bug. */
export async function send(target: Target, message: Message, context: SendContext): Promise<Outcome> {
  if (!context.isDry) return kept(await sendTo(target, message, context))
  return kept(await rehearse(context, (dry) => sendTo(alone(target), message, dry)))
}

/** Sends several changes as one message, to a target that can. */
export async function sendDigest(
  target: Target,
  messages: Message[],
  context: SendContext,
): Promise<Outcome> {
  if (target.type !== 'slack') throw new Error(`${target.type} takes no digests`)
  const sending = (way: SendContext) => sendSlackDigest(target, messages, way)
  return kept(await (context.isDry ? rehearse(context, sending) : sending(context)))
}

/** A target that asks nobody for a token, and sends by the `fetch` that it is given. */
function alone(target: Target): Target {
  if (target.type === 'github') return { ...target, token: target.token ?? 'dry-run' }
  if (target.type === 'webhook') return { ...target, allowPrivate: urlRefusal(target) === null }
  return target
}

/** Makes what would be sent, to be kept with the delivery, and sends nothing. */
async function rehearse(
  context: SendContext,
  sending: (context: SendContext) => Promise<Outcome>,
): Promise<Outcome> {
  const fetch: typeof globalThis.fetch = async () => {
    throw new Error('A dry run')
  }
  const made = await sending({ ...context, fetch })
  // It could not even be made, or would not have been sent.
  if (made.outcome === 'failed') return made
  return { ...made, outcome: 'dry-run', reason: 'Dry run: nothing was sent', retryAfterMs: null }
}

/** The outcome as it may be stored: cut, and without control characters (Postgres takes no NUL in a text). */
function kept(outcome: Outcome): Outcome {
  const request = outcome.request.slice(0, maxRequest).toWellFormed()
  const response = outcome.response === null ? null : cut(visibleLines(outcome.response), maxResponse)
  if (outcome.outcome === 'delivered')
    return {
      ...outcome,
      request,
      response,
      reason: outcome.reason && cut(visibleLines(outcome.reason), maxReason),
    }
  return { ...outcome, request, response, reason: cut(visibleLines(outcome.reason), maxReason) }
}
