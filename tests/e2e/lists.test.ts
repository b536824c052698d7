import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { seedStore } from './seed.ts'
import { logIn, password, type Visit, visit } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let one: Visit

beforeAll(async () => {
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
  // Without JavaScript, lists are read and paged through links alone.
  one = await visit(browser, { javaScriptEnabled: false })
  await logIn(one.page, app)
})

afterAll(async () => {
  await one.close()
  await browser.close()
  await app.stop()
  data.remove()
})

describe('a list', () => {
  it('shows the first steps while it is empty', async () => {
    const { page } = one
    await page.goto(`${app.url}/`)
    const steps = await page.getByRole('listitem').allInnerTexts()
    expect(steps).toHaveLength(3)
    expect(steps[0]).toContain(`${app.url}/api/webhooks/langfuse`)
    // The secret is set, but no target is.
    expect(steps.map((step) => step.startsWith('Done'))).toEqual([true, false, false])
  })

  it('says that nothing matches, and links back', async () => {
    const { page } = one
    await page.goto(`${app.url}/?prompt=nowhere`)
    await page.getByText('Nothing matches these filters.').waitFor()
    await page.getByRole('link', { name: 'Clear' }).last().click()
    await page.waitForURL(`${app.url}/`)
  })

  it('says that there are no events and no rejections', async () => {
    const { page } = one
    await page.goto(`${app.url}/events`)
    await page.getByText('No events yet').waitFor()
    await page.goto(`${app.url}/rejected`)
    await page.getByText('No rejected requests').waitFor()
  })

  it('has pages that do not move while new changes arrive', async () => {
    const { page } = one
    const change = (ago: number) =>
      ({
        ago,
        kind: 'tags-changed',
        subject: `prompt ${ago}`,
        title: `Someone tagged prompt ${ago}`,
      }) as const
    await seedStore(
      data.url,
      Array.from({ length: 120 }, (_, i) => change(i + 10)),
      Date.now(),
    )
    const shown = async () => {
      const names = await page.getByRole('row').getByRole('link').allInnerTexts()
      return [names.length, names[0], names.at(-1)]
    }
    await page.goto(`${app.url}/`)
    await expect.poll(shown).toEqual([50, 'prompt 10', 'prompt 59'])
    await seedStore(data.url, [change(1)], Date.now())
    await page.getByRole('link', { name: 'Older' }).click()
    await expect.poll(shown).toEqual([50, 'prompt 60', 'prompt 109'])
    await page.getByRole('link', { name: 'Older' }).click()
    await expect.poll(shown).toEqual([20, 'prompt 110', 'prompt 129'])
    expect(await page.getByRole('link', { name: 'Older' }).count()).toBe(0)
    await page.getByRole('link', { name: 'Newer' }).click()
    await expect.poll(shown).toEqual([50, 'prompt 60', 'prompt 109'])
    await page.getByRole('link', { name: 'Newest' }).click()
    await expect.poll(shown).toEqual([50, 'prompt 1', 'prompt 58'])
  })
})
