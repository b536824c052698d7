import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { seedStore } from './seed.ts'
import { teamWeek } from './team-week.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let state: SignedIn

beforeAll(async () => {
  const now = Date.now()
  await seedStore(data.url, teamWeek, now)
  const test = { ago: 5, kind: 'tags-changed', subject: 'a test', title: 'A test' } as const
  const [seeded] = await seedStore(data.url, [test], now)
  const db = await openDatabase(data.url)
  await db
    .updateTable('changes')
    .set({ test: 1 })
    .where('id', '=', seeded?.changeId ?? '')
    .execute()
  await db.destroy()
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  data.remove()
})

const look = looksAt(() => ({ browser, app, state }))

const withoutJavaScript = { javaScriptEnabled: false }
const shown = async (page: Page): Promise<string[]> => {
  const rows = await page.locator('tbody tr').all()
  return Promise.all(rows.map(async (row) => (await row.getByRole('cell').first().innerText()).trim()))
}
const pathOf = (page: Page): string => page.url().slice(app.url.length)

describe('a filter in the address', () => {
  it.each([
    ['several statuses', '?status=failed&status=retrying', ['Rolled back', 'Deleted']],
    ['a status that is still to come', '?status=settling', ['Settling']],
    ['several kinds', '?kind=promoted,deleted', ['Promoted', 'Deleted']],
    ['a prompt', '?prompt=support/refund-reply', ['Promoted', 'New version']],
    ['a folder', '?prompt=support/', ['Promoted', 'New version']],
    ['a label', '?label=production', ['Promoted', 'Rolled back', 'Deleted']],
    ['a target', '?target=github', ['Promoted', 'Rolled back', 'Deleted']],
    ['an HTTP class', '?http=4xx', ['Deleted']],
    ['no answer', '?http=none', ['Rolled back']],
    ['the last hour', '?time=1h', ['Settling', 'Promoted', 'New version', 'Alert']],
    ['danger', '?danger=1', ['Alert', 'Deleted']],
    ['tests alone', '?test=only', ['Tags changed']],
    ['words in a prompt or an error', '?q=token+cannot', ['Deleted']],
    ['all of it together', '?kind=deleted&label=production&http=4xx&q=legacy', ['Deleted']],
  ])('shows %s', async (_what, query, expected) => {
    await look(
      `/${query}`,
      async ({ page }) => expect(await shown(page)).toEqual(expected),
      withoutJavaScript,
    )
  })

  it('hides tests by default', async () => {
    await look('/', async ({ page }) => expect(await shown(page)).toHaveLength(teamWeek.length))
    await look('/?test=shown', async ({ page }) =>
      expect(await shown(page)).toHaveLength(teamWeek.length + 1),
    )
  })

  it('that does not exist is ignored, with a notice', async () => {
    await look('/?status=lost&time=never&kind=deleted', async ({ page }) => {
      expect(await shown(page)).toEqual(['Deleted'])
      const note = await page.getByRole('note').innerText()
      expect(note).toContain('"lost" is ignored: status must be one of')
      expect(note).toContain('"never" is ignored: time must be one of')
    })
  })

  it('shows its count, and links to the replay of all matching changes', async () => {
    await look('/?status=failed', async ({ page }) => {
      await page.getByText('1 change', { exact: true }).waitFor()
      const replay = page.getByRole('link', { name: 'Replay all matching changes' })
      expect(await replay.getAttribute('href')).toBe('/replay?status=failed')
    })
  })
})

describe.each([
  ['without JavaScript', withoutJavaScript],
  ['with JavaScript', {}],
])('the form %s', (_how, options) => {
  it('puts the chosen filters into the address, and nothing else', async () => {
    await look(
      '/',
      async ({ page }) => {
        await page.locator('summary', { hasText: 'Filters' }).click()
        await page.locator('label.pill', { hasText: 'failed' }).click()
        await page.locator('label.pill', { hasText: 'retrying' }).click()
        await page.getByLabel('Label', { exact: true }).fill('production')
        await page.getByLabel('Time', { exact: true }).selectOption('24h')
        await page.getByRole('button', { name: 'Apply' }).click()
        await page.getByText('2 changes', { exact: true }).waitFor()
        expect(pathOf(page)).toBe('/?status=retrying%2Cfailed&label=production&time=24h')
        expect(await shown(page)).toEqual(['Rolled back', 'Deleted'])
      },
      options,
    )
  })

  it('accepts a custom range in UTC and shows it again', async () => {
    const from = new Date(Date.now() - 20 * 60_000).toISOString().slice(0, 16)
    await look(
      '/',
      async ({ page }) => {
        await page.locator('summary', { hasText: 'Filters' }).click()
        await page.getByLabel('From (UTC)').fill(from)
        await page.getByRole('button', { name: 'Apply' }).click()
        await page.getByText(`since ${from.replace('T', ' ')} UTC`).waitFor()
        expect(await shown(page)).toEqual(['Settling', 'Promoted', 'New version'])
        await page.locator('summary', { hasText: 'Filters' }).click()
        expect(await page.getByLabel('From (UTC)').inputValue()).toBe(from)
      },
      options,
    )
  })

  it('removes one filter at a time by its ×, and all by Clear', async () => {
    await look(
      '/?status=failed,retrying&q=legacy',
      async ({ page }) => {
        await page.getByRole('link', { name: 'Remove search legacy' }).click()
        await page.waitForURL(`${app.url}/?status=retrying%2Cfailed`)
        await page.getByRole('link', { name: 'Remove status retrying' }).click()
        await page.waitForURL(`${app.url}/?status=failed`)
        await page.getByText('1 change', { exact: true }).waitFor()
        await page.getByRole('link', { name: 'Clear' }).click()
        await page.waitForURL(`${app.url}/`)
        await page.getByText('checkout/upsell').waitFor()
        await expect.poll(() => page.getByLabel('Search', { exact: true }).inputValue()).toBe('')
      },
      options,
    )
  })

  it('says that nothing matches', async () => {
    await look(
      '/',
      async ({ page }) => {
        await page.getByLabel('Search', { exact: true }).fill('no one wrote this')
        await page.getByLabel('Search', { exact: true }).press('Enter')
        await page.getByText('Nothing matches these filters.').waitFor()
        await page.getByRole('link', { name: 'Clear' }).last().click()
        await page.waitForURL(`${app.url}/`)
      },
      options,
    )
  })
})

describe('the head of the list', () => {
  it('shows the health of the relay, and links to what is wrong', async () => {
    await look('/', async ({ page }) => {
      const health = page.locator('dl[aria-label="Health"]')
      const text = (await health.innerText()).replaceAll(/\s+/g, ' ')
      expect(text).toMatch(
        /Last signed event (just now|\d+ (s|min) ago) Comparison Not compared .* Oldest waiting .* github 1 open failure slack, 24 h 100%/,
      )
      await health.getByRole('link', { name: '1 open failure' }).click()
      await page.waitForURL(`${app.url}/?status=failed&target=github&test=shown`)
      await page.getByText('1 change', { exact: true }).waitFor()
    })
  })

  it('draws changes and failures over the time of the list, and says them in words', async () => {
    await look('/', async ({ page }) => {
      const chart = page.getByRole('img', { name: /^Changes and failures by hours/ })
      expect(await chart.getAttribute('aria-label')).toContain(': 6 changes, 1 failure.')
      expect(await chart.locator('g').count()).toBeGreaterThanOrEqual(24)
      await page.goto(`${app.url}/?time=7d`)
      await page.getByRole('img', { name: /: 10 changes, 1 failure\./ }).waitFor()
    })
  })
})

describe.each([
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
] as [string, BrowserContextOptions][])('%s', (_view, options) => {
  it.each([
    [
      'a filtered list',
      '/?status=failed,retrying&label=production&time=24h&q=production&test=shown&http=9xx',
    ],
    ['no match', '/?label=nowhere&status=failed'],
  ])('%s has no accessibility violation and no sideways scrolling', async (_what, path) => {
    await look(
      path,
      async ({ page }) => {
        await page.locator('summary', { hasText: 'Filters' }).click()
        await isAccessible(page)
        await fits(page)
      },
      options,
    )
  })
})
