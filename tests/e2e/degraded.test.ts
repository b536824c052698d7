import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { eventFor, messagesAt, post, until } from './traffic.ts'
import { logIn, password, visit } from './visit.ts'

const data = dataFolder()
const token = 'a token for prometheus'
let slack: StandIn
let browser: Browser

beforeAll(async () => {
  slack = await startSlackStandIn()
  browser = await launchChromium()
})

afterAll(async () => {
  await browser.close()
  await slack.close()
  data.remove()
})

const start = (more: Record<string, string>): Promise<App> =>
  startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    METRICS_TOKEN: token,
    CRON_SECRET: 'a secret of the scheduler',
    SETTLE_MS: '100',
    ...more,
  })

describe('a configuration with a problem', () => {
  it('loses nothing: events are stored, and sent once the problem is fixed', async () => {
    const app = await start({ GITHUB_REPO: 'acme', GITHUB_TOKEN: 'x', SLAK_WEBHOOK_URL: 'x' })
    expect((await post(app.url, eventFor('load/prompt-1')))?.status).toBe(202)
    const health = await fetch(`${app.url}/api/health`)
    expect([health.status, await health.json()]).toMatchObject([
      200,
      { status: 'degraded', problems: ['GITHUB_REPO is not owner/name. Example: acme/prompts'] },
    ])
    const metrics = await fetch(`${app.url}/api/metrics`, { headers: { authorization: `bearer ${token}` } })
    expect(await metrics.text()).toContain('\nprompt_relay_configuration_problems 1\n')
    const cron = await fetch(`${app.url}/api/cron`, {
      headers: { authorization: 'Bearer a secret of the scheduler' },
    })
    expect(cron.status).toBe(503)
    const { page, close } = await visit(browser)
    await logIn(page, app)
    expect(await page.getByRole('alert').first().innerText()).toContain('nothing is settled or sent')
    await page.getByRole('link', { name: 'See Setup' }).click()
    await page.getByRole('heading', { level: 2, name: 'Configuration' }).waitFor()
    expect(await page.content()).toContain('GITHUB_REPO')
    await page.getByRole('button', { name: 'Send a test message to slack' }).click()
    await page.waitForLoadState('networkidle')
    await close()
    expect(await until(() => app.output().includes('nothing is settled or sent'), 5000)).toBe(true)
    expect(app.output()).toContain('GITHUB_REPO is not owner/name')
    expect(slack.seen).toHaveLength(0)
    expect(await app.stop()).toBe(0)

    const fixed = await start({})
    expect(await until(() => slack.seen.length === 1, 20_000)).toBe(true)
    expect(messagesAt(slack).get('load/prompt-1')).toBe(1)
    expect(await (await fetch(`${fixed.url}/api/health`)).json()).toMatchObject({ status: 'ok' })
    await fixed.stop()
  })

  it('is reported if there is no webhook secret, without which every event is rejected', async () => {
    const app = await start({ LANGFUSE_WEBHOOK_SECRET: '' })
    expect((await post(app.url, eventFor('load/prompt-3')))?.status).toBe(503)
    const health = await fetch(`${app.url}/api/health`)
    const why = 'LANGFUSE_WEBHOOK_SECRET is not set: every event'
    expect([health.status, await health.json()]).toMatchObject([
      200,
      { status: 'degraded', problems: [expect.stringContaining(why)] },
    ])
    expect(await until(() => app.output().includes(why), 5000)).toBe(true)
    await app.stop()
  })

  it('of the dashboard password does not open the pages to everyone', async () => {
    const app = await start({ DASHBOARD_PASSWORD: `"${password}"` })
    const html = await (await fetch(`${app.url}/login`)).text()
    expect(html).toContain('DASHBOARD_PASSWORD')
    expect(html).not.toContain('type="password"')
    expect((await fetch(`${app.url}/`, { redirect: 'manual' })).status).toBe(307)
    expect((await post(app.url, eventFor('load/prompt-2')))?.status).toBe(202)
    await app.stop()
  })

  it('of the variables that decide who may send callbacks rejects them all', async () => {
    const app = await start({ CALLBACK_TOKEN: 'short', CALLBACK_OPEN: '1' })
    const body = JSON.stringify({ traceId: 'trace-1' })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${app.url}/api/callbacks/langfuse`, { method: 'POST', headers, body })
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('CALLBACK_TOKEN')])
    await app.stop()
  })
})
