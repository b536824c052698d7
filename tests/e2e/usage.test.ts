import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { secret } from '../fixtures.ts'
import { mockKeys, mockLangfuse, mockProject, startLangfuseStandIn } from '../mocks/langfuse-api.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { until } from './traffic.ts'
import { isAccessible, logIn, password, type Visit, visit } from './visit.ts'

const data = dataFolder()
const langfuse = mockLangfuse(Date.now)
let standIn: StandIn
let slack: StandIn
let app: App
let browser: Browser
let one: Visit

beforeAll(async () => {
  const at = Date.now() - 60_000
  const failing = { level: 'ERROR', traceName: 'checkout-agent', statusMessage: '<b>no answer</b>' }
  const used = { usageDetails: { input: 100, output: 20, total: 120 }, totalCost: 0.25 }
  langfuse.observations = [
    { id: 'e1', start: at, ...failing },
    { id: 'e2', start: at + 1000, ...failing },
    {
      id: 'g1',
      start: at,
      type: 'GENERATION',
      parentObservationId: 'e1',
      providedModelName: '=gpt-5',
      ...used,
    },
  ]
  standIn = await startLangfuseStandIn(langfuse)
  slack = await startSlackStandIn()
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    LANGFUSE_WEBHOOK_SECRET: secret,
    LANGFUSE_BASE_URL: standIn.url,
    LANGFUSE_PUBLIC_KEY: mockKeys.publicKey,
    LANGFUSE_SECRET_KEY: mockKeys.secretKey,
    POLL_SECONDS: '5',
    SLACK_WEBHOOK_URL: slack.url,
  })
  browser = await launchChromium()
  one = await visit(browser)
  await logIn(one.page, app)
  expect(await until(() => slack.requests.length > 0, 30_000)).toBe(true)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await Promise.all([standIn.close(), slack.close()])
  data.remove()
})

it('shows the traces of a burst, with links into Langfuse', async () => {
  const { page } = one
  await page.goto(app.url)
  await page.getByRole('link', { name: 'checkout-agent' }).click()
  await page.getByRole('heading', { level: 1, name: '2 errors in checkout-agent within a minute' }).waitFor()
  const table = page.getByRole('table', { name: 'Traces' })
  expect(await table.getByText('<b>no answer</b>').count()).toBe(2)
  const hrefs = await table
    .getByRole('link', { name: 'Trace' })
    .evaluateAll((links) => links.map((link) => link.getAttribute('href')))
  expect(hrefs).toEqual(
    ['e1', 'e2'].map((id) => `${standIn.url}/project/${mockProject}/traces/trace-of-${id}?observation=${id}`),
  )
  await isAccessible(page)
  expect(one.troubles).toEqual([])
})

it('shows what generations used, and exports it as CSV', async () => {
  const { page } = one
  await page.goto(app.url)
  await page.getByRole('link', { name: 'Usage' }).click()
  await page.getByRole('heading', { level: 1, name: 'Usage' }).waitFor()
  const row = page.getByRole('row', { name: /=gpt-5/ })
  expect(await row.innerText()).toMatch(/1\s+100\s+20\s+120\s+\$0\.25/)
  expect(await page.getByRole('img', { name: /Usage by day, .*\$0\.25, 120 tokens/ }).count()).toBe(1)
  await isAccessible(page)
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'CSV' }).click(),
  ])
  expect(download.suggestedFilename()).toBe('usage.csv')
  expect(one.troubles).toEqual([])
})

it('exports nothing without a session', async () => {
  const response = await fetch(`${app.url}/usage/csv`, { redirect: 'manual' })
  expect(response.status).toBeGreaterThanOrEqual(300)
  expect(response.status).toBeLessThan(400)
  expect(await response.text()).not.toContain('gpt-5')
})

it('shows on the setup page that polling works, and which endpoints it uses', async () => {
  const { page } = one
  await page.goto(`${app.url}/setup`)
  await page.getByText('Reading v2 observations and v3 scores. Last complete').waitFor()
  expect(langfuse.problems).toEqual([])
})
