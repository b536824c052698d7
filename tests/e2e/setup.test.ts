import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, dataFolder, startApp } from '../app.ts'
import { secret, sign } from '../fixtures.ts'
import { startGithubStandIn } from '../mocks/github.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { launchChromium } from './chromium.ts'
import { seedStore } from './seed.ts'
import { eventFor, post, until } from './traffic.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn, type Visit } from './visit.ts'

const data = dataFolder()
let slack: StandIn
let github: StandIn
let app: App
let browser: Browser
let state: SignedIn

beforeAll(async () => {
  slack = await startSlackStandIn()
  github = await startGithubStandIn()
  const change = { ago: 60, kind: 'promoted', subject: 'support/refund', title: 'Maya promoted it' } as const
  await seedStore(data.url, [{ ...change, deliveries: [{ target: 'github', status: 'failed' }] }], Date.now())
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    LANGFUSE_WEBHOOK_SECRET: `${secret},lf-whsec_of-another-automation`,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    GITHUB_REPO: 'acme/prompts',
    GITHUB_TOKEN: 'stand-in-token',
    GITHUB_API_URL: github.url,
    SETTLE_MS: '100',
  })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await Promise.all([slack.close(), github.close()])
  data.remove()
})

const look = looksAt(() => ({ browser, app, state }))

const row = ({ page }: Visit, title: string, state: string) =>
  page.getByRole('listitem').filter({
    has: page.getByRole('heading', { level: 3, name: new RegExp(`^${title} ?: ${state}$`) }),
  })

describe('the setup page', () => {
  it('is linked from every page', async () => {
    await look('/events', async ({ page }) => {
      await page.getByRole('link', { name: 'Setup' }).click()
      await page.waitForURL(`${app.url}/setup`)
      await page.getByRole('heading', { level: 1, name: 'Setup' }).waitFor()
    })
  })

  it('ticks what it has seen, and says what is left to do', async () => {
    await look('/setup', async (one) => {
      const { page } = one
      const address = row(one, 'URL for Langfuse', 'Problem')
      expect(await address.innerText()).toContain('Langfuse refuses private addresses')
      expect(await address.innerText()).toContain(`${app.url}/api/webhooks/langfuse`)
      expect(await row(one, 'Signed events', 'Not yet').innerText()).toContain('None has arrived yet')
      const failing = row(one, 'github', 'Problem')
      expect(await failing.innerText()).toContain('One delivery was given up.')
      expect(await row(one, 'slack', 'Not yet').innerText()).toContain('Nothing has been delivered yet')
      expect(await row(one, 'Password of these pages', 'OK').count()).toBe(1)
      expect(await row(one, 'Database', 'OK').innerText()).toContain('SQLite')
      expect(await page.content()).not.toContain(secret)
      expect(await page.content()).not.toContain(slack.url)

      await failing.getByRole('link', { name: '1 failed delivery' }).click()
      await page.getByRole('link', { name: 'support/refund' }).waitFor()
    })
  })

  it('ticks signed events once one has arrived, and shows which secret signed it', async () => {
    const answer = await post(app.url, eventFor('support/ticks'))
    expect(answer?.status).toBe(202)
    await look('/setup', async (one) => {
      expect(await row(one, 'Signed events', 'OK').innerText()).toContain('The last one arrived')
      const secrets = await one.page
        .getByRole('list', { name: 'Secrets' })
        .getByRole('listitem')
        .allInnerTexts()
      expect(secrets[0]).toMatch(new RegExp(`^…${secret.slice(-4)}\\s+last matched`))
      expect(secrets[1]).toMatch(/^…tion\s+matches none of the newest events$/)
    })
  })

  it('shows that someone signs with another secret, and ignores unsigned requests', async () => {
    const send = (headers: Record<string, string>) =>
      fetch(`${app.url}/api/webhooks/langfuse`, { method: 'POST', body: '{}', headers })
    expect((await send({})).status).toBe(401)
    await look('/setup', async (one) => {
      expect(await row(one, 'Signed events', 'OK').count()).toBe(1)
    })
    const header = sign('{}', { secret: 'lf-whsec_of-somebody-else', t: Math.floor(Date.now() / 1000) })
    expect((await send({ 'x-langfuse-signature': header })).status).toBe(401)
    await look('/setup', async (one) => {
      const events = row(one, 'Signed events', 'Problem')
      expect(await events.innerText()).toContain('The newest signed request was refused')
      await events.getByRole('link', { name: 'Rejected requests' }).click()
      await one.page.waitForURL(`${app.url}/rejected`)
    })
  })

  it('checks on request whether the targets are reachable, and posts nothing', async () => {
    const before = [slack.requests.length, github.requests.length]
    await look('/setup', async (one) => {
      expect(await row(one, 'Clock', 'OK').count()).toBe(0)
      await one.page.getByRole('button', { name: 'Check connections' }).click()
      await row(one, 'Clock', 'OK').waitFor()
      expect(await row(one, 'slack', '(OK|Not yet)').innerText()).toContain('Slack was reached.')
      expect(await row(one, 'github', 'Problem').innerText()).toContain('GitHub shows acme/prompts.')
    })
    expect(slack.requests.length).toBe(before[0])
    expect(github.requests.slice(before[1]).map(({ method }) => method)).toEqual(['GET'])
  })

  it('copies the URL', async () => {
    await look(
      '/setup',
      async ({ page }) => {
        await page.getByRole('button', { name: 'Copy the URL for webhooks' }).click()
        await page.getByRole('button', { name: 'Copied the URL for webhooks' }).waitFor()
        const copied = await page.evaluate(() => navigator.clipboard.readText())
        expect(copied).toBe(`${app.url}/api/webhooks/langfuse`)
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    )
  })
})

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('a test %s', (_way, javaScriptEnabled) => {
  it('of a promotion reaches the targets that the rules choose, marked as a test', async () => {
    const before = [slack.requests.length, github.requests.length]
    await look(
      '/setup',
      async ({ page }) => {
        const button = page.getByRole('button', { name: 'Send a test: Promoted' })
        expect(await page.getByRole('listitem').filter({ has: button }).innerText()).toContain(
          'to slack, github',
        )
        await button.click()
        await page.getByRole('heading', { name: 'Test sent' }).waitFor()
        const counts = () => [
          slack.requests.length - (before[0] ?? 0),
          github.requests.length - (before[1] ?? 0),
        ]
        expect(await until(() => counts().every((count) => count === 1), 10_000)).toBe(true)
        const chips = async () => {
          if (!javaScriptEnabled) await page.reload()
          return page.getByRole('list', { name: 'Deliveries of the test' }).innerText()
        }
        await expect.poll(chips, { timeout: 10_000 }).toMatch(/slack [\d.]+ m?s/)
        await page.getByRole('link', { name: 'Open the change' }).click()
        await page
          .getByRole('heading', { level: 1, name: /promoted prompt-relay\/test\/promoted v2/ })
          .waitFor()
      },
      { javaScriptEnabled },
    )
    expect(JSON.stringify(slack.requests.at(-1)?.body)).toContain('"text":"test · project prompt-relay-test')
    expect(JSON.stringify(github.requests.at(-1)?.body)).toContain(
      '"promptName":"prompt-relay/test/promoted"',
    )
  })

  it('message goes to one target only', async () => {
    const before = [slack.requests.length, github.requests.length]
    await look(
      '/setup',
      async ({ page }) => {
        await page.getByRole('button', { name: 'Send a test message to slack' }).click()
        await page.getByRole('heading', { name: 'Test sent' }).waitFor()
        expect(await until(() => slack.requests.length === (before[0] ?? 0) + 1, 10_000)).toBe(true)
        await page.getByText('A test message to slack').first().waitFor()
      },
      { javaScriptEnabled },
    )
    expect(github.requests.length).toBe(before[1])
  })

  it('request that must be rejected is rejected, and listed', async () => {
    await look(
      '/setup',
      async ({ page }) => {
        await page.getByRole('button', { name: 'Send a request that must be refused: Expired' }).click()
        await page.waitForURL(/\/rejected$/)
        await page.getByText(/s old/).first().waitFor()
      },
      { javaScriptEnabled },
    )
  })
})

const views: [string, BrowserContextOptions][] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

describe.each(views)('the setup page %s', (_view, options) => {
  it('has no accessibility violation, no console error and no sideways scrolling', async () => {
    await look(
      '/setup',
      async ({ page }) => {
        await page.getByRole('button', { name: 'Send a test: Alert' }).click()
        await page.getByRole('heading', { name: 'Test sent' }).waitFor()
        await page.getByRole('list', { name: 'Deliveries of the test' }).waitFor()
        await isAccessible(page)
        await fits(page)
      },
      options,
    )
  })
})
