import { processState } from './base/process-state.ts'
import { misconfigured } from './endpoints/answers.ts'
import { answerWebhook } from './endpoints/webhook.ts'
import { noteAnswer } from './pipeline/journal.ts'
import { noteServerError } from './pipeline/reconcile/outage.ts'
import { relay } from './relay.ts'

/**
 * Answers a webhook, for the route and for the direct way past Next's router (`server/direct.ts`). On the direct way, Next's
 * `headers`, `cookies` and `after` do not work.
 */
export async function handleWebhook(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const { relay: ours, problems } = relay()
  if (!ours) return misconfigured(problems)
  const { env, directory, learnIds, receive, reject } = ours
  // From now on: Next has loaded the route, and the configuration has been read.
  if (env.DIRECT_ENDPOINTS) processState.promptRelayWebhookHandler ??= handleWebhook
  const response = await answerWebhook(request, {
    ...{ env, directory, learnIds, receive, reject },
    now: Date.now,
  })
  noteAnswer('langfuse-webhook', response, Date.now() - startedAt)
  noteServerError(response.status, startedAt)
  return response
}
