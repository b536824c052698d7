import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, startApp } from '../app.ts'
import { fixture, sign } from '../fixtures.ts'
import { emptyPostgres } from '../integration/stores.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { logIn, password, visit } from './visit.ts'

describe.skipIf(process.env.TEST_POSTGRES_URL === undefined)('the pages on Postgres', () => {
  let app: App
  let browser: Browser
  let slack: StandIn
  let store: Awaited<ReturnType<typeof emptyPostgres>>

  beforeAll(async () => {
    store = await emptyPostgres()
    slack = await startSlackStandIn()
    const env = { DATABASE_URL: store.url, DASHBOARD_PASSWORD: password, SLACK_WEBHOOK_URL: slack.url }
    app = await startApp({ ...env, SETTLE_MS: '200' })
    browser = await launchChromium()
  })

  afterAll(async () => {
    await browser.close()
    await app.stop()
    await slack.close()
    await store.drop()
  })

  it('find a change by a word of its text, and replay it', async () => {
    const body = fixture('01-prompt-created-text.json')
    const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
    const url = `${app.url}/api/webhooks/langfuse`
    const answer = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body) })
    expect(answer.status).toBe(202)
    await expect.poll(() => slack.requests.length, { timeout: 10_000 }).toBe(1)

    const { page, troubles, close } = await visit(browser, { javaScriptEnabled: false })
    await logIn(page, app)
    await page.goto(`${app.url}/?q=sentences`)
    const row = page.getByRole('link', { name: 'support/refund-reply' })
    expect(await row.count()).toBe(1)
    await page.goto(`${app.url}/?q=nothing-like-it`)
    expect(await row.count()).toBe(0)
    await page.goto(`${app.url}/?status=delivered`)
    await row.click()
    await page.getByText('Replay…').first().click()
    await page.getByRole('button', { name: 'Post again' }).click()
    await expect.poll(() => slack.requests.length, { timeout: 10_000 }).toBe(2)
    expect(troubles).toEqual([])
    await close()
  })
})
