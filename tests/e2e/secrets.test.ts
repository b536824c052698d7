import { randomBytes } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { fixture, sign } from '../fixtures.ts'
import { githubApp } from '../mocks/github.ts'
import { type StandIn, startStandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { password, sessionCookie, visit } from './visit.ts'

const made = (prefix: string): string => `${prefix}${randomBytes(16).toString('hex')}`

/** Secrets that cannot be mistaken for anything else. */
const secrets = {
  webhook: made('lf-whsec_planted'),
  older: made('lf-whsec_plantedOlder'),
  langfuse: made('sk-lf-planted'),
  slack: made('plantedSlack'),
  discord: made('plantedDiscord'),
  github: made('github_pat_planted'),
  pagerduty: randomBytes(16).toString('hex'),
  signing: `whsec_${randomBytes(32).toString('base64')}`,
  webhookQuery: made('plantedQuery'),
  cron: made('plantedCron'),
  metrics: made('plantedMetrics'),
  callback: made('plantedCallback'),
  otel: made('plantedOtel'),
  password,
  wrongPassword: made('plantedWrongPassword'),
  wrongToken: made('plantedWrongToken'),
  signature: '',
}

/** Echoes every request, with a different status each time: as badly as a vendor can. */
function startEcho(): Promise<StandIn> {
  const statuses = [500, 401, 200, 404, 429, 503, 400, 302]
  let next = 0
  return startStandIn(({ headers, path, raw }) => {
    next += 1
    const body = `${path} ${JSON.stringify(headers)} ${raw}`
    return { status: statuses[next % statuses.length] ?? 500, headers: { location: path }, body }
  })
}

/** The names of the planted secrets that a text contains, as they are or encoded for a URL or header. */
function found(text: string): string[] {
  const basic = Buffer.from(`pk-lf-public:${secrets.langfuse}`).toString('base64')
  const all = { ...secrets, basic, signingKey: secrets.signing.slice('whsec_'.length) }
  return Object.entries(all).flatMap(([name, secret]) =>
    secret !== '' && (text.includes(secret) || text.includes(encodeURIComponent(secret))) ? [name] : [],
  )
}

async function everyTable(url: string): Promise<string> {
  const db = await openDatabase(url)
  const tables = (await db.introspection.getTables()).map(({ name }) => name)
  const rows = []
  for (const table of tables)
    rows.push(
      await db
        .selectFrom(table as 'events')
        .selectAll()
        .execute()
        .catch(() => []),
    )
  await db.destroy()
  const asText = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value
  // The JSON of a Buffer would hide its content.
  return rows
    .flat()
    .map((row) =>
      Object.values(row)
        .map((value) => asText('', value))
        .join('\n'),
    )
    .join('\n')
}

describe('planted secrets', () => {
  const data = dataFolder()
  let echo: StandIn
  let collector: StandIn
  let app: App
  let browser: Browser
  /** Every page and answer, by address. */
  const seen = new Map<string, string>()

  const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetch(app.url + path, { redirect: 'manual', ...init })
    const text = await response.clone().text()
    seen.set(
      `${init.method ?? 'GET'} ${path} ${response.status} ${seen.size}`,
      `${text}${JSON.stringify([...response.headers])}`,
    )
    return response
  }
  const post = (body: Uint8Array, signature: string, headers: Record<string, string> = {}) =>
    ask('/api/webhooks/langfuse', {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'x-langfuse-signature': signature, ...headers },
    })

  beforeAll(async () => {
    echo = await startEcho()
    collector = await startStandIn(() => ({ status: 200, body: '{}' }))
    browser = await launchChromium()
    app = await startApp({
      DATABASE_URL: data.url,
      DASHBOARD_PASSWORD: secrets.password,
      LANGFUSE_WEBHOOK_SECRET: `${secrets.webhook},${secrets.older}`,
      LANGFUSE_BASE_URL: echo.url,
      LANGFUSE_PUBLIC_KEY: 'pk-lf-public',
      LANGFUSE_SECRET_KEY: secrets.langfuse,
      SLACK_WEBHOOK_URL: `${echo.url}/services/T0/B0/${secrets.slack}`,
      SLACK_PER_SECOND: '0',
      DISCORD_WEBHOOK_URL: `${echo.url}/api/webhooks/1/${secrets.discord}`,
      GITHUB_REPO: 'acme/prompts',
      GITHUB_TOKEN: secrets.github,
      GITHUB_API_URL: echo.url,
      PAGERDUTY_ROUTING_KEY: secrets.pagerduty,
      PAGERDUTY_EVENTS_URL: echo.url,
      WEBHOOK_URL: `${echo.url}/hook?token=${secrets.webhookQuery}`,
      WEBHOOK_SECRET: secrets.signing,
      WEBHOOK_ALLOW_PRIVATE: '1',
      CRON_SECRET: secrets.cron,
      METRICS_TOKEN: secrets.metrics,
      CALLBACK_TOKEN: secrets.callback,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secrets.otel}`,
      RETRY_DELAYS: '0,0.1,0.1,0.1',
      SETTLE_MS: '0',
      POLL_SECONDS: '1',
    })
    await drive()
    // Flushes the last spans.
    await app.stop()
  })
  afterAll(async () => {
    await browser.close()
    await Promise.all([echo.close(), collector.close()])
    data.remove()
  })

  /** Requests from outside: accepted, rejected, forged, and with wrong tokens and passwords. */
  async function knock(): Promise<void> {
    const t = Math.floor(Date.now() / 1000)
    const names = [
      '01-prompt-created-text.json',
      '05a-label-move-gains-production.json',
      '09-monitor-alert.json',
    ] as const
    for (const name of names) {
      const signature = sign(fixture(name), { secret: secrets.webhook, t })
      secrets.signature = signature.split('v1=')[1] ?? ''
      const cookie = { cookie: `relay=${secrets.wrongToken}`, authorization: `Bearer ${secrets.wrongToken}` }
      expect((await post(fixture(name), signature, cookie)).status).toBe(202)
      expect((await post(fixture(name), signature)).status).toBe(200)
    }
    const body = fixture('06-prompt-deleted.json')
    expect((await post(body, sign(body, { secret: secrets.wrongToken, t }))).status).toBe(401)
    expect((await post(body, secrets.wrongToken)).status).toBe(401)
    expect((await post(body, sign(body, { secret: secrets.webhook, t: t - 4000 }))).status).toBe(401)
    const broken = Buffer.from('{"no json')
    expect((await post(broken, sign(broken, { secret: secrets.older, t }))).status).toBe(400)
    const callback = fixture('x2-web-callout.json')
    for (const token of [secrets.callback, secrets.wrongToken])
      await ask('/api/callbacks/langfuse', {
        method: 'POST',
        body: new Uint8Array(callback),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      })
    // The accepted one works for 45 s.
    for (const path of ['/api/cron', '/api/metrics'])
      for (const token of [secrets.wrongToken, secrets.cron, secrets.metrics])
        await ask(path, {
          headers: { authorization: `Bearer ${token}` },
          signal: AbortSignal.timeout(2000),
        }).catch(() => null)
    const { page, close } = await visit(browser)
    await page.goto(`${app.url}/login`)
    await page.getByLabel('Password').fill(secrets.wrongPassword)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page
      .getByText(/wrong|not the password/i)
      .first()
      .waitFor()
    seen.set('wrong login', await page.content())
    await close()
  }

  /** Every page, with each change of the list, with a session. */
  async function look(): Promise<void> {
    const cookie = await sessionCookie(browser, app)
    const list = await (await ask('/', { headers: { cookie } })).text()
    const changes = [...new Set(list.match(/\/changes\/chg_[0-9a-f]+/g))]
    expect(changes.length).toBeGreaterThanOrEqual(4)
    const events = await (await ask('/events', { headers: { cookie } })).text()
    const bodies = [...new Set(events.match(/evt_[0-9a-f]+/g))].slice(0, 3).map((id) => `/events/${id}/body`)
    const rest = [
      '/rejected',
      '/setup',
      '/setup?ask=1',
      '/replay',
      '/usage',
      '/login',
      '/nowhere',
      '/api/health',
      '/api/live',
      '/api/live?after=x',
    ]
    for (const path of [...changes, ...bodies, ...rest]) await ask(path, { headers: { cookie } })
  }

  async function drive(): Promise<void> {
    await knock()
    // Until no delivery is pending.
    const db = await openDatabase(data.url)
    for (let i = 0; i < 300; i++) {
      const waiting = await db
        .selectFrom('deliveries')
        .select('id')
        .where('next_at', 'is not', null)
        .where('status', '!=', 'retrying')
        .execute()
      const tried = await db.selectFrom('attempts').select('number').execute()
      if (waiting.length === 0 && tried.length >= 12) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await db.destroy()
    await look()
  }

  it('were all used: each was sent to where it belongs', () => {
    const wire = JSON.stringify(echo.seen.map(({ path, headers, raw }) => [path, headers, raw.toString()]))
    const basic = Buffer.from(`pk-lf-public:${secrets.langfuse}`).toString('base64')
    for (const secret of [
      secrets.slack,
      secrets.discord,
      secrets.github,
      secrets.pagerduty,
      secrets.webhookQuery,
      basic,
    ])
      expect(wire.includes(secret)).toBe(true)
    const exported = JSON.stringify(collector.seen.map(({ headers }) => headers))
    expect(exported.includes(secrets.otel)).toBe(true)
  })

  it('are in no page and no answer', () => {
    expect(seen.size).toBeGreaterThan(20)
    for (const [path, text] of seen) expect([path, found(text)]).toEqual([path, []])
  })

  it('are nowhere in the store', async () => {
    const text = await everyTable(data.url)
    // The store was read, and the vendors did echo.
    expect(text).toContain('[secret]')
    expect(found(text)).toEqual([])
  })

  it('are in no span', () => {
    const spans = collector.seen.map(({ raw }) => raw.toString()).join('\n')
    expect(spans).toContain('send slack')
    expect(found(spans)).toEqual([])
  })

  it('are not in the log, whose every line is JSON', async () => {
    expect(found(app.output())).toEqual([])
    const lines = app
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message)
    for (const message of ['event', 'rejected', 'settled', 'attempt']) expect(messages).toContain(message)
  })
})

describe('a configuration that is wrong', () => {
  it('is reported with its variables, never their values', async () => {
    const planted = made('planted')
    const app = await startApp({
      DATABASE_URL: `mysql://relay:${planted}@db/relay`,
      DASHBOARD_PASSWORD: 'short',
      LANGFUSE_WEBHOOK_SECRET: 'short',
      SLACK_WEBHOOK_URL: `hooks.slack.test/${planted}`,
      GITHUB_TOKEN: planted,
      GITHUB_APP_ID: '1',
      GITHUB_APP_PRIVATE_KEY: githubApp.privateKey.slice(0, 400),
      PAGERDUTY_ROUTING_KEY: `${planted}!`,
      WEBHOOK_SECRET: planted,
      WEBHOOK_URL: planted,
    })
    const texts = [app.output()]
    for (const path of ['/api/health', '/login', '/', '/api/cron', '/api/metrics', '/api/webhooks/langfuse'])
      texts.push(await (await fetch(app.url + path)).text())
    await app.stop()
    const all = `${texts.join('\n')}${app.output()}`
    expect(all).toContain('PAGERDUTY_ROUTING_KEY')
    expect(all.includes(planted)).toBe(false)
    expect(all.includes(githubApp.privateKey.slice(60, 100))).toBe(false)
  })

  it('that is valid but unreachable does not reveal the password of the database', async () => {
    const planted = made('planted')
    const app = await startApp({
      DATABASE_URL: `postgres://relay:${planted}@127.0.0.1:1/relay`,
      DASHBOARD_PASSWORD: password,
    })
    const texts: string[] = []
    for (const path of ['/api/health', '/login', '/api/live'])
      texts.push(await (await fetch(app.url + path)).text())
    const body = fixture('01-prompt-created-text.json')
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
    const refused = await fetch(`${app.url}/api/webhooks/langfuse`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers,
    })
    expect(refused.status).toBe(503)
    texts.push(await refused.text())
    await app.stop()
    expect(`${texts.join('\n')}${app.output()}`.includes(planted)).toBe(false)
  })
})
