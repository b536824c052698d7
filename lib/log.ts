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

/** What may be said of something thrown: its message and where, not what it carried. */
export function thrown(error: unknown): { error: string; stack?: string } {
  return error instanceof Error ? { error: error.message, stack: error.stack } : { error: String(error) }
}
