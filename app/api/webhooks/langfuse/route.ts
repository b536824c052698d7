import { answerWebhook } from '#lib/door.ts'
import { misconfigured, wrongMethod } from '#lib/door-answers.ts'
import { noteAnswer } from '#lib/journal.ts'
import { relay } from '#lib/relay.ts'
import { workAfter } from '../../function-time.ts'

export const dynamic = 'force-dynamic'
/** Seconds. What `after` may use on Vercel for settling and first tries. */
export const maxDuration = 60

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const { relay: running, problems } = relay()
  if (!running) return misconfigured(problems)
  const { env, receive, reject } = running
  const response = await answerWebhook(request, { env, now: Date.now, receive, reject })
  noteAnswer('langfuse-webhook', response, Date.now() - startedAt)
  workAfter(response, running, startedAt)
  return response
}

const refused = wrongMethod('POST')

export {
  refused as DELETE,
  refused as GET,
  refused as HEAD,
  refused as OPTIONS,
  refused as PATCH,
  refused as PUT,
}
