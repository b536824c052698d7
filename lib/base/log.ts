/**
 * Each entry is one line of JSON, so that newlines and escape codes in names stay data. Never pass it a body, a signature,
 * a token or a target's URL.
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

/** What may be logged of something thrown: its message, its fix and its stack, but nothing else that it carries. */
export function thrown(error: unknown): { error: string; fix?: string; stack?: string } {
  if (!(error instanceof Error)) return { error: String(error) }
  const fix = fixOf(error)
  return { error: error.message, ...(fix !== null && { fix }), stack: error.stack }
}

/** What to do about it, if the code that threw it knew. Recognised by its property: each of Next's bundles has its own class. */
export function fixOf(error: unknown): string | null {
  const isError = error instanceof Error && 'fix' in error
  return isError && typeof error.fix === 'string' ? error.fix : null
}
