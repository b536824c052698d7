import type { Message, Outcome, SendContext } from '../core/delivery/delivery.ts'
import type { Storm } from '../core/delivery/storm.ts'
import type { Reach } from '../core/setup/reach.ts'
import { type Answer, exchange, outcomeOf, reachByGet, secretsOfUrl, type Verdict } from './http.ts'

export const newWebhook = 'Create a new webhook and set its URL'
export const ourBug = 'it refused the message. This is a bug in the relay: please report it'

interface Channel<Body> {
  vendor: string
  message: (message: Message) => Body
  digest: (messages: Message[]) => Body
  storm: (storm: Storm) => Body
  post: (url: string, body: Body, fetch: typeof globalThis.fetch) => Promise<unknown>
  classify: (answer: Answer, now: number) => Verdict
  /** What an answer to a GET, which posts nothing, says about the webhook. */
  reached: (answer: Answer, verdict: Verdict) => Reach
}

/** A kind of target that posts to one channel, through a webhook whose URL is its password. */
export function channelWebhook<Body>(channel: Channel<Body>) {
  const { vendor, classify } = channel
  const post = async ({ url }: { url: string }, body: Body, context: SendContext): Promise<Outcome> => {
    const seen = await exchange(context, secretsOfUrl(url), (fetch) => channel.post(url, body, fetch))
    return outcomeOf(vendor, seen, (answer) => classify(answer, context.now()))
  }
  return {
    send: (target: { url: string }, message: Message, context: SendContext) =>
      post(target, channel.message(message), context),
    sendDigest: (target: { url: string }, messages: Message[], context: SendContext) =>
      post(target, channel.digest(messages), context),
    storm: {
      way: 'one-message' as const,
      send: (target: { url: string }, storm: Storm, context: SendContext) =>
        post(target, channel.storm(storm), context),
    },
    reach: ({ url }: { url: string }, context: SendContext): Promise<Reach> =>
      reachByGet(vendor, context, {
        url,
        secrets: secretsOfUrl(url),
        judge: (answer) => channel.reached(answer, classify(answer, context.now())),
      }),
    sendsText: false,
    replayNote: null,
  }
}
