import type { Message, Outcome, SendContext } from '../core/delivery/delivery.ts'
import type { TargetOf, TargetType } from '../core/rules/target-settings.ts'
import type { Reach } from '../core/setup/reach.ts'

/** What the relay does with a kind of target. Its settings are in `core/rules/target-settings.ts`. */
export interface TargetKind<Type extends TargetType> {
  /**
   * Sends one change, once. Every expected end is an outcome; what it throws is a bug. In a dry run (`context.isDry`) the
   * context's `fetch` throws: what is sent goes through it, and nothing is requested before.
   */
  send(target: TargetOf<Type>, message: Message, context: SendContext): Promise<Outcome>
  /** Sends several changes as one message; absent: each is sent alone. */
  sendDigest?(target: TargetOf<Type>, messages: Message[], context: SendContext): Promise<Outcome>
  /** Whether it is there, found out without anything that it would show or act on. */
  reach(target: TargetOf<Type>, context: SendContext): Promise<Reach>
  /** Whether the text of the prompt is sent along, which may be megabytes to load. */
  sendsText: boolean
  /** What a replay comes to there, where it is not simply shown a second time; null: it is. */
  replayNote: string | null
}
