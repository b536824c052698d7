import { createHash, timingSafeEqual } from 'node:crypto'
import { relay } from '#lib/relay.ts'

export const dynamic = 'force-dynamic'
/** Seconds. */
export const maxDuration = 60

/** Works until then; the rest is for the last send to end. */
const workMs = 45_000

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** For a scheduler: works off what is due. Safe to call at any time, also twice at once. */
export async function GET(request: Request): Promise<Response> {
  const { relay: running, problems } = relay()
  if (!running) return Response.json({ error: 'misconfigured', message: problems.join(' ') }, { status: 503 })
  const secret = running.env.CRON_SECRET
  if (secret === undefined) {
    const message = 'CRON_SECRET is not set. Set it here and in your scheduler (Vercel sends it by itself).'
    return Response.json({ error: 'no-secret', message }, { status: 503 })
  }
  const given = request.headers.get('authorization') ?? ''
  if (!timingSafeEqual(digest(given), digest(`Bearer ${secret}`))) {
    return Response.json(
      { error: 'unauthorized', message: 'Send Authorization: Bearer <CRON_SECRET>.' },
      { status: 401 },
    )
  }
  const startedAt = Date.now()
  await running.drain(startedAt + workMs)
  return Response.json({ status: 'done', milliseconds: Date.now() - startedAt })
}
