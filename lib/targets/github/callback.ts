import { visibleText } from '../../base/visible.ts'
import type { Fact } from '../../core/change/change.ts'
import type { Message } from '../../core/delivery/delivery.ts'
import { titleOf } from '../../core/delivery/delivery.ts'
import { cut } from '../text.ts'

/** Characters; in JSON a character takes up to six bytes. */
const maxName = 1000

const short = (text: string | null): string | null => (text === null ? null : cut(text, maxName))

/** What each change is called, for what is not about prompts. */
export const changeHead = (message: Message): Record<string, unknown> => ({
  id: message.change.id,
  kind: message.fact.kind,
  title: cut(visibleText(titleOf(message)), maxName),
  url: message.links.page,
  // A workflow can leave tests alone: `if: ${{ !github.event.client_payload.change.test }}`.
  ...(message.change.test ? { test: true } : {}),
})

/** What somebody asked to look at, and what Langfuse's API said of it. */
export function callbackPayload(
  message: Message,
  { traceId, observationId, sessionId, confirmed }: Extract<Fact, { kind: 'trace-callback' }>,
): Record<string, unknown> {
  const { change, links } = message
  const { trace } = change.detail
  return {
    projectId: short(change.projectId),
    change: changeHead(message),
    traceId,
    observationId,
    sessionId,
    confirmed,
    url: links.langfuse,
    trace: trace
      ? {
          ...trace,
          name: short(trace.name),
          user: short(trace.user),
          environment: short(trace.environment),
          startedAt: trace.startedAt === null ? null : new Date(trace.startedAt).toISOString(),
        }
      : null,
  }
}
