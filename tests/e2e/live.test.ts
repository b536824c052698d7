import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { type Seed, type Seeded, seedStore } from './seed.ts'
import { logIn, password, sessionCookie, type Visit, visit } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let one: Visit

const tagged = (subject: string, more: Partial<Seed> = {}): Seed => ({
  ago: 0,
  kind: 'tags-changed',
  subject,
  title: `Someone tagged ${subject}`,
  // Due far in the future, so that the app's loop leaves it alone.
  deliveries: [{ target: 'slack', status: 'queued', nextIn: 600 }],
  ...more,
})

async function seedOne(seed: Seed): Promise<Seeded> {
  const [seeded] = await seedStore(data.url, [seed], Date.now())
  if (!seeded) throw new Error('nothing was seeded')
  return seeded
}

async function settleDelivery(id = '', status: 'delivered' | 'failed'): Promise<void> {
  const db = await openDatabase(data.url)
  await db
    .updateTable('deliveries')
    .set({ status, next_at: null, finished_at: Date.now() })
    .where('id', '=', id)
    .execute()
  await db.destroy()
}

beforeAll(async () => {
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
})

beforeEach(async () => {
  one = await visit(browser)
  await logIn(one.page, app)
  return async () => {
    await one.close()
  }
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  data.remove()
})

const banner = (page: Page) => page.locator('[aria-live="polite"]')
const row = (page: Page, name: string) => page.locator('tbody tr').filter({ hasText: name })
const top = (page: Page, name: string) => row(page, name).evaluate((tr) => tr.getBoundingClientRect().top)
const soon = { timeout: 8000 }

describe('an open list', () => {
  it('shows the number of new changes without moving a row, and the changes on click', async () => {
    const { page } = one
    await seedOne(tagged('first', { ago: 3 }))
    await page.goto(`${app.url}/`)
    const before = await top(page, 'first')
    await seedOne(tagged('second'))
    await expect.poll(() => banner(page).innerText(), soon).toBe('1 new')
    await seedOne(tagged('third'))
    await expect.poll(() => banner(page).innerText(), soon).toBe('2 new')
    expect(await top(page, 'first')).toBe(before)
    expect(await row(page, 'second').count()).toBe(0)
    await page.getByRole('button', { name: '2 new' }).click()
    await row(page, 'third').waitFor()
    await row(page, 'second').waitFor()
    await expect.poll(() => banner(page).innerText()).toBe('')
    expect(one.troubles).toEqual([])
  })

  it('updates its rows in place, even while new ones wait', async () => {
    const { page } = one
    const watched = await seedOne(tagged('watched', { ago: 1 }))
    await page.goto(`${app.url}/`)
    const link = row(page, 'watched').getByRole('link')
    await link.focus()
    const before = await top(page, 'watched')
    await row(page, 'watched').getByText('waiting, next').waitFor()
    await seedOne(tagged('later'))
    await settleDelivery(watched.deliveryIds[0], 'delivered')
    await row(page, 'watched').getByText('slack delivered').waitFor(soon)
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true)
    expect(await top(page, 'watched')).toBe(before)
    expect(await row(page, 'later').count()).toBe(0)
    expect(one.troubles).toEqual([])
  })

  it('counts only changes that match its filter, even if none matched before', async () => {
    const { page } = one
    await page.goto(`${app.url}/?prompt=matching`)
    await page.getByText('Nothing matches these filters.').waitFor()
    await seedOne(tagged('unwanted'))
    await seedOne(tagged('matching'))
    await expect.poll(() => banner(page).innerText(), soon).toBe('1 new')
    await page.getByRole('button', { name: '1 new' }).click()
    await row(page, 'matching').waitFor()
  })

  it('is answered 304 if nothing is new, and stops polling while hidden', async () => {
    const { page } = one
    const answers: number[] = []
    page.on('response', (response) => {
      if (response.url().includes('/api/live')) answers.push(response.status())
    })
    await page.goto(`${app.url}/`)
    await expect.poll(() => answers.slice(0, 2), { timeout: 10_000 }).toEqual([200, 304])
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: true, configurable: true })
    })
    await page.waitForTimeout(500)
    const before = answers.length
    await page.waitForTimeout(5000)
    expect(answers).toHaveLength(before)
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { value: false, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await expect.poll(() => answers.length, { timeout: 1500 }).toBe(before + 1)
  })

  it('says that the session has ended, and stops polling', async () => {
    const { page } = one
    await page.goto(`${app.url}/`)
    await page.context().clearCookies()
    await expect.poll(() => banner(page).innerText(), soon).toBe('You are logged out. Log in again')
  })
})

describe('the request of an open list', () => {
  const ask = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/api/live${query}`, { headers })

  it('is answered only with a session', async () => {
    const { status } = await ask('?newest=chg_0&shown=')
    expect(status).toBe(401)
  })

  it.each([
    ['?newest=chg_0&shown=', 200],
    ['?newest=chg_0', 400],
    ['?newest=evt_0&shown=', 400],
    [`?newest=chg_0&shown=${'chg_0,'.repeat(60)}chg_0`, 400],
  ])('%s is answered by %i', async (query, status) => {
    const cookie = await sessionCookie(browser, app)
    expect((await ask(query, { cookie })).status).toBe(status)
  })
})
