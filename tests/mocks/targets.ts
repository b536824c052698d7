import type { TargetOf, TargetType } from '#lib/core/rules/target-settings.ts'
import { discord } from './discord.ts'
import { github } from './github.ts'
import { pagerduty } from './pagerduty.ts'
import { slack } from './slack.ts'
import type { StandIn } from './stand-in.ts'
import { webhook } from './webhook.ts'

/** What the tests of all kinds need of one kind of target. */
export interface TargetStandIn<Type extends TargetType> {
  /** Starts a server that accepts and refuses what the vendor does. */
  start: (options?: { port?: number; now?: () => number }) => Promise<StandIn>
  /** A target at a stand-in's address, or at another one. */
  target: (url: string) => TargetOf<Type>
  /** The part of such a target that must never be shown. */
  secret: string
}

export const standIns: { [Type in TargetType]: TargetStandIn<Type> } = {
  slack,
  discord,
  github,
  pagerduty,
  webhook,
}
