import { wrongMethod } from '#lib/endpoints/answers.ts'
import { handleWebhook } from '#lib/webhook-handler.ts'
import { workAfter } from '../../../after-answer.ts'

export const dynamic = 'force-dynamic'
/** Seconds: on Vercel, settling and the first attempts run in `after`. */
export const maxDuration = 60

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const response = await handleWebhook(request)
  workAfter(response, startedAt)
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
