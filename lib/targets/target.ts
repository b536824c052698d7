import { visibleLines } from '../base/visible.ts'
import type { Message, Outcome, SendContext } from '../core/delivery/delivery.ts'
import type { Storm } from '../core/delivery/storm.ts'
import type { Target, TargetType } from '../core/rules/target-settings.ts'
import type { Reach } from '../core/setup/reach.ts'
import type { StormWay, TargetKind } from './contract.ts'
import { discord } from './discord/discord.ts'
import { github } from './github/github.ts'
import { pagerduty } from './pagerduty/pagerduty.ts'
import { slack } from './slack/slack.ts'
import { truncateUnits } from './text.ts'
import { webhook } from './webhook/webhook.ts'

const kinds: { [Type in TargetType]: TargetKind<Type> } = { slack, discord, github, pagerduty, webhook }

/** The compiler cannot see that a kind only gets targets of its own type. */
const kindOfTarget = ({ type }: Target) => kinds[type] as TargetKind<TargetType>

/** More waiting changes than this go together, up to `maxDigest` of them. */
export const digestFrom = 10
export const maxDigest = 20

const maxRequest = 8192
const maxResponse = 2048
const maxReason = 500

/** Whether several changes can be sent as one message. */
export const canDigest = (target: Target): boolean => kindOfTarget(target).sendDigest !== undefined

export const sendsText = (target: Target): boolean => kindOfTarget(target).sendsText

export const replayNoteOf = (target: Target): string | null => kindOfTarget(target).replayNote

/** Checks whether a target can be reached, without posting anything. */
export const reachTarget = (target: Target, context: SendContext): Promise<Reach> =>
  kindOfTarget(target).reach(target, context)

/** Sends one change to one target, once. Every expected result is a value; a throw is a bug. */
export const send = (target: Target, message: Message, context: SendContext): Promise<Outcome> =>
  sendOrRehearse(context, (way) => kindOfTarget(target).send(target, message, way))

/** Sends several changes as one message, to a target that can. */
export function sendDigest(target: Target, messages: Message[], context: SendContext): Promise<Outcome> {
  const kind = kindOfTarget(target)
  return sendOrRehearse(context, async (way) => {
    if (!kind.sendDigest) throw new Error(`${target.type} takes no digests`)
    return kind.sendDigest(target, messages, way)
  })
}

/** How a target takes many changes that a comparison with Langfuse found at once. */
export const stormOf = (target: Target): Pick<StormWay<TargetType>, 'way'> & { perSecond?: number } =>
  kindOfTarget(target).storm

/** Sends any number of changes as one message, to a target that takes a storm so. */
export function sendStorm(target: Target, storm: Storm, context: SendContext): Promise<Outcome> {
  const way = kindOfTarget(target).storm
  return sendOrRehearse(context, async (to) => {
    if (way.way !== 'one-message') throw new Error(`${target.type} takes no storm as one message`)
    return way.send(target, storm, to)
  })
}

/** In a dry run, builds what would be sent, to be stored with the delivery, and sends nothing. */
async function sendOrRehearse(
  context: SendContext,
  sendBy: (context: SendContext) => Promise<Outcome>,
): Promise<Outcome> {
  if (!context.isDry) return storable(await sendBy(context))
  const fetch: typeof globalThis.fetch = async () => {
    throw new Error('A dry run')
  }
  const made = storable(await sendBy({ ...context, fetch }))
  // It could not be built, or would not have been sent.
  if (made.outcome === 'failed') return made
  return { ...made, outcome: 'dry-run', reason: 'Dry run: nothing was sent', retryAfterMs: null }
}

/** Shortened, and without control characters: Postgres accepts no NUL in a text. */
function storable(outcome: Outcome): Outcome {
  const request = outcome.request.slice(0, maxRequest).toWellFormed()
  const response =
    outcome.response === null ? null : truncateUnits(visibleLines(outcome.response), maxResponse)
  if (outcome.outcome === 'delivered')
    return {
      ...outcome,
      request,
      response,
      reason: outcome.reason && truncateUnits(visibleLines(outcome.reason), maxReason),
    }
  return { ...outcome, request, response, reason: truncateUnits(visibleLines(outcome.reason), maxReason) }
}
