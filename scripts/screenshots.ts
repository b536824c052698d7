/**
 * `npm run screenshots`: builds the app, fills it as the demo does, and takes the screenshots of the README, light and
 * dark, into `docs/images`.
 */
import { mkdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../tests/e2e/chromium.ts'
import { buildApp, type Demo, sendEdits, startDemo } from './demo-data.ts'

const folder = fileURLToPath(new URL('../docs/images', import.meta.url))
const prompt = 'support/refund-reply'

interface View {
  scheme: 'light' | 'dark'
  width: number
  height: number
  /** Of the file names. */
  suffix: string
}

const views: View[] = [
  { scheme: 'light', width: 1440, height: 900, suffix: 'light' },
  { scheme: 'dark', width: 1440, height: 900, suffix: 'dark' },
]
const phone: View = { scheme: 'light', width: 390, height: 844, suffix: 'phone' }

/** Opens the app and logs in. */
async function open(browser: Browser, { url, password }: Demo, view: View): Promise<Page> {
  const context = await browser.newContext({
    colorScheme: view.scheme,
    viewport: { width: view.width, height: view.height },
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  await page.goto(`${url}/login`)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(`${url}/`)
  return page
}

/** The pointer must not hover over a row. */
async function take(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0)
  await page.evaluate(() => document.fonts.ready)
  const path = `${folder}/${name}.png`
  await page.screenshot({ path })
  console.log(`  docs/images/${name}.png  ${Math.round(statSync(path).size / 1024)} KB`)
}

async function tour(page: Page, { url }: Demo, suffix: string): Promise<void> {
  await page.goto(`${url}/`)
  await take(page, `changes-${suffix}`)
  const promotion = page
    .getByRole('row')
    .filter({ hasText: /Promoted/ })
    .getByRole('link')
  await page.goto(`${url}${await promotion.getAttribute('href')}`)
  await take(page, `change-${suffix}`)
  await page.goto(`${url}/prompts/${prompt}?from=6&to=7&view=split`)
  await take(page, `prompt-${suffix}`)
}

console.log('Building the app…')
const buildCode = await buildApp()
if (buildCode !== 0) process.exit(buildCode)
mkdirSync(folder, { recursive: true })
const demo = await startDemo()
try {
  await demo.ready()
  await sendEdits(demo, () => undefined)
  const browser = await launchChromium()
  console.log('Taking screenshots…')
  for (const view of views) {
    const page = await open(browser, demo, view)
    await tour(page, demo, view.suffix)
    await page.context().close()
  }
  const page = await open(browser, demo, phone)
  await take(page, `changes-${phone.suffix}`)
  await browser.close()
} finally {
  await demo.end()
}
