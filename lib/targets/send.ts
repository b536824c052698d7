import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { Target } from '../rules.ts'
import { sendGithub } from './github.ts'
import { sendSlack, sendSlackDigest } from './slack.ts'
import { cut, visible } from './text.ts'

/** More waiting changes than this go together, up to `digestMost` of them. */
export const digestFrom = 10
export const digestMost = 20

const mostRequest = 8192
const mostResponse = 2048
const mostReason = 500

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
  }
}

/** Sends one change to one target, once. Every end of it is a value; what it throws is a bug. */
export async function send(target: Target, message: Message, context: SendContext): Promise<Outcome> {
  return kept(await sendTo(target, message, context))
}

/** Sends several changes as one message, to a target that can. */
export async function sendDigest(
  target: Target,
  messages: Message[],
  context: SendContext,
): Promise<Outcome> {
  if (target.type !== 'slack') throw new Error(`${target.type} takes no digests`)
  return kept(await sendSlackDigest(target, messages, context))
}

/** The outcome as it may be stored: cut, and without control characters (Postgres takes no NUL in a text). */
function kept(outcome: Outcome): Outcome {
  const request = outcome.request.slice(0, mostRequest).toWellFormed()
  const response = outcome.response === null ? null : cut(visible(outcome.response), mostResponse)
  if (outcome.outcome === 'delivered') return { ...outcome, request, response }
  return { ...outcome, request, response, reason: cut(visible(outcome.reason), mostReason) }
}
