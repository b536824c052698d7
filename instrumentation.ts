/** Next's start-up hook: starts the loop in a long-running server, and ends it in order. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { startRelay } = await import('#lib/start-relay.ts')
  startRelay()
}
