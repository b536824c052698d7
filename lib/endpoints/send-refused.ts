import { sign } from '../langfuse/signature.ts'
import { testSource } from '../pipeline/setup/send-test.ts'
import { testPlan } from '../pipeline/setup/test-bodies.ts'
import { answerWebhook, type EndpointDeps } from './webhook.ts'

/** What the webhook endpoint must refuse: no signature, one byte changed after signing, or an old signature. */
export const refusedKinds = ['unsigned', 'tampered', 'expired'] as const
export type RefusedKind = (typeof refusedKinds)[number]

/** Sends the webhook endpoint a request that it must refuse and record. Returns the status: 401, or 503 without a secret. */
export async function sendRefused(deps: EndpointDeps, kind: RefusedKind): Promise<number> {
  const { env, directory, now } = deps
  const secret = directory?.secrets[0]?.secret ?? env.LANGFUSE_WEBHOOK_SECRET[0]
  const [body] = testPlan('promoted', `prompt-relay-test-${kind}`, now()).bodies
  const bytes = Buffer.from(JSON.stringify(body))
  const seconds = Math.floor(now() / 1000)
  const t = kind === 'expired' ? seconds - env.SIGNATURE_TOLERANCE_SECONDS - 60 : seconds
  const signature = sign(bytes, secret ?? 'no secret is configured', t)
  const headers = new Headers({ 'content-type': 'application/json', 'user-agent': 'Prompt Relay test' })
  if (kind !== 'unsigned') headers.set('x-langfuse-signature', signature)
  if (kind === 'tampered') bytes[bytes.length - 1] = 0x20
  const request = new Request('http://localhost/api/webhooks/langfuse', {
    method: 'POST',
    headers,
    body: bytes,
  })
  const reject: EndpointDeps['reject'] = (rejection) => deps.reject({ ...rejection, door: testSource })
  return (await answerWebhook(request, { ...deps, reject })).status
}
