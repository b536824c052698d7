import type { EventRow } from '#lib/store/schema.ts'

/** How an event was authenticated: in a word or two for a list, and as a sentence. */
export function proofWords({
  source,
  signature,
  secret_hint,
}: Pick<EventRow, 'source' | 'signature' | 'secret_hint'>): {
  short: string
  hint: string | null
  long: string
} {
  if (source === 'langfuse-api')
    return { short: 'from the API', hint: null, long: "Read from Langfuse's API" }
  if (source === 'langfuse-reconcile')
    return {
      short: 'comparison',
      hint: null,
      long: 'Found by comparing with Langfuse: no webhook reported it',
    }
  if (source === 'langfuse-callback') {
    if (signature === 'token') {
      const long = 'Callback: not signed, sent with the token that ends in'
      return { short: signature, hint: secret_hint, long }
    }
    if (signature === 'page') {
      const long = 'Callback from a browser page of an allowed origin: not signed, and without a token'
      return { short: 'from a page', hint: null, long }
    }
    return { short: 'not signed', hint: null, long: 'Callback: not signed, and without a token' }
  }
  return { short: signature, hint: secret_hint, long: `Signed ${signature} with the secret that ends in` }
}
