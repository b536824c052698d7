import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { type Seed, seedStore } from './seed.ts'
import { until } from './traffic.ts'
import { isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const day = 24 * 60
const reason = 'Slack answered 404 no_service: the webhook was removed'
const failure = (target: string, ago: number): Seed => ({
  ago,
  kind: 'label-added',
  subject: `prompt-${ago}`,
  title: `Maya put production on prompt-${ago} v7`,
  detail: { facts: [{ kind: 'label-added', label: 'production', to: 7 }] },
  deliveries: [{ target, status: 'failed', failures: 13, reason }],
})

const data = dataFolder()
let browser: Browser
let app: App
let slack: StandIn
let state: SignedIn

beforeAll(async () => {
  slack = await startSlackStandIn()
  const old = [1, 2, 3, 4, 5, 6].map((i) => failure('slack', 17 * day + i))
  await seedStore(data.url, [...old, failure('gone', 20 * day)], Date.now())
  const paced = { SLACK_WEBHOOK_URL: slack.url, SLACK_PER_SECOND: '0' }
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password, ...paced })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})
afterAll(async () => {
  await browser.close()
  await app.stop()
  await slack.close()
  data.remove()
})

const look = looksAt(() => ({ browser, app, state }))
const phone = { viewport: { width: 390, height: 844 } }

async function statuses(): Promise<string[]> {
  const db = await openDatabase(data.url)
  const rows = await db.selectFrom('deliveries').select('status').where('target', '=', 'slack').execute()
  await db.destroy()
  return rows.map(({ status }) => status)
}

describe('failures of last month', () => {
  it('are shown above the list with their reason, without a 100% beside them', async () => {
    await look('/', async ({ page }) => {
      const line = await page.locator('dl[aria-label="Health"]').innerText()
      expect(line).toContain('6 open failures')
      expect(line).not.toContain('100%')
      const list = page.getByRole('list', { name: 'Open failures' })
      expect(await list.innerText()).toContain(reason)
    })
  })

  it('are accessible on a phone', async () => {
    const isWithin = async ({ page }: Parameters<Parameters<typeof look>[1]>[0]) => {
      await isAccessible(page)
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect(width).toBeLessThanOrEqual(390)
    }
    await look('/', isWithin, phone)
  })

  it('are dismissed by one click if their target is gone, and stay dismissed', async () => {
    await look('/', async ({ page }) => {
      const gone = page.getByRole('listitem').filter({ hasText: 'gone' })
      expect(await gone.getByRole('button', { name: 'Replay' }).count()).toBe(0)
      await gone.getByRole('button', { name: 'Dismiss' }).click()
      await gone.waitFor({ state: 'detached' })
      await page.reload()
      expect(await page.locator('dl[aria-label="Health"]').innerText()).not.toContain('1 open failure')
    })
  })

  it('are dismissed one by one on the page of their change, which shows when', async () => {
    const db = await openDatabase(data.url)
    const { change_id: id } = await db
      .selectFrom('deliveries')
      .select('change_id')
      .where('target', '=', 'slack')
      .executeTakeFirstOrThrow()
    await db.destroy()
    await look(`/changes/${id}`, async ({ page }) => {
      await page.getByRole('button', { name: 'Dismiss' }).click()
      await page.getByText(/^Dismissed (just now|\d+ s ago)$/).waitFor()
      await page.goto(`${app.url}/`)
      expect(await page.locator('dl[aria-label="Health"]').innerText()).toContain('5 open failures')
    })
  })

  it('are replayed by one click, and disappear once delivered', async () => {
    await look('/', async ({ page }) => {
      await page.getByRole('list', { name: 'Open failures' }).getByRole('button', { name: 'Replay' }).click()
      await page.getByRole('list', { name: 'Open failures' }).waitFor({ state: 'detached' })
    })
    expect(
      await until(
        async () => (await statuses()).filter((status) => status === 'delivered').length === 5,
        20_000,
      ),
    ).toBe(true)
    expect((await statuses()).toSorted()).toEqual([...Array(5).fill('delivered'), 'failed'])
  })
})
