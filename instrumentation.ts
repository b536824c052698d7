/** Next's start-up hook: lines of JSON, proxies, tracing where it is configured, then the loop of a long-running server. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  if (process.env.NODE_ENV === 'production') {
    const { installJsonConsole } = await import('#lib/base/json-console.ts')
    installJsonConsole(console, process, () => new Date())
  }
  const { takeProxiesOf } = await import('#lib/base/proxy-env.ts')
  takeProxiesOf(process.env)
  const { isTraced, startRelay } = await import('#lib/server/start.ts')
  if (isTraced(process.env)) {
    const { startTracing } = await import('#lib/server/start-tracing.ts')
    startTracing()
  }
  startRelay()
}
