import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { fixture } from '../fixtures.ts'
import { launchChromium } from './chromium.ts'
import { type Seeded, seedStore } from './seed.ts'
import { hostileName, teamWeek } from './team-week.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let state: SignedIn
let seeded: Seeded[]

beforeAll(async () => {
  const now = Date.now()
  seeded = await seedStore(data.url, teamWeek, now)
  const db = await openDatabase(data.url)
  const circuit = { failures: 5, opened: 2, next_slot_at: 0, announced_at: null }
  await db
    .insertInto('targets')
    .values({ name: 'github', open_until: now + 3_600_000, ...circuit })
    .execute()
  const rejection = {
    door: 'langfuse-webhook',
    reason: 'expired',
    message: 'The signature is 412 s old, limit 300 s.',
  }
  await db
    .insertInto('rejections')
    .values({
      ...rejection,
      id: 'rej_1',
      at: now,
      status_code: 401,
      method: 'POST',
      address: null,
      user_agent: hostileName,
      size: 34,
      head: Buffer.from('{"a":"<script>alert(1)</script>"}'),
    })
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

const codeOf = (character: string): string =>
  `U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

const changePath = (index: number) => `/changes/${seeded[index]?.changeId}`

const look = looksAt(() => ({ browser, app, state }))

const views: [string, BrowserContextOptions][] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

const paths: [string, () => string][] = [
  ['the changes', () => '/'],
  ['the events', () => '/events'],
  ['the rejections', () => '/rejected'],
  ['a promotion', () => changePath(1)],
  ['a failed delivery', () => changePath(5)],
  ['a hostile change', () => changePath(7)],
  ['a settling change', () => changePath(0)],
  ['no match', () => '/?prompt=nowhere'],
  ['a change that is gone', () => '/changes/chg_gone'],
]

describe.each(views)('%s', (_view, options) => {
  it.each(paths)(
    '%s has no accessibility violation, no console error and no sideways scrolling',
    async (_what, path) => {
      await look(
        path(),
        async ({ page }) => {
          // All at once: an open panel may cover the next one's handle.
          await page.locator('details').evaluateAll((all) => {
            for (const one of all) one.setAttribute('open', '')
          })
          await isAccessible(page)
          await fits(page)
        },
        options,
      )
    },
  )
})

describe('the list of changes', () => {
  it('says what happened to which version, with which labels, by whom, from how many events', async () => {
    await look('/', async ({ page }) => {
      const row = page.getByRole('row').filter({ hasText: /Promoted/ })
      await expect.poll(() => row.innerText()).toMatch(/support\/refund-reply\s+v6 → v7/)
      const text = await row.innerText()
      for (const part of ['production', 'from 2 events', 'Maya Okonkwo']) expect(text).toContain(part)
    })
  })

  it('shows the state of each delivery', async () => {
    await look('/', async ({ page }) => {
      const row = (text: RegExp) => page.getByRole('row').filter({ hasText: text }).innerText()
      expect(await row(/Promoted/)).toMatch(/slack 412 ms/)
      expect(await row(/Rolled back/)).toMatch(/github held, next in \d+ min/)
      expect(await row(/Deleted/)).toMatch(/github failed/)
      expect(await row(/Tags/)).toMatch(/slack queued/)
      const skipped = page
        .getByRole('row')
        .filter({ hasText: /New version/ })
        .getByTitle('production to GitHub')
      expect(await skipped.innerText()).toBe('github skipped')
    })
  })

  it('shows a change while it settles', async () => {
    await look('/', async ({ page }) => {
      const first = page.getByRole('row').nth(1)
      expect(await first.innerText()).toMatch(/Settling\s+checkout\/upsell/)
    })
  })

  it('is a table for a screen reader, even on a phone', async () => {
    for (const width of [1440, 390]) {
      await look(
        '/',
        async ({ page }) => {
          expect(await page.getByRole('table', { name: 'Changes, newest first' }).count()).toBe(1)
          expect(await page.getByRole('cell').count()).toBe(teamWeek.length * 5)
        },
        { viewport: { width, height: 800 } },
      )
    }
  })

  it('shows the exact time of the focused row', async () => {
    await look('/', async ({ page }) => {
      const row = page.getByRole('row').filter({ hasText: /Promoted/ })
      await row.getByRole('link').focus()
      expect(await row.locator('time').innerText()).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/)
    })
  })

  it('opens the change by a click anywhere on its row', async () => {
    await look('/', async ({ page }) => {
      await page
        .getByRole('row')
        .filter({ hasText: /Promoted/ })
        .getByRole('cell')
        .first()
        .click({ force: true })
      await page.waitForURL(app.url + changePath(1))
    })
  })

  it('shows counts on the tabs', async () => {
    await look('/', async ({ page }) => {
      const tabs = page.getByRole('navigation', { name: 'Lists' })
      expect((await tabs.innerText()).split(/\s+/)).toEqual([
        'Changes',
        '10',
        'Events',
        '13',
        'Rejected',
        '1',
      ])
      await tabs.getByRole('link', { name: 'Rejected' }).click()
      await page.getByText('The signature is 412 s old, limit 300 s.').waitFor()
    })
  })

  it('shows only one prompt, and all again', async () => {
    await look(changePath(1), async ({ page }) => {
      await page.getByRole('link', { name: 'All changes of this prompt' }).click()
      await page.waitForURL(`${app.url}/?prompt=support%2Frefund-reply`)
      await expect.poll(() => page.getByRole('row').count()).toBe(3)
      await page.getByRole('link', { name: 'Clear' }).click()
      await page.waitForURL(`${app.url}/`)
    })
  })
})

describe('hostile text', () => {
  it('is shown as text, with invisible characters as codes', async () => {
    await look('/', async ({ page }) => {
      const link = page
        .getByRole('row')
        .filter({ hasText: /First seen/ })
        .getByRole('link')
      expect(await link.textContent()).toBe(hostileName.replaceAll(/\p{Cc}|\p{Cf}/gu, codeOf))
    })
  })

  it('links only to web addresses', async () => {
    await look(changePath(7), async ({ page }) => {
      expect(await page.getByText('Open in Langfuse').count()).toBe(1)
      expect(await page.getByText('Bad link').count()).toBe(0)
    })
  })
})

describe('a change', () => {
  it('has a sentence as its title, the difference, every attempt and the events', async () => {
    await look(changePath(1), async ({ page }) => {
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toMatch(
        /^Maya Okonkwo promoted\s+support\/refund-reply\s+v7 to production, was v6$/,
      )
      const difference = await page.getByRole('region', { name: 'Difference' }).innerText()
      for (const part of [
        'Keep it short.',
        'Say sorry first.',
        '34 more lines',
        '+ order_id',
        'temperature',
      ]) {
        expect(difference).toContain(part)
      }
      const slack = page.getByRole('article', { name: 'Delivery to slack' })
      expect(await slack.innerText()).toMatch(/Attempt 1\s+delivered\s+HTTP 200\s+412 ms/)
      await slack.getByText('Request and response').click()
      expect(await slack.getByRole('group', { name: 'Response' }).innerText()).toBe('ok')
      expect(await page.getByRole('article', { name: 'Event' }).count()).toBe(2)
    })
  })

  it('shows part of a large payload, with its size, and the exact bytes as a download', async () => {
    await look(changePath(7), async ({ page }) => {
      const event = page.getByRole('article', { name: 'Event' }).first()
      await event.getByText('Payload, 206 KB').click()
      expect(await event.innerText()).toContain('The first 32 KB of 206 KB.')
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        event.getByRole('link', { name: 'Download' }).click(),
      ])
      expect(download.suggestedFilename()).toBe(`${seeded[7]?.eventIds[0]}.json`)
      const chunks: Buffer[] = []
      for await (const chunk of await download.createReadStream()) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(fixture('03-prompt-created-200kb.json'))).toBe(true)
    })
  })

  it('copies its id', async () => {
    await look(
      changePath(1),
      async ({ page }) => {
        await page.getByRole('button', { name: 'Copy the id' }).click()
        await page.getByRole('button', { name: 'Copied the id' }).waitFor()
        expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(seeded[1]?.changeId)
      },
      { permissions: ['clipboard-read', 'clipboard-write'] },
    )
  })

  it('that was deleted says so', async () => {
    await look(
      '/changes/chg_gone',
      async ({ page }) => {
        expect(await page.innerText('main')).toContain('delivered changes are kept for 90 days')
      },
      { javaScriptEnabled: false },
    )
  })
})
