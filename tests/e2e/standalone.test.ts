import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort, untilReady } from '../../scripts/next.ts'
import { holdSockets } from '../attacks/sockets.ts'
import { secret } from '../fixtures.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { submitLogin } from './login-form.ts'
import { eventFor, messagesAt, post, until } from './traffic.ts'

const password = 'a long sentence'
const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-standalone-'))
const url = { current: '' }
let slack: StandIn
let server: ChildProcess
let output = ''

/** Laid out and started as in the Dockerfile, away from the repository and its `node_modules`. */
async function startServer(): Promise<void> {
  cpSync('.next/standalone', join(folder, 'app'), { recursive: true })
  cpSync('.next/static', join(folder, 'app/.next/static'), { recursive: true })
  cpSync('public', join(folder, 'app/public'), { recursive: true })
  const port = await freePort()
  url.current = `http://127.0.0.1:${port}`
  for (const name of ['scripts/json-log.ts', 'lib/base/json-console.ts'])
    cpSync(name, join(folder, 'app', name), { recursive: true })
  server = spawn(process.execPath, ['--import', './scripts/json-log.ts', 'server.js'], {
    cwd: join(folder, 'app'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      NODE_ENV: 'production',
      NEXT_MANUAL_SIG_HANDLE: 'true',
      HOSTNAME: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: `file:${join(folder, 'data/relay.db')}`,
      LANGFUSE_WEBHOOK_SECRET: secret,
      DASHBOARD_PASSWORD: password,
      SLACK_WEBHOOK_URL: slack.url,
      SETTLE_MS: '100',
      PUBLIC_URL: 'https://relay.example.com',
    },
  })
  for (const stream of [server.stdout, server.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
    })
  }
  await untilReady(url.current, server)
}

/** Another process of the same build, with its own store. */
async function startOther(
  more: Record<string, string>,
): Promise<{ url: string; output: () => string; stop: () => void }> {
  const port = await freePort()
  const child = spawn(process.execPath, ['server.js'], {
    cwd: join(folder, 'app'),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      NODE_ENV: 'production',
      HOSTNAME: '127.0.0.1',
      PORT: String(port),
      DATABASE_URL: `file:${join(folder, 'data/other.db')}`,
      LANGFUSE_WEBHOOK_SECRET: secret,
      ...more,
    },
  })
  const url = `http://127.0.0.1:${port}`
  let written = ''
  child.stdout.on('data', (chunk) => {
    written += chunk
  })
  await untilReady(url, child)
  return { url, output: () => written, stop: () => child.kill('SIGKILL') }
}

beforeAll(async () => {
  slack = await startSlackStandIn()
  await startServer()
})

afterAll(async () => {
  server.kill('SIGKILL')
  await slack.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Throws if a line is not JSON. */
const linesOf = (text: string): { message: string }[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

describe("the container's server", () => {
  it('is healthy, and serves a page with its styles', async () => {
    expect((await fetch(`${url.current}/api/health`)).status).toBe(200)
    const page = await fetch(`${url.current}/login`)
    const [style = ''] = (await page.text()).match(/\/_next\/static\/[^"]+\.css/) ?? []
    expect([page.status, (await fetch(url.current + style)).status]).toEqual([200, 200])
  })

  it('has a doctor that needs no sources, names what is wrong, and exits with code 1', async () => {
    const env = { NODE_ENV: 'production' as const, DATABASE_URL: `file:${join(folder, 'data/doctor.db')}` }
    const run = (more: Record<string, string>) =>
      new Promise<{ code: number; output: string }>((done) => {
        execFile(
          process.execPath,
          ['doctor.js'],
          { cwd: join(folder, 'app'), env: { ...more, ...env } },
          (error, out, err) =>
            done({ code: typeof error?.code === 'number' ? error.code : 0, output: out + err }),
        )
      })
    const { code, output } = await run({ SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T0/B0/x' })
    expect([code, output]).toEqual([1, expect.stringContaining('SLACK_WEBHOOK_URL is not an http(s) URL')])
    const right = { PUBLIC_URL: 'https://relay.example.com', DASHBOARD_PASSWORD: 'a long sentence' }
    const reached = await startSlackStandIn()
    const whole = await run({
      ...right,
      SLACK_WEBHOOK_URL: reached.url,
      LANGFUSE_BASE_URL: 'http://127.0.0.1:1',
    })
    await reached.close()
    expect(whole.output).toContain('ok       Variables and rules: All are in order.')
    expect(whole.output).toContain('slack: Slack was reached.')
  })

  it('stores events and is degraded while a setting of a target is wrong', async () => {
    const other = await startOther({ SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T0/B0/x' })
    const health = await fetch(`${other.url}/api/health`)
    expect([health.status, await health.json()]).toMatchObject([
      200,
      { status: 'degraded', problems: [expect.stringMatching(/^SLACK_WEBHOOK_URL is not an http/)] },
    ])
    expect((await post(other.url, eventFor('load/prompt-9')))?.status).toBe(202)
    other.stop()
  })

  it('warns at start that its rules were built from another relay.config.ts than the one present', async () => {
    const output = 'relay.config.ts has changed since the running rules were built'
    const file = join(folder, 'app/relay.config.ts')
    for (const [text, isSaid] of [
      [readFileSync('relay.config.ts', 'utf8').replaceAll('\n', '\r\n'), false],
      ['// edited after the build', true],
    ] as const) {
      writeFileSync(file, text)
      const other = await startOther({})
      await until(
        () => other.output().includes('"message":"started"') || other.output().includes(output),
        5000,
      )
      expect(other.output().includes(output)).toBe(isSaid)
      other.stop()
    }
    rmSync(file)
  })

  it('keeps an idle connection longer than proxies do', async () => {
    const { headers } = await fetch(`${url.current}/api/health`)
    expect(headers.get('keep-alive')).toBe('timeout=65')
  })

  it('answers an upgrade request, and closes its connection', async () => {
    const text = 'GET /nope HTTP/1.1\r\nhost: here\r\nconnection: close, upgrade\r\nupgrade: x\r\n\r\n'
    const held = await holdSockets(url.current, 20, text)
    expect(await until(() => held.ended() === 20, 10_000)).toBe(true)
    expect(held.answers().filter((answer) => answer.startsWith('HTTP/1.1 404 '))).toHaveLength(20)
  })

  it('accepts logins from the public address that is set at start, and from no other', async () => {
    const logInFrom = (origin: string) => submitLogin(url.current, { password, headers: { origin } })
    expect(await logInFrom('https://relay.example.com')).toMatchObject({ status: 303, location: '/' })
    expect(await logInFrom(url.current)).toMatchObject({ status: 303, location: '/' })
    expect(await logInFrom('https://relay.example.com.evil.example')).toMatchObject({
      status: 403,
      cookies: [],
    })
  })

  it('accepts a webhook, and on SIGTERM finishes sending and exits with code 0', async () => {
    slack.answerWith((request, response) => {
      slack.requests.push(request)
      setTimeout(() => response.end('ok'), 2000)
      return 'by hand'
    })
    expect((await post(url.current, eventFor('load/prompt-1')))?.status).toBe(202)
    expect(await until(() => slack.seen.length === 1, 20_000)).toBe(true)
    const exited = once(server, 'exit')
    server.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(messagesAt(slack).get('load/prompt-1')).toBe(1)
    expect(output).not.toContain('"level":"error"')
  })

  it('has logged only lines of JSON, from start to exit', () => {
    const lines = linesOf(output)
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'started', store: 'sqlite', mode: 'live', targets: ['slack'] }),
    )
    expect(lines.at(-1)).toMatchObject({ message: 'stopped', signal: 'SIGTERM' })
  })
})
