import { currentEnv } from '#lib/current-env.ts'
import { database } from '#lib/db/client.ts'
import { oldestDue } from '#lib/db/health.ts'
import { version } from '../../../package.json'

export const dynamic = 'force-dynamic'

/** 200 when the store answers and the configuration is whole, else 503. Holds no secret and no name of a prompt. */
export async function GET(): Promise<Response> {
  const headers = { 'cache-control': 'no-store' }
  const { env, problems } = currentEnv()
  if (!env) return Response.json({ status: 'misconfigured', version, problems }, { status: 503, headers })
  const mode = env.RELAY_MODE
  const store = env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres'
  try {
    const now = Date.now()
    const due = await oldestDue(await database(), now)
    const oldestWaitingSeconds = due === null ? 0 : Math.max(0, Math.round((now - due) / 1000))
    return Response.json({ status: 'ok', version, mode, store, oldestWaitingSeconds }, { headers })
  } catch {
    return Response.json({ status: 'store-unavailable', version, store }, { status: 503, headers })
  }
}
