import { createHmac, timingSafeEqual } from 'node:crypto'

const header = /^t=(\d+),v1=([0-9a-f]{64})$/

/** The body of a signed request; null where the signature is wrong. Checked as tutorials do it. */
export async function verifiedBody(request: Request): Promise<string | null> {
  const body = await request.text()
  const [, t = '', digest = ''] = header.exec(request.headers.get('x-langfuse-signature') ?? '') ?? []
  const hmac = createHmac('sha256', process.env.LANGFUSE_WEBHOOK_SECRET ?? '')
  const expected = hmac.update(`${t}.${body}`).digest()
  const given = Buffer.from(digest, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected) ? body : null
}
