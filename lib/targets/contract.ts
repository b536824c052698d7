import type { Message, Outcome, SendContext } from '../core/delivery/delivery.ts'
import type { Storm } from '../core/delivery/storm.ts'
import type { TargetOf, TargetType } from '../core/rules/target-settings.ts'
import type { Reach } from '../core/setup/reach.ts'

/** What each kind of target implements. Its settings are in `core/rules/target-settings.ts`. */
export interface TargetKind<Type extends TargetType> {
  /**
   * Sends one change, once. Every expected result is an outcome; a throw is a bug. In a dry run (`context.isDry`), the
   * context's `fetch` throws: send through it, and request nothing before.
   */
  send(target: TargetOf<Type>, message: Message, context: SendContext): Promise<Outcome>
  /** Sends several changes as one message; absent: each is sent alone. */
  sendDigest?(target: TargetOf<Type>, messages: Message[], context: SendContext): Promise<Outcome>
  /** How it takes many changes that a comparison with Langfuse found at once. */
  storm: StormWay<Type>
  /** Whether the target can be reached, found out without posting anything. */
  reach(target: TargetOf<Type>, context: SendContext): Promise<Reach>
  /** Whether messages include the prompt's text, which may be megabytes to load. */
  sendsText: boolean
  /** What a replay causes, where it is more than a second message; null: it is not. */
  replayNote: string | null
}

/**
 * `one-message`: all of them at once. `each`: all of them one by one. `newest`: of each prompt only the newest, and only by
 * rules that name its kind. `perSecond`: the pace, unless the target has its own.
 */
export type StormWay<Type extends TargetType> =
  | {
      way: 'one-message'
      send(target: TargetOf<Type>, storm: Storm, context: SendContext): Promise<Outcome>
    }
  | { way: 'each' | 'newest'; perSecond: number }
