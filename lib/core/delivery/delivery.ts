import { burstWords, rowsOfFact, rowWords } from '../change/burst.ts'
import type { Change, Fact } from '../change/change.ts'
import type { ObservedRow } from '../change/observed.ts'

/** What a target gets of one delivery. */
export interface Message {
  /** The same for all tries and replays: the idempotency key of targets that take one. */
  deliveryId: string
  change: Change
  /** What the rule matched, and the message is about. */
  fact: Fact
  /** The text of the version that the fact is about (string, chat array, or any JSON); undefined: not known. */
  text: unknown
  links: Links
  /** What the operator calls the project of the change; absent: nothing, so that its id is shown. */
  projectName?: string
}

/** What a message calls its project; null: it has none. */
export const projectOf = ({ projectName, change }: Pick<Message, 'projectName' | 'change'>): string | null =>
  projectName ?? change.projectId

/** The version that a fact is about, usually that of its change. */
export function versionOf(fact: Fact, change: Change): number | null {
  if ('to' in fact) return fact.to
  return 'version' in fact ? fact.version : change.version
}

/** One trace, observation or score of a message. */
export interface MessageRow {
  row: ObservedRow
  /** Its trace in Langfuse. */
  url: string | null
  words: string
}

/** The rows that a message is about; none where it is not about a burst. */
export function observedOf({ change, fact, links }: Message): MessageRow[] {
  const { observed = [] } = change.detail
  return rowsOfFact(fact, observed).map((row) => ({
    row,
    url: links.observed?.[observed.indexOf(row)] ?? null,
    words: rowWords(row),
  }))
}

/** A message's title: that of the change, or of the part of a burst that the rule matched. */
export function titleOf({ change, fact }: Message): string {
  if (!('rows' in fact) || fact.rows === undefined) return change.title
  return burstWords(fact, rowsOfFact(fact, change.detail.observed)[0])
}

/** Absolute URLs; null where `PUBLIC_URL` or the project is not known. */
export interface Links {
  /** The change's page on the relay. */
  page: string | null
  /** The prompt version (or alert, …) in Langfuse. */
  langfuse: string | null
  /** One for each row of `detail.observed`: its trace in Langfuse. */
  observed?: readonly (string | null)[]
}

/**
 * How one try ended. `wait`: the target asked for time (a rate limit), which is not a failure. `failed`: trying again cannot
 * help. `dry-run`: the message was made, but not sent. `reason` is a sentence that names the fix and never holds a secret; of
 * a delivered message, a note about an unusual answer. After a 2xx the outcome is `delivered` or `failed`, never `retry`: the
 * message might arrive twice.
 */
export type Outcome = {
  statusCode: number | null
  /** What was sent and what came back, cut to a few KB. */
  request: string
  response: string | null
} & (
  | { outcome: 'delivered'; reason: string | null; retryAfterMs: null }
  | { outcome: 'retry' | 'wait'; reason: string; retryAfterMs: number | null }
  | { outcome: 'failed' | 'dry-run'; reason: string; retryAfterMs: null }
)

export interface SendContext {
  fetch: typeof globalThis.fetch
  /** Epoch milliseconds. */
  now: () => number
  /** Aborted at the delivery's time limit, or when the process stops. */
  signal: AbortSignal
  /** Nothing is sent; the outcome holds what would have been. */
  isDry?: boolean
}
