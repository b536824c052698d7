import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { holdSockets, webhookRequest } from '../attacks/sockets.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { submitLogin } from './login-form.ts'
import { eventFor, messagesAt, post, until } from './traffic.ts'
import { password } from './visit.ts'

const data = dataFolder()
let slack: StandIn
let app: App
/** By IP address: `localhost` may resolve differently for each connection. */
let url: string

beforeAll(async () => {
  slack = await startSlackStandIn()
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    SETTLE_MS: '100',
  })
  url = app.url.replace('localhost', '127.0.0.1')
  // The first webhook goes through Next, which loads the route.
  await isServed()
})
afterAll(async () => {
  await app.stop()
  await slack.close()
  data.remove()
})

let served = 0
/** A signed webhook is answered within a second, whatever else happens, and its change is sent. */
async function isServed(size = 0): Promise<void> {
  const name = `load/prompt-${served++}`
  const startedAt = performance.now()
  const answer = await post(url, eventFor(name, { size }))
  expect([answer?.status, Math.floor((performance.now() - startedAt) / 1000)]).toEqual([202, 0])
  expect(await until(() => messagesAt(slack).get(name) === 1, 10_000)).toBe(true)
}

/** How many file descriptors a process may have; a socket is one. */
const openFiles = () => Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' })) || Infinity

describe('while strangers', () => {
  it('hold 1,500 upgrade requests open, a webhook is answered and delivered', async () => {
    const upgrade = 'GET /nope HTTP/1.1\r\nhost: here\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n'
    const held = await holdSockets(url, 1500, upgrade)
    // Each is answered like any other request, and so is subject to the same limits.
    expect(await until(() => held.answers().length === 1500, 30_000)).toBe(true)
    expect(held.answers().filter((answer) => !answer.startsWith('HTTP/1.1 404 '))).toEqual([])
    await isServed()
    held.release()
  })

  it('hold more connections than are allowed, a webhook is answered and delivered', async (context) => {
    const count = 10_500
    if (openFiles() < 2 * count - 2000) return context.skip(`${openFiles()} open files are too few`)
    const idleRequest = 'GET /_next/static/nothing HTTP/1.1\r\nhost: here\r\n\r\n'
    const idle = await holdSockets(url, 500, idleRequest)
    const silent = await holdSockets(url, count - 500, '')
    await sleep(300)
    await isServed()
    expect(idle.ended() + silent.ended()).toBeGreaterThan(500)
    const lines = app.output().split('\n')
    expect(lines.filter((line) => line.includes('too many connections'))).toHaveLength(1)
    idle.release()
    silent.release()
    await isServed()
  })

  it('stall in the middle of 60 large bodies, a large webhook is answered and delivered', async () => {
    const head = { signature: `t=1,v1=${'0'.repeat(64)}`, declared: 4_800_000 }
    const held = await holdSockets(url, 60, webhookRequest(head, Buffer.alloc(300_000, 'x')))
    await sleep(300)
    await isServed(300_000)
    expect(held.answers().some((answer) => /^HTTP\/1\.1 503 /.test(answer))).toBe(true)
    expect(held.answers().join()).toMatch(/retry-after: 1/i)
    held.release()
  })

  it('try to redirect logins to another site, none is, and a webhook is answered and delivered', async () => {
    const redirecting = ['/events/..//evil.example', '/a/../..//evil.example', '/setup/%2e%2e//evil.example']
    for (const next of [
      ...redirecting,
      '/setup/%252e%252e%252f/evil.example',
      '//evil.example',
      '/\\evil.example',
    ]) {
      const { status, location } = await submitLogin(url, { password, next })
      expect([next, status, location]).toEqual([next, 303, '/'])
    }
    await isServed()
  })

  it('send malformed request lines, each gets a 4xx, and a webhook is answered and delivered', async () => {
    const lines = ['TRACE /', 'PROPFIND /login', 'POST *', 'GET /%', 'GET /changes/%E0%A4%A', 'GET http://a/']
    for (const line of lines) {
      const held = await holdSockets(url, 1, `${line} HTTP/1.1\r\nhost: here\r\n\r\n`)
      expect(await until(() => held.answers().length === 1, 5000)).toBe(true)
      expect(`${line}: ${held.answers()[0]}`).toMatch(/: HTTP\/1\.1 40[05] /)
      held.release()
    }
    await isServed()
  })

  it.each<[string, number, RequestInit]>([
    ['from another site', 403, { headers: { origin: 'https://evil.example' } }],
    [
      'from another site, by script',
      403,
      { headers: { origin: 'https://evil.example', 'next-action': '40ab' } },
    ],
    ['from a sandbox', 403, { headers: { origin: 'null' } }],
    ['from nowhere', 403, {}],
    ['from what is no address', 403, { headers: { origin: 'here' } }],
    [
      'for an action that does not exist',
      400,
      { headers: { origin: 'own', 'next-action': 'deadbeef' }, body: '[]' },
    ],
    ['with malformed arguments', 400, { headers: { origin: 'own', 'next-action': '40ab' }, body: '{{' }],
    [
      'that ends early',
      400,
      { headers: { origin: 'own', 'content-type': 'multipart/form-data; boundary=x' }, body: '--x' },
    ],
    [
      'without a boundary',
      400,
      { headers: { origin: 'own', 'content-type': 'multipart/form-data' }, body: 'x' },
    ],
    [
      'that is too large',
      400,
      { headers: { origin: 'own', 'next-action': '40ab' }, body: `[${' '.repeat(300_000)}]` },
    ],
  ])('post a form %s, it is refused with %i', async (_, status, { headers, body }) => {
    const given = new Headers(headers)
    if (given.get('origin') === 'own') given.set('origin', url)
    const answer = await fetch(`${url}/login`, { method: 'POST', redirect: 'manual', headers: given, body })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('x-content-type-options') ?? 'nosniff').toBe('nosniff')
  })

  it('guess passwords, known browsers still log in, others are locked out, webhooks are delivered', async () => {
    const known = (await submitLogin(url, { password })).cookies.find((one) =>
      one.startsWith('relay-device='),
    )
    const guess = (from: string, cookie?: string) =>
      submitLogin(url, { password: 'wrong', cookie, headers: { 'x-forwarded-for': from } })
    const from = (forwarded: string) => ({ password, headers: { 'x-forwarded-for': forwarded } })
    for (let i = 0; i < 10; i++) expect((await guess(`2001:db8:1:2::${i}`)).location).toContain('wrong')
    // An IPv6 network of one customer counts as one client.
    expect((await submitLogin(url, from('2001:db8:1:2:3::4'))).location).toContain('problem=limited')
    expect((await submitLogin(url, from('198.51.100.9'))).location).toBe('/')
    // Entries that the client itself adds to the header change nothing.
    expect((await submitLogin(url, from('198.51.100.9, 2001:db8:1:2::5'))).location).toContain('limited')
    for (let i = 0; i < 90; i++) await guess(`198.51.100.${i % 9}`)
    expect((await submitLogin(url, from('203.0.113.9'))).location).toContain('problem=limited')
    expect((await submitLogin(url, { ...from('203.0.113.9'), cookie: known })).location).toBe('/')
    await isServed()
  })
})
