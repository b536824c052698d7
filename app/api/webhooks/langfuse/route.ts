import { after } from 'next/server'
import { answerWebhook, wrongMethod } from '#lib/door.ts'
import { relay } from '#lib/relay.ts'

export const dynamic = 'force-dynamic'
/** Seconds. What `after` may use on Vercel for settling and first tries. */
export const maxDuration = 60

/** Time kept back for the last send to end within the function's life. */
const reserveMs = 15_000

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const { relay: running, problems } = relay()
  if (!running) return Response.json({ error: 'misconfigured', message: problems.join(' ') }, { status: 503 })
  const { env, receive, reject, drain } = running
  const response = await answerWebhook(request, { env, now: Date.now, receive, reject })
  // A long-running server has its own loop; a function has only the time after its answer.
  if (process.env.VERCEL && response.status === 202)
    after(() => drain(startedAt + maxDuration * 1000 - reserveMs))
  return response
}

export {
  wrongMethod as DELETE,
  wrongMethod as GET,
  wrongMethod as HEAD,
  wrongMethod as OPTIONS,
  wrongMethod as PATCH,
  wrongMethod as PUT,
}
