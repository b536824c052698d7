import type { Message, Outcome, SendContext } from '../delivery.ts'
import type { Target } from '../rules.ts'
import { sendGithub } from './github.ts'
import { sendSlack, sendSlackDigest } from './slack.ts'

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

function secretsOf(target: Target): string[] {
  switch (target.type) {
    case 'slack':
      return [target.url, new URL(target.url).pathname]
    case 'github':
      return [target.token]
  }
}

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
  return kept(target, await sendTo(target, message, context))
}

/** Sends several changes as one message, to a target that can. */
export async function sendDigest(
  target: Target,
  messages: Message[],
  context: SendContext,
): Promise<Outcome> {
  if (target.type !== 'slack') throw new Error(`${target.type} takes no digests`)
  return kept(target, await sendSlackDigest(target, messages, context))
}

/** The outcome as it may be stored: cut, and without the target's secrets, wherever a vendor may have echoed them. */
function kept(target: Target, outcome: Outcome): Outcome {
  const secrets = secretsOf(target).filter((secret) => secret.length > 4)
  const clean = (text: string, most: number) =>
    secrets
      .reduce((scrubbed, secret) => scrubbed.replaceAll(secret, '[secret]'), text)
      .slice(0, most)
      .toWellFormed()
  const request = clean(outcome.request, mostRequest)
  const response = outcome.response === null ? null : clean(outcome.response, mostResponse)
  if (outcome.outcome === 'delivered') return { ...outcome, request, response }
  return { ...outcome, request, response, reason: clean(outcome.reason, mostReason) }
}
