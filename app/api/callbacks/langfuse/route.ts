import { misconfigured, wrongMethod } from '#lib/endpoints/answers.ts'
import { answerCallback, answerPreflight } from '#lib/endpoints/callback.ts'
import { addressGroup, senderAddress } from '#lib/endpoints/sender-address.ts'
import { noteAnswer } from '#lib/pipeline/journal.ts'
import { type Relay, relay } from '#lib/relay.ts'
import { workAfter } from '../../../after-answer.ts'

export const dynamic = 'force-dynamic'
/** Seconds: on Vercel, settling and the first attempts run in `after`. */
export const maxDuration = 60

/** These decide who may call. If one has a problem, the endpoint is closed; no default replaces it. */
const guards = /^(CALLBACK_\w+|LANGFUSE_ORIGINS|LANGFUSE_BASE_URL)$/

function ready(): Relay | Response {
  const { relay: ours, problems } = relay()
  if (!ours) return misconfigured(problems)
  // Where people open the projects, which is where callbacks may come from.
  const addresses = ours.projects.flatMap(({ called }) => [called.baseUrl, called.webUrl])
  const isOpen = !problems.some(({ name }) => guards.test(name) || addresses.includes(name))
  return isOpen ? ours : misconfigured(problems)
}

const depsOf = ({ env, directory, reject, recordsCallback: records }: Relay) => ({
  env,
  directory,
  reject,
  records,
  now: Date.now,
})

export async function OPTIONS(request: Request): Promise<Response> {
  const ours = ready()
  return ours instanceof Response ? ours : answerPreflight(request, depsOf(ours))
}

export async function POST(request: Request): Promise<Response> {
  const startedAt = Date.now()
  const ours = ready()
  if (ours instanceof Response) return ours
  const address = addressGroup(senderAddress(request.headers.get('x-forwarded-for')))
  const response = await answerCallback(request, {
    ...depsOf(ours),
    address,
    take: ours.takeCallbacks,
  })
  noteAnswer('langfuse-callback', response, Date.now() - startedAt)
  workAfter(response, startedAt)
  return response
}

const refused = wrongMethod('POST, OPTIONS')

export { refused as DELETE, refused as GET, refused as HEAD, refused as PATCH, refused as PUT }
