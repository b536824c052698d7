import AxeBuilder from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { App } from '../app.ts'

export const password = 'correct horse battery staple'

/** A page in its own browser context, with everything that went wrong in it. */
export interface Visit {
  page: Page
  /** Console errors (including violations of the content security policy), exceptions and dialogs. */
  troubles: string[]
  close: () => Promise<void>
}

export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      troubles.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => troubles.push(String(error)))
  page.on('dialog', (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`)
    dialog.dismiss().catch(() => undefined)
  })
  return { page, troubles, close: () => context.close() }
}

/** Opens a page without a session, and logs in. */
export async function logIn(page: Page, app: App, path = '/'): Promise<void> {
  await page.goto(app.url + path)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.waitForURL(app.url + path)
}

/** The cookie of a session, for requests without a browser. */
export async function sessionCookie(browser: Browser, app: App): Promise<string> {
  const { page, close } = await visit(browser)
  await logIn(page, app)
  const cookies = await page.context().cookies()
  await close()
  const session = cookies.filter(({ name }) => !name.endsWith('-device'))
  return session.map(({ name, value }) => `${name}=${value}`).join('; ')
}

export type SignedIn = BrowserContextOptions['storageState']

/** What a browser stores after a login. */
export async function signedIn(browser: Browser, app: App): Promise<SignedIn> {
  const { page, close } = await visit(browser)
  await logIn(page, app)
  const state = await page.context().storageState()
  await close()
  return state
}

/** Opens a page with a session. Fails if anything goes wrong in it, even if `test` does not notice. */
export const looksAt =
  (whose: () => { browser: Browser; app: App; state: SignedIn }) =>
  async (path: string, test: (one: Visit) => Promise<void>, options: BrowserContextOptions = {}) => {
    const { browser, app, state } = whose()
    const one = await visit(browser, { storageState: state, ...options })
    try {
      await one.page.goto(app.url + path)
      await test(one)
      expect(one.troubles).toEqual([])
    } finally {
      await one.close()
    }
  }

/** The page in its current state has no accessibility violation. */
export async function isAccessible(page: Page): Promise<void> {
  // After client-side navigation, the title arrives last.
  await page.waitForFunction(() => document.title !== '')
  const { violations } = await new AxeBuilder({ page }).analyze()
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
}

/** The page does not scroll sideways. */
export async function fits(page: Page): Promise<void> {
  const [wide, there] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
  expect(wide).toBeLessThanOrEqual(there ?? 0)
}
