import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { logIn, password, visit } from './visit.ts'

const token = 'a-token-of-some-length'
const data = dataFolder()
let langfuse: Site
let stranger: Site
let app: App
let browser: Browser

/** Another site with one empty page. */
interface Site {
  origin: string
  close: () => void
}

async function startSite(): Promise<Site> {
  const server: Server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { origin: `http://localhost:${port}`, close: () => server.close() }
}

beforeAll(async () => {
  langfuse = await startSite()
  stranger = await startSite()
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    LANGFUSE_ORIGINS: langfuse.origin,
    CALLBACK_TOKEN: token,
    CALLBACK_TOKEN_HEADER: 'x-relay-token',
    CALLBACK_HEADERS: 'x-team',
  })
  browser = await launchChromium()
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  for (const site of [langfuse, stranger]) site.close()
  data.remove()
})

interface Call {
  traceId: string
  headers?: Record<string, string>
  mode?: 'cors' | 'no-cors'
}

/** What a script on that site gets: the answer, or `refused` by the browser. */
async function callFrom(site: Site, { traceId, headers = {}, mode = 'cors' }: Call): Promise<string> {
  const { page, close } = await visit(browser)
  await page.goto(site.origin)
  const item = { projectId: 'p1', traceId, observationId: null }
  const request = {
    url: `${app.url}/api/callbacks/langfuse`,
    init: { method: 'POST', mode, headers, body: JSON.stringify({ version: 1, items: [item] }) },
  }
  const answer = await page.evaluate(
    ({ url, init }) =>
      fetch(url, init).then(
        async (response) => `${response.status} ${await response.text()}`,
        () => 'refused',
      ),
    request,
  )
  await close()
  return answer
}

const json = { 'content-type': 'application/json', 'x-relay-token': token }

async function shown(path: string): Promise<string> {
  const { page, close } = await visit(browser)
  await logIn(page, app)
  await page.goto(app.url + path)
  const text = await page.innerText('main')
  await close()
  return text
}

it('a page of Langfuse may call, with headers that need a preflight, and read the answer', async () => {
  expect(await callFrom(langfuse, { traceId: 'trace-allowed', headers: { ...json, 'x-team': 'core' } })).toBe(
    '202 {"ok":true}',
  )
  await expect.poll(() => shown('/'), { timeout: 20_000 }).toMatch(/Look requested\s+trace-allowed/)
  const events = await shown('/events')
  expect(events).toMatch(/trace-callback\s+trace-allowed\s+token …ngth/)
})

it('another method is answered with the allowed ones', async () => {
  const { status, headers } = await fetch(`${app.url}/api/callbacks/langfuse`)
  expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
})

it('a page of Langfuse can read why it was rejected', async () => {
  const headers = { ...json, 'x-relay-token': 'another-token-of-length' }
  expect(await callFrom(langfuse, { traceId: 'trace-wrong-token', headers })).toMatch(/^401 .*token-mismatch/)
})

it('the browser blocks a header that is not allowed', async () => {
  const headers = { ...json, 'x-other': '1' }
  expect(await callFrom(langfuse, { traceId: 'trace-other-header', headers })).toBe('refused')
})

it('the browser blocks pages of other origins, and the attempt is recorded', async () => {
  expect(await callFrom(stranger, { traceId: 'trace-of-stranger', headers: json })).toBe('refused')
  // A request without a preflight does reach the endpoint.
  expect(await callFrom(stranger, { traceId: 'trace-of-stranger', mode: 'no-cors' })).toBe('0 ')
  const rejected = await shown('/rejected')
  for (const method of ['OPTIONS', 'POST']) {
    expect(rejected).toMatch(
      new RegExp(
        `403 wrong-origin\\s+The request comes from a page at ${stranger.origin};[^]*?${method} from`,
      ),
    )
  }
  expect(rejected).toContain('callback endpoint')
  expect(await shown('/events')).not.toContain('trace-of-stranger')
})
