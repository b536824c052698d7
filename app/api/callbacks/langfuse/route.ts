import { answerCallback, answerPreflight } from '#lib/callback-door.ts'
import { misconfigured, wrongMethod } from '#lib/door-answers.ts'
import { noteAnswer } from '#lib/journal.ts'
import { type Relay, relay } from '#lib/relay.ts'
import { senderAddress } from '#lib/sender-address.ts'
import { workAfter } from '../../function-time.ts'

export const dynamic = 'force-dynamic'
/** Seconds. What `after` may use on Vercel for settling and first tries. */
export const maxDuration = 60

const depsOf = ({ env, reject, recordsCallback: records }: Relay) => ({ env, reject, records, now: Date.now })

export async function OPTIONS(request: Request): Promise<Response> {
  const { relay: running, problems } = relay()
  return running ? answerPreflight(request, depsOf(running)) : misconfigured(problems)
}

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const { relay: running, problems } = relay()
  if (!running) return misconfigured(problems)
  const address = senderAddress(request.headers.get('x-forwarded-for'), Boolean(process.env.VERCEL))
  const response = await answerCallback(request, {
    ...depsOf(running),
    address,
    take: running.takeCallbacks,
  })
  noteAnswer('langfuse-callback', response, Date.now() - startedAt)
  workAfter(response, running, startedAt)
  return response
}

const refused = wrongMethod('POST, OPTIONS')

export { refused as DELETE, refused as GET, refused as HEAD, refused as PATCH, refused as PUT }
