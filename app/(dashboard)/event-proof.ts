import type { EventRow } from '#lib/db/schema.ts'

/** By what an event was let in: in a word or two for a list, and as a sentence. */
export function proofWords({
  source,
  signature,
  secret_hint,
}: Pick<EventRow, 'source' | 'signature' | 'secret_hint'>): {
  short: string
  hint: string | null
  long: string
} {
  if (source === 'langfuse-api') return { short: 'read', hint: null, long: "Read from Langfuse's API" }
  if (source === 'langfuse-callback') {
    return signature === ''
      ? { short: 'not signed', hint: null, long: 'A callback: not signed, and no token is asked for' }
      : {
          short: signature,
          hint: secret_hint,
          long: 'A callback: not signed, but it came with the token that ends in',
        }
  }
  return { short: signature, hint: secret_hint, long: `Signed ${signature} with the secret that ends in` }
}
