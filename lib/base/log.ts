/**
 * One JSON line an entry: newlines and escape codes in names stay data. Never give it a body, a signature,
 * a token or a URL of a target.
 */
export function log(
  level: 'info' | 'warn' | 'error',
  message: string,
  facts: Record<string, unknown> = {},
): void {
  const line = JSON.stringify({ time: new Date().toISOString(), level, message, ...facts })
  if (level === 'error') console.error(line)
  else console.log(line)
}

/** What may be said of something thrown: its message, what to do about it, and where, not what it carried. */
export function thrown(error: unknown): { error: string; fix?: string; stack?: string } {
  if (!(error instanceof Error)) return { error: String(error) }
  const fix = fixOf(error)
  return { error: error.message, ...(fix !== null && { fix }), stack: error.stack }
}

/** What mends it, where whoever threw it knows. Not told by its class, of which Next's bundles each have one. */
export function fixOf(error: unknown): string | null {
  const isError = error instanceof Error && 'fix' in error
  return isError && typeof error.fix === 'string' ? error.fix : null
}
