import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { type FixtureName, fixture, sign } from '../fixtures.ts'
import { launchChromium } from './chromium.ts'
import { until } from './traffic.ts'
import { isAccessible, logIn, password, type Visit, visit } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let one: Visit

async function send(name: FixtureName): Promise<void> {
  const body = fixture(name)
  const headers = { 'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }) }
  const url = `${app.url}/api/webhooks/langfuse`
  expect((await fetch(url, { method: 'POST', headers, body: body as BodyInit })).status).toBe(202)
}

beforeAll(async () => {
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password, CALLBACK_OPEN: '1' })
  browser = await launchChromium()
  one = await visit(browser)
  await logIn(one.page, app)
  await send('09-monitor-alert.json')
  await send('09b-monitor-recovered.json')
  const callback = { method: 'POST', body: fixture('x2-web-callout.json') as BodyInit }
  expect((await fetch(`${app.url}/api/callbacks/langfuse`, callback)).status).toBe(202)
  const settled = async () => {
    await one.page.goto(app.url)
    return one.page
      .getByRole('row')
      .filter({ hasText: /Alert|Recovered|Look requested/ })
      .count()
  }
  expect(await until(async () => (await settled()) === 3, 20_000)).toBe(true)
})

afterAll(async () => {
  await one.close()
  await browser.close()
  await app.stop()
  data.remove()
})

async function open(word: RegExp): Promise<string> {
  const { page } = one
  await page.goto(app.url)
  await page.getByRole('row').filter({ hasText: word }).getByRole('link').first().click()
  await page.getByRole('heading', { name: 'Events' }).waitFor()
  await isAccessible(page)
  expect(one.troubles).toEqual([])
  return page.innerText('main')
}

it('a recovery says how long its alert lasted, and the two link to each other', async () => {
  const { page } = one
  const text = await open(/Recovered/)
  expect(text).toMatch(/Recovered after 1 h:\s+p95 latency checkout agent/)
  expect(text).toContain('since 2026-08-21 15:00:00 UTC, for 1 h')
  await page.getByRole('link', { name: 'Alert: p95 latency checkout agent' }).click()
  await page.getByText('severity ALERT').waitFor()
  expect(await page.innerText('main')).toMatch(/Recovered\s+2026-08-21 16:00:00 UTC, after 1 h/)
  await page.getByRole('link', { name: '2026-08-21 16:00:00 UTC' }).click()
  await page.getByText('severity OK').waitFor()
})

it('a callback links to the trace, and says that nothing confirmed it', async () => {
  const text = await open(/Look requested/)
  expect(text).toContain('Someone asked for a look at an observation of trace 1c563dcf… (not confirmed)')
  expect(text).toContain('Callback: not signed, and without a token')
  const link = one.page.getByRole('link', { name: 'Open the observation' })
  expect(await link.getAttribute('href')).toBe(
    'https://cloud.langfuse.com/project/cmfq1x7h3000108l4b2k9d6tz/traces/1c563dcf980b449abb0dcbeaf1784e81?observation=9f8e7d6c5b4a3921',
  )
})

it('the setup page says who may send callbacks, and what confirms them', async () => {
  const { page } = one
  await page.goto(`${app.url}/setup`)
  const text = await page.innerText('main')
  expect(text).toContain('Open to anyone who knows the address, and not confirmed')
  expect(text).toContain('/api/callbacks/langfuse')
})

it('a callback is found by the id of its trace, and by its kind', async () => {
  const { page } = one
  for (const query of ['q=1c563dcf980b449abb0dcbeaf1784e81', 'kind=trace-callback']) {
    await page.goto(`${app.url}/?${query}`)
    const rows = page.getByRole('row').filter({ hasText: 'Look requested' })
    await expect.poll(() => rows.count()).toBe(1)
    expect(await page.getByRole('row').count()).toBe(2)
  }
})
