import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { freePort, untilReady } from '../../scripts/next.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { fixture, fixtureNames, secret } from '../fixtures.ts'
import { startGithubStandIn } from '../mocks/github.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { eventFor, messagesAt, post, until } from './traffic.ts'

interface Dispatch {
  event_type: string
  client_payload: Record<string, unknown>
}

/** The ids of a process and all its descendants. */
function family(root: number): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number))
  const found = [root]
  for (const parent of found)
    for (const [pid, ppid] of pairs) if (pid !== undefined && ppid === parent) found.push(pid)
  return found
}
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a production build', () => {
  let slack: StandIn
  let github: StandIn
  let data: ReturnType<typeof dataFolder>
  const apps: App[] = []
  /** Started by `npm start`: should any be left, the next test must not find them. */
  const leftBehind: number[] = []

  beforeEach(async () => {
    data = dataFolder()
    slack = await startSlackStandIn()
    github = await startGithubStandIn()
  })
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.kill()
    for (const pid of leftBehind.splice(0).filter(isAlive)) process.kill(pid, 'SIGKILL')
    await Promise.all([slack.close(), github.close()])
    data.remove()
  })

  const environment = (more: Record<string, string> = {}) => ({
    DATABASE_URL: data.url,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    GITHUB_REPO: 'acme/prompts',
    GITHUB_TOKEN: 'stand-in-token',
    GITHUB_API_URL: github.url,
    SETTLE_MS: '200',
    ...more,
  })
  async function start(more: Record<string, string> = {}): Promise<App> {
    const app = await startApp(environment(more))
    apps.push(app)
    return app
  }
  const textsAt = (target: StandIn) => target.requests.map(({ body }) => (body as { text?: string }).text)

  it('accepts every fixture, and notifies Slack of all changes and GitHub of those that reached production', async () => {
    const app = await start()
    for (const name of fixtureNames) {
      const answered = await post(app.url, fixture(name))
      expect([name, answered?.status]).toEqual([name, 202])
    }
    expect(await until(() => slack.requests.length >= 9 && github.requests.length >= 2, 20_000)).toBe(true)
    expect(slack.seen).toHaveLength(slack.requests.length)
    expect(github.seen).toHaveLength(github.requests.length)
    expect(textsAt(slack).every((text) => typeof text === 'string' && text.length > 10)).toBe(true)
    for (const { body, headers } of github.requests) {
      const { event_type, client_payload } = body as Dispatch
      expect(event_type).toBe('prompt-updated')
      expect(Object.keys(client_payload).length).toBeLessThanOrEqual(10)
      expect(headers.authorization).toBe('token stand-in-token')
    }
    const repeat = await post(app.url, fixture('01-prompt-created-text.json'))
    expect([repeat?.status, JSON.parse(repeat?.answer ?? '{}').status]).toEqual([200, 'duplicate'])
    expect(await app.stop()).toBe(0)
    expect(app.output()).not.toContain('standInSecret')
    expect(app.output()).not.toContain('stand-in-token')
    expect(app.output()).not.toContain(secret)
  })

  it('has Next answer the first webhook, which loads the route, and answers all others directly', async () => {
    const app = await start()
    // Next sets this header even where its router has nothing to choose.
    const isNexts = async () => {
      const response = await fetch(`${app.url}/api/webhooks/langfuse`, { method: 'POST', body: '{}' })
      expect([response.status, await response.json()]).toMatchObject([401, { error: 'signature-missing' }])
      return response.headers.has('vary')
    }
    expect([await isNexts(), await isNexts(), await isNexts()]).toEqual([true, false, false])
  })

  it('delivers what it had accepted when it was killed right after its 202', async () => {
    const app = await start({ SETTLE_MS: '2000' })
    const answered = await post(app.url, eventFor('load/prompt-1', { version: 7 }))
    await app.kill()
    expect(answered?.status).toBe(202)
    expect(slack.seen).toHaveLength(0)
    await start({ SETTLE_MS: '2000' })
    expect(await until(() => slack.requests.length > 0 && github.requests.length > 0, 20_000)).toBe(true)
    expect([...messagesAt(slack), ...messagesAt(github)]).toEqual([
      ['load/prompt-1', 1],
      ['load/prompt-1', 1],
    ])
  })

  it('finishes a slow send on SIGTERM, starts no other, and exits with code 0', async () => {
    const app = await start()
    slack.answerWith((request, response) => {
      slack.requests.push(request)
      setTimeout(() => response.end('ok'), 3000)
      return 'by hand'
    })
    await post(app.url, eventFor('load/prompt-1'))
    expect(await until(() => slack.seen.length === 1 && github.requests.length === 1, 20_000)).toBe(true)
    expect(await app.stop()).toBe(0)
    slack.answerWith(null)
    const again = await start()
    await post(again.url, eventFor('load/prompt-2'))
    expect(await until(() => messagesAt(slack).has('load/prompt-2'), 20_000)).toBe(true)
    expect(messagesAt(slack).get('load/prompt-1')).toBe(1)
    expect(again.output()).not.toContain('"level":"error"')
  })

  it('leaves no process behind when `npm start` is stopped', async () => {
    const port = await freePort()
    const child = spawn('npm', ['start', '--', '--port', String(port)], {
      stdio: 'ignore',
      env: { ...process.env, ...environment(), NODE_ENV: 'production', LANGFUSE_WEBHOOK_SECRET: secret },
    })
    leftBehind.push(child.pid ?? -1)
    const url = `http://localhost:${port}`
    await untilReady(url, child)
    slack.answerWith((request, response) => {
      slack.requests.push(request)
      setTimeout(() => response.end('ok'), 2000)
      return 'by hand'
    })
    await post(url, eventFor('load/prompt-1'))
    expect(await until(() => slack.seen.length === 1, 20_000)).toBe(true)
    const pids = family(child.pid ?? -1)
    leftBehind.push(...pids)
    expect(pids.length).toBeGreaterThan(1)
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    const [code] = await exited
    expect(code).toBe(0)
    await sleep(500)
    expect(pids.filter(isAlive)).toEqual([])
    const again = await start()
    await post(again.url, eventFor('load/prompt-2'))
    expect(
      await until(() => slack.seen.some(({ body }) => JSON.stringify(body).includes('prompt-2')), 20_000),
    ).toBe(true)
    expect(messagesAt(slack).get('load/prompt-1')).toBe(1)
  })
})
