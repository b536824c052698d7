import type { ObservedRow } from '#lib/core/change/observed.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import { observedAt, traceRow } from '../observed-rows.ts'
import { messageOf } from './messages.ts'

/** Where each row of a burst is in Langfuse. */
export const traceUrl = 'https://langfuse.test/project/p1/traces/t1'

/** Errors or scores that were reported as one change. */
export function burst(rows: ObservedRow[], over: Partial<Message['fact']> = {}, title?: string): Message {
  const isScore = rows[0]?.event.startsWith('score.')
  const fact = {
    ...(isScore ? { kind: 'score', lowest: 0.1, highest: 0.3 } : { kind: 'error-trace' }),
    name: 'checkout-agent',
    count: rows.length,
    firstAt: observedAt,
    lastAt: observedAt + 60_000,
    ...over,
  } as Message['fact']
  return messageOf({
    fact,
    links: {
      page: 'https://relay.test/changes/chg_1',
      langfuse: traceUrl,
      observed: rows.map(() => traceUrl),
    },
    change: {
      version: null,
      actor: null,
      subject: 'checkout-agent',
      title: title ?? `${rows.length} errors in checkout-agent in 5 minutes`,
      danger: !isScore,
    },
    detail: { prompt: null, observed: rows, environments: ['production'] },
  })
}

export const errors = (count: number, over: Partial<ObservedRow> = {}) =>
  Array.from({ length: count }, (_, i) =>
    traceRow({ id: `o${i}`, level: 'ERROR', message: `broken ${i}`, ...over }),
  )
