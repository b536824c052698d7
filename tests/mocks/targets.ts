import type { TargetOf, TargetType } from '#lib/core/rules/target-settings.ts'
import { discord } from './discord.ts'
import { github } from './github.ts'
import { pagerduty } from './pagerduty.ts'
import { slack } from './slack.ts'
import type { StandIn } from './stand-in.ts'
import { webhook } from './webhook.ts'

/** A kind of target as the tests of all kinds need it. */
export interface TargetStandIn<Type extends TargetType> {
  /** Starts a server that takes what the vendor takes, and refuses what it refuses. */
  start: (options?: { port?: number; now?: () => number }) => Promise<StandIn>
  /** A target at a stand-in's address, or another one. */
  target: (url: string) => TargetOf<Type>
  /** What of such a target may be shown nowhere. */
  secret: string
}

export const standIns: { [Type in TargetType]: TargetStandIn<Type> } = {
  slack,
  discord,
  github,
  pagerduty,
  webhook,
}
