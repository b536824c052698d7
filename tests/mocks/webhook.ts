import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { webhookBody } from '#lib/targets/webhook/schema.ts'
import { type StandIn, startStandIn } from './stand-in.ts'
import type { TargetStandIn } from './targets.ts'

/** Made up; the stand-in knows no other. */
export const webhookSecret = `whsec_${Buffer.from('a stand-in secret of 32 bytes ok').toString('base64')}`

const toleranceSeconds = 300

/**
 * What a receiver that follows Standard Webhooks finds wrong, written independently of the library that signs:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signatureProblem(
  { headers, raw }: { headers: IncomingHttpHeaders; raw: Buffer },
  { secret, now }: { secret: string; now: number },
): string | null {
  const [id, time, signatures] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`])
  if (typeof id !== 'string' || typeof time !== 'string' || typeof signatures !== 'string')
    return 'a header is missing'
  if (!/^\d+$/.test(time) || Math.abs(now / 1000 - Number(time)) > toleranceSeconds)
    return 'too old or too new'
  const expected = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64'))
    .update(`${id}.${time}.`)
    .update(raw)
    .digest()
  const fits = signatures.split(' ').some((one) => {
    const [version, given = ''] = one.split(',')
    const bytes = Buffer.from(given, 'base64')
    return version === 'v1' && bytes.length === expected.length && timingSafeEqual(bytes, expected)
  })
  return fits ? null : 'no signature fits'
}

/** A receiver of signed webhooks: verifies the bytes that arrived, then their content. */
export const startWebhookStandIn = (
  options: { port?: number; secret?: string; now?: () => number } = {},
): Promise<StandIn> => {
  const { port, secret = webhookSecret, now = Date.now } = options
  return startStandIn(({ method, headers, raw, body }) => {
    if (method !== 'POST') return { status: 405 }
    const problem = signatureProblem({ headers, raw }, { secret, now: now() })
    if (problem !== null) return { status: 401, body: problem }
    const parsed = webhookBody.safeParse(body)
    return parsed.success ? { status: 204 } : { status: 422, body: parsed.error.message }
  }, port)
}

export const webhook: TargetStandIn<'webhook'> = {
  start: startWebhookStandIn,
  target: (url) => ({ type: 'webhook', url, secrets: [webhookSecret], allowPrivate: true }),
  secret: webhookSecret,
}
