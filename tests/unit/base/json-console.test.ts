import { type ChildProcess, fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { installJsonConsole, jsonLine } from '#lib/base/json-console.ts'

const now = new Date(Date.UTC(2026, 7, 21, 9))
const entry = (level: 'info' | 'warn' | 'error', ...given: unknown[]) => {
  const line = jsonLine(level, given, now)
  return line === null ? null : JSON.parse(line)
}

describe('a line of the console', () => {
  it.each<[unknown[], string]>([
    [['   \u001b[38;2;173;127;168m▲ Next.js 16.4.6\u001b[39m'], 'Next.js 16.4.6'],
    [[' \u001b[32m✓\u001b[39m', 'Ready in 512ms'], 'Ready in 512ms'],
    [['%s took %d ms', 'it', 12], 'it took 12 ms'],
    [['two\nlines'], 'two\nlines'],
    [[{ a: 1 }], '{ a: 1 }'],
    [['{"time":"x"}\nand more'], '{"time":"x"}\nand more'],
  ])('becomes one entry: %o', (given, message) => {
    expect(jsonLine('warn', given, now)).not.toContain('\n')
    expect(entry('warn', ...given)).toEqual({ time: '2026-08-21T09:00:00.000Z', level: 'warn', message })
  })

  it('keeps the stack of an error', () => {
    expect(entry('error', new Error('gone')).message).toMatch(/^Error: gone\n +at /)
  })

  it('is left out if it is empty, and left as it is if it comes from the log', () => {
    expect(entry('info', '')).toBeNull()
    expect(entry('info')).toBeNull()
    const own = '{"time":"2026-08-21T09:00:00.000Z","level":"info","message":"event 100 %s"}'
    expect(jsonLine('info', [own], now)).toBe(own)
  })
})

describe('a console that writes JSON', () => {
  it('sends errors to stderr and everything else to stdout, once, including the warnings of Node', () => {
    const out: string[] = []
    const err: string[] = []
    const write = (to: string[]) => (line: string) => void to.push(line)
    const one = write(out)
    const target = { log: one, info: one, debug: one, trace: one, warn: write(err), error: write(err) }
    const listeners: ((warning: Error) => void)[] = [() => out.push('as text')]
    const from = {
      stdout: new EventEmitter(),
      stderr: new EventEmitter(),
      removeAllListeners: () => listeners.splice(0),
      on: (_: string, listener: (warning: Error) => void) => listeners.push(listener),
    } as unknown as NodeJS.Process
    installJsonConsole(target, from, () => now)
    installJsonConsole(target, from, () => now)
    target.log('a')
    target.warn('b')
    target.error('c')
    for (const listener of listeners) listener(new Error('old API'))
    const messages = (lines: string[]) => lines.map((line) => JSON.parse(line).message)
    expect(messages(out)).toEqual(['a', 'b', 'Error: old API'])
    expect(messages(err)).toEqual(['c'])
  })
})

/** Has a process write 20 lines to each of these streams; returns how many writes it tried. */
async function writesOf(child: ChildProcess): Promise<unknown> {
  await once(child, 'message')
  for (const stream of [child.stdout, child.stderr]) if (stream) await once(stream.destroy(), 'close')
  let writes: unknown
  for (let i = 0; i < 20; i++) {
    child.send(`line ${i}`)
    const [answer] = await once(child, 'message')
    writes = answer
  }
  child.kill('SIGKILL')
  return writes
}

describe('a process whose log cannot be written', () => {
  const start = (to: 'pipe' | number) =>
    fork(new URL('./json-console-child.ts', import.meta.url), { stdio: ['ignore', to, to, 'ipc'] })

  it('loses the lines, and does nothing else about it, where the reader of its pipes has exited', async () => {
    expect(await writesOf(start('pipe'))).toEqual({ stdout: 20, stderr: 20 })
  })

  it.skipIf(process.platform !== 'linux')('does the same where the disk is full', async () => {
    const full = openSync('/dev/full', 'w')
    expect(await writesOf(start(full))).toEqual({ stdout: 20, stderr: 20 })
    closeSync(full)
  })
})
