import { processState } from '#lib/base/process-state.ts'
import { misconfigured, wrongMethod } from '#lib/endpoints/answers.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { noteAnswer } from '#lib/pipeline/journal.ts'
import { relay } from '#lib/relay.ts'
import { workAfter } from '../../../after-answer.ts'

export const dynamic = 'force-dynamic'
/** Seconds: on Vercel, settling and the first attempts run in `after`. */
export const maxDuration = 60

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const { relay: ours, problems } = relay()
  if (!ours) return misconfigured(problems)
  const { env, receive, reject } = ours
  const response = await answerWebhook(request, { env, now: Date.now, receive, reject })
  noteAnswer('langfuse-webhook', response, Date.now() - startedAt)
  workAfter(response, ours, startedAt)
  return response
}

processState.promptRelayEndpoints = POST

const refused = wrongMethod('POST')

export {
  refused as DELETE,
  refused as GET,
  refused as HEAD,
  refused as OPTIONS,
  refused as PATCH,
  refused as PUT,
}
