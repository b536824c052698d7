import { log, thrown } from '#lib/base/log.ts'
import { misconfigured } from '#lib/endpoints/answers.ts'
import { showsToken } from '#lib/endpoints/bearer.ts'
import { relay } from '#lib/relay.ts'
import { workMs } from '../../after-answer.ts'

export const dynamic = 'force-dynamic'
/** Seconds. */
export const maxDuration = 60

/** For a scheduler: works on everything that is due. Safe to call at any time, even concurrently. */
export async function GET(request: Request): Promise<Response> {
  const { relay: ours, problems } = relay()
  // A configuration with problems settles and sends nothing; what is due stays due.
  if (!ours || problems.length > 0) return misconfigured(problems)
  const secret = ours.env.CRON_SECRET
  if (secret === undefined) {
    const message =
      'CRON_SECRET is not set. Set it here and in your scheduler (Vercel sends it automatically).'
    return Response.json({ error: 'no-secret', message }, { status: 503 })
  }
  if (!showsToken(request, secret)) {
    return Response.json(
      { error: 'unauthorized', message: 'Send Authorization: Bearer <CRON_SECRET>.' },
      { status: 401 },
    )
  }
  const startedAt = Date.now()
  try {
    await ours.drain(startedAt + workMs)
  } catch (error) {
    log('error', 'work that was due failed', thrown(error))
    const message = 'The store cannot be reached. What is due stays due: call again.'
    return Response.json({ error: 'store-unavailable', message }, { status: 503 })
  }
  return Response.json({ status: 'done', milliseconds: Date.now() - startedAt })
}
