import { formatWithOptions, stripVTControlCharacters } from 'node:util'

type Level = 'info' | 'warn' | 'error'

const levels = {
  log: 'info',
  info: 'info',
  debug: 'info',
  trace: 'info',
  warn: 'warn',
  error: 'error',
} as const
type Method = keyof typeof levels

/** As `log.ts` writes them. */
const isLine = (text: string): boolean => text.startsWith('{"time":"') && !text.includes('\n')

/** Symbols that Next puts before its messages. */
const marks = /^[\s▲✓○⚠⨯»-]+/

/** The arguments of a console method as one line of JSON; null if they print nothing. */
export function jsonLine(level: Level, given: unknown[], now: Date): string | null {
  const [first] = given
  if (given.length === 1 && typeof first === 'string' && isLine(first)) return first
  const message = stripVTControlCharacters(formatWithOptions({ colors: false, depth: 4 }, ...given))
    .replace(marks, '')
    .trim()
  return message === '' ? null : JSON.stringify({ time: now.toISOString(), level, message })
}

type Console = Pick<typeof console, Method>
type Process = Pick<NodeJS.Process, 'on' | 'removeAllListeners' | 'stdout' | 'stderr'>

/** Once for each console: Next loads `instrumentation.ts` separately from what Node was started with. */
const installed = Symbol.for('prompt-relay.json-console')

/**
 * From now on, everything that writes to the console (Next, a library, a warning from Node) writes lines of JSON, like the
 * relay's own log. Errors go to stderr, everything else to stdout. What cannot be written is lost: the reader of a pipe may
 * have exited, and a disk be full.
 */
export function installJsonConsole(target: Console, from: Process, now: () => Date): void {
  const marked = target as Console & { [installed]?: true }
  if (marked[installed]) return
  marked[installed] = true
  const out = target.log.bind(target)
  const err = target.error.bind(target)
  for (const [method, level] of Object.entries(levels) as [Method, Level][])
    target[method] = (...given: unknown[]) => {
      const line = jsonLine(level, given, now())
      if (line !== null) (level === 'error' ? err : out)(line)
    }
  // Unhandled, the error would be an uncaught exception, which Next logs: a line that fails the same way, without end.
  for (const stream of [from.stdout, from.stderr]) stream.on('error', () => {})
  // Node's own listener writes text to stderr.
  from.removeAllListeners('warning')
  from.on('warning', (warning) => target.warn(`${warning.name}: ${warning.message}`))
}
