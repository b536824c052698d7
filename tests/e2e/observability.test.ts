import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { fixture, sign } from '../fixtures.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import { type StandIn, startStandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { password, sessionCookie } from './visit.ts'

const token = 'a-token-for-prometheus'

interface Span {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
}

/** An app in a dry run that is scraped and sends its spans to a collector. */
describe('an observed app', () => {
  const data = dataFolder()
  let slack: StandIn
  let collector: StandIn
  let app: App
  let browser: Browser
  let pages: { list: string; change: string; setup: string }

  const metrics = (authorization?: string) =>
    fetch(`${app.url}/api/metrics`, authorization === undefined ? {} : { headers: { authorization } })

  async function untilEnded(): Promise<string> {
    const db = await openDatabase(data.url)
    let id: string | undefined
    for (let i = 0; i < 200 && id === undefined; i++) {
      const row = await db
        .selectFrom('deliveries')
        .select('change_id')
        .where('status', '=', 'dry-run')
        .executeTakeFirst()
      id = row?.change_id
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await db.destroy()
    if (id === undefined) throw new Error('No delivery ended')
    return id
  }

  beforeAll(async () => {
    slack = await startSlackStandIn()
    collector = await startStandIn(() => ({ status: 200, body: '{}' }))
    browser = await launchChromium()
    app = await startApp({
      DATABASE_URL: data.url,
      DASHBOARD_PASSWORD: password,
      RELAY_MODE: 'dry-run',
      METRICS_TOKEN: token,
      SETTLE_MS: '0',
      SLACK_WEBHOOK_URL: new URL('/services/T0STANDIN/B0STANDIN/standInSecret0123', slack.url).href,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    })
    // Sent first, because Next answers the first webhook anyway: a later one must start a trace too.
    await fetch(`${app.url}/api/webhooks/langfuse`, { method: 'POST', body: '{}' })
    const body = fixture('01-prompt-created-text.json')
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
    for (const status of [202, 200]) {
      const request = { method: 'POST', body: new Uint8Array(body), headers }
      expect((await fetch(`${app.url}/api/webhooks/langfuse`, request)).status).toBe(status)
    }
    const id = await untilEnded()
    const cookie = await sessionCookie(browser, app)
    const page = async (path: string) => (await fetch(app.url + path, { headers: { cookie } })).text()
    pages = { list: await page('/'), change: await page(`/changes/${id}`), setup: await page('/setup') }
  })
  afterAll(async () => {
    await browser.close()
    await app.stop()
    await Promise.all([slack.close(), collector.close()])
    data.remove()
  })

  it('sends nothing in a dry run, says so on every page, and shows what it would have sent', async () => {
    expect(slack.seen).toEqual([])
    for (const page of Object.values(pages)) expect(page).toContain('Dry run: nothing is sent')
    expect(pages.change).toContain('Dry run: nothing was sent')
    expect(pages.change).toContain('New version: ')
    expect(await (await fetch(`${app.url}/api/health`)).json()).toMatchObject({
      status: 'ok',
      mode: 'dry-run',
    })
  })

  it('returns its metrics only with the token', async () => {
    expect((await metrics()).status).toBe(401)
    expect((await metrics(`Bearer ${token}x`)).status).toBe(401)
    const response = await metrics(`Bearer ${token}`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const lines = (await response.text()).split('\n')
    const numbers = lines.filter((line) => line !== '' && !line.startsWith('#'))
    // The line format of Prometheus.
    for (const line of numbers) expect(line).toMatch(/^[a-z_]+(\{([a-z]+="[^"]*",?)+\})? -?[0-9.e+-]+$/)
    for (const line of [
      'prompt_relay_events_total{endpoint="langfuse-webhook",status="accepted"} 1',
      'prompt_relay_events_total{endpoint="langfuse-webhook",status="duplicate"} 1',
      'prompt_relay_rejections_total{endpoint="langfuse-webhook",reason="signature-missing"} 1',
      'prompt_relay_settled_total{kind="version-created"} 1',
      'prompt_relay_attempts_total{target="slack",outcome="dry-run"} 1',
      'prompt_relay_request_duration_seconds_count{endpoint="langfuse-webhook",code="202"} 1',
      'prompt_relay_deliveries{target="slack",status="queued"} 0',
      'prompt_relay_store_up 1',
    ])
      expect(numbers).toContain(line)
  })

  it('logs only lines of JSON, even from Next, and first its configuration', () => {
    const lines = app
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.some(({ message }) => message.startsWith('Next.js'))).toBe(true)
    const started = lines.filter(({ message }) => message === 'started')
    expect(started).toEqual([
      expect.objectContaining({ level: 'info', store: 'sqlite', mode: 'dry-run', targets: ['slack'] }),
    ])
    expect(started[0].rules.length).toBeGreaterThan(3)
  })

  it('has one trace of the request, the settling and the send', async () => {
    await app.stop()
    const spans = collector.requests.flatMap(({ body }) =>
      (body as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }).resourceSpans.flatMap(
        ({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans),
      ),
    )
    const settle = spans.find(({ name }) => name === 'settle')
    const send = spans.find(({ name }) => name === 'send slack')
    expect(send).toMatchObject({ traceId: settle?.traceId, parentSpanId: settle?.spanId })
    const parent = spans.find(({ spanId }) => spanId === settle?.parentSpanId)
    expect(parent).toMatchObject({
      traceId: settle?.traceId,
      name: expect.stringContaining('/api/webhooks/langfuse'),
    })
  })
})

it('has no metrics endpoint if no token is set', async () => {
  const data = dataFolder()
  const app = await startApp({ DATABASE_URL: data.url })
  const status = (await fetch(`${app.url}/api/metrics`, { headers: { authorization: 'Bearer ' } })).status
  await app.stop()
  data.remove()
  expect(status).toBe(404)
})
