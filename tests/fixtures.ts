import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import signatures from './fixtures/signatures.json' with { type: 'json' }

type Signed = keyof typeof signatures.files
type Unsigned = 'x1-github-dispatch-truncated-body.json' | 'x2-web-callout.json'
export type FixtureName = Signed | Unsigned

/** The made-up secret, and the unix seconds of every shared signature. */
export const { secret, t } = signatures

/** Those with a shared signature: all that Langfuse sends to a webhook. */
export const fixtureNames = Object.keys(signatures.files) as Signed[]

/** The exact raw body. */
export const fixture = (name: FixtureName): Buffer =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url))

/** The shared `x-langfuse-signature`, made by another program than ours. */
export const signatureOf = (name: Signed): string => signatures.files[name]['x-langfuse-signature']

/** A signature header for any body, written apart from `lib/langfuse/signature.ts` so that the two check each other. */
export function sign(
  body: string | Uint8Array,
  options: { secret?: string; t?: number; scheme?: 'v1' | 'bare' } = {},
): string {
  const { scheme = 'v1' } = options
  const at = options.t ?? t
  const hmac = createHmac('sha256', options.secret ?? secret)
  if (scheme === 'v1') hmac.update(`${at}.`)
  const hex = hmac.update(body).digest('hex')
  return scheme === 'v1' ? `t=${at},v1=${hex}` : hex
}
