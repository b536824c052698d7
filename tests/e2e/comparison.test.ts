import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { mockKeys } from '../mocks/langfuse-api.ts'
import { type LangfuseServer, startLangfuseServer } from '../mocks/langfuse-server.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn, type Visit } from './visit.ts'

const data = dataFolder()
let slack: StandIn
let langfuse: LangfuseServer
let app: App
let browser: Browser
let state: SignedIn

const hour = 3_600_000

beforeAll(async () => {
  slack = await startSlackStandIn()
  langfuse = await startLangfuseServer()
  langfuse.setClock(Date.now() - hour)
  for (let i = 0; i < 15; i++) langfuse.model.edit('create', { name: `team-${i}/prompt`, after: 0 })
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    LANGFUSE_BASE_URL: langfuse.url,
    LANGFUSE_PUBLIC_KEY: mockKeys.publicKey,
    LANGFUSE_SECRET_KEY: mockKeys.secretKey,
    POLL_SECONDS: '0',
    // Nothing is compared before someone presses the button.
    RECONCILE_SECONDS: '3600',
    RECONCILE_GRACE_SECONDS: '0',
    SETTLE_MS: '100',
  })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await Promise.all([slack.close(), langfuse.close()])
  data.remove()
})

const look = looksAt(() => ({ browser, app, state }))

const views: [string, BrowserContextOptions][] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
]

const row = ({ page }: Visit) =>
  page
    .getByRole('listitem')
    .filter({ has: page.getByRole('heading', { level: 3, name: /^Comparison with Langfuse/ }) })

/** Reloads until the page shows it: what is waited for happens in the background. */
async function shows({ page }: Visit, words: RegExp): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (words.test(await page.getByRole('main').innerText())) return
    await page.waitForTimeout(200)
    await page.reload()
  }
  expect(await page.getByRole('main').innerText()).toMatch(words)
}

const health = async () => (await (await fetch(`${app.url}/api/health`)).json()).reconciliation

describe('comparing with Langfuse', () => {
  it('is shown in the health line, in health and on the setup page once everything was compared', async () => {
    await look('/', async (one) => {
      await shows(one, /Checked with Langfuse .* · 0 missing in 1 minute/)
    })
    await look('/setup', async (one) => {
      expect(await row(one).innerText()).toMatch(/0 missing in 1 minute\. Last compared/)
      expect(await row(one).getByRole('button', { name: 'Compare now' }).count()).toBe(1)
    })
    expect(await health()).toMatchObject([
      { project: 'default', state: 'checked', missingToday: 0, missingIn30Days: 0 },
    ])
  })

  it('is done at the press of a button, without JavaScript too, and finds what no webhook reported', async () => {
    langfuse.setClock(Date.now())
    langfuse.model.edit('create', { name: 'team-3/prompt', after: 0 })
    await look(
      '/setup',
      async (one) => {
        await row(one).getByRole('button', { name: 'Compare now' }).click()
        await one.page.waitForURL(`${app.url}/setup#incoming`)
        await shows(one, /1 found today/)
      },
      { javaScriptEnabled: false },
    )
    await look('/', async (one) => {
      await shows(one, /Checked with Langfuse .* · 1 found today \(\d\d:\d\d UTC\)/)
      await one.page.getByRole('link', { name: /1 found today/ }).click()
      await one.page.waitForURL(`${app.url}/?q=reconciled`)
      await one.page.getByRole('link', { name: 'team-3/prompt' }).first().waitFor()
    })
    expect(await health()).toMatchObject([{ state: 'found', missingToday: 1, missingIn30Days: 1 }])
  })

  it('asks before many deletions are reported, names them, and reports them when someone confirms', async () => {
    for (const [name, versions] of [...langfuse.model.prompts]) langfuse.model.deleteByApi(name, versions)
    await look('/setup', async (one) => {
      const { page } = one
      await row(one).getByRole('button', { name: 'Compare now' }).click()
      await row(one).getByText('versions are gone in Langfuse').waitFor({ timeout: 20_000 })
      await row(one)
        .getByRole('link', { name: /^Review the deletions/ })
        .click()
      await page.getByRole('heading', { level: 1, name: 'Deletions in Langfuse' }).waitFor()
    })
    for (const [, options] of views)
      await look(
        '/setup/deletions?project=default',
        async ({ page }) => {
          await page.getByRole('list', { name: 'Deleted versions' }).getByText('team-3/prompt').waitFor()
          await isAccessible(page)
          await fits(page)
        },
        options,
      )
    await look('/setup/deletions?project=default', async (one) => {
      const { page } = one
      await page.getByRole('button', { name: /^Report \d+ versions as deleted$/ }).click()
      await page.waitForURL(`${app.url}/setup#incoming`)
      await page.goto(`${app.url}/?q=reconciled&kind=deleted`)
      await shows(one, /team-14\/prompt/)
    })
    expect(app.output()).toMatch(/"message":"deletions confirmed","project":"default"/)
    await look('/setup/deletions?project=default', async ({ page }) => {
      await page.getByText('No deletions wait to be confirmed.').waitFor()
    })
  })

  it.each(views)('fits on the pages: %s', async (_, options) => {
    for (const path of ['/', '/setup'])
      await look(
        path,
        async ({ page }) => {
          await isAccessible(page)
          await fits(page)
        },
        options,
      )
  })
})
