import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { type Seeded, seedStore } from './seed.ts'
import { teamWeek } from './team-week.ts'
import { isAccessible, logIn, password, type Visit, visit } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let one: Visit
let seeded: Seeded[]

beforeAll(async () => {
  seeded = await seedStore(data.url, teamWeek, Date.now())
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
  one = await visit(browser)
  await logIn(one.page, app)
})

beforeEach(async () => {
  await one.page.goto(`${app.url}/`, { waitUntil: 'networkidle' })
})

afterAll(async () => {
  await one.close()
  await browser.close()
  await app.stop()
  data.remove()
})

const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? '')
const dialog = (page: Page) => page.getByRole('dialog', { name: 'Keyboard shortcuts' })

describe('keyboard shortcuts', () => {
  it('j and k move through the rows, and Enter opens one', async () => {
    const { page } = one
    for (const [key, name] of [
      ['j', 'checkout/upsell'],
      ['k', 'checkout/upsell'],
      ['j', 'support/refund-reply'],
    ] as const) {
      await page.keyboard.press(key)
      expect(await focused(page)).toBe(name)
    }
    await page.keyboard.press('Enter')
    await page.waitForURL(`${app.url}/changes/${seeded[1]?.changeId}`)
  })

  it('Esc leaves the row, and goes from a change back to its list', async () => {
    const { page } = one
    await page.goto(`${app.url}/?status=failed`, { waitUntil: 'networkidle' })
    await page.keyboard.press('j')
    expect(await focused(page)).toBe('legacy/greeting')
    await page.keyboard.press('Escape')
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true)
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(`${app.url}/changes/${seeded[5]?.changeId}`)
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL(`${app.url}/?status=failed`)
  })

  it('/ focuses the search, where keys are letters', async () => {
    const { page } = one
    await page.keyboard.press('/')
    await page.keyboard.type('jkr?/')
    expect(await page.getByLabel('Search', { exact: true }).inputValue()).toBe('jkr?/')
    expect(await dialog(page).count()).toBe(0)
  })

  it('r opens the confirmation of a replay, and never replays by itself', async () => {
    const { page } = one
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('r')
    await page.waitForURL(`${app.url}/changes/${seeded[1]?.changeId}#deliveries`)
    await page.getByRole('heading', { name: 'Deliveries' }).waitFor()
    await page.keyboard.press('r')
    await page.getByText('A replay posts it to github again.').waitFor()
    await page.getByRole('article', { name: 'Delivery to github' }).getByText('delivered').first().waitFor()
  })

  it('do nothing with a modifier', async () => {
    const { page } = one
    await page.keyboard.press('Alt+j')
    await page.keyboard.press('Control+?')
    expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true)
    expect(await dialog(page).count()).toBe(0)
  })

  it('? lists them in a dialog, which Esc closes', async () => {
    const { page } = one
    await page.keyboard.press('?')
    await dialog(page).waitFor()
    expect(await dialog(page).getByRole('term').allInnerTexts()).toEqual([
      'j',
      'k',
      'Enter',
      'Esc',
      '/',
      'r',
      '?',
    ])
    await page.keyboard.press('j')
    expect(await page.locator('.row-link:focus').count()).toBe(0)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      await isAccessible(page)
    }
    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'detached' })
    expect(one.troubles).toEqual([])
  })
})
