import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import type { StandIn } from '../mocks/stand-in.ts'
import { webhookSecret } from '../mocks/webhook.ts'
import { launchChromium } from './chromium.ts'
import { move, type Seed, seedStore } from './seed.ts'
import { fits, isAccessible, looksAt, password, type SignedIn, signedIn } from './visit.ts'

const data = dataFolder()
let slack: StandIn
let app: App
let browser: Browser
let db: Db
let state: SignedIn

beforeAll(async () => {
  slack = await startSlackStandIn()
  db = await openDatabase(data.url)
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '0',
    WEBHOOK_URL: 'http://127.0.0.1:1',
    WEBHOOK_SECRET: webhookSecret,
    WEBHOOK_ALLOW_PRIVATE: '1',
  })
  browser = await launchChromium()
  state = await signedIn(browser, app)
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await slack.close()
  await db.destroy()
  data.remove()
})

beforeEach(async () => {
  for (const table of ['attempts', 'deliveries', 'changes', 'replays'] as const)
    await db.deleteFrom(table).execute()
})

const look = looksAt(() => ({ browser, app, state }))

const seedOf = (i: number, deliveries: Seed['deliveries'] = []): Seed => ({
  ago: 10 + i,
  kind: 'promoted',
  subject: `prompt-${i}`,
  title: `Maya promoted prompt-${i} v2 to production, was v1`,
  version: 2,
  detail: move('production', 1, 2),
  deliveries,
})

const seed = (count: number, deliveries: Seed['deliveries']) =>
  seedStore(
    data.url,
    Array.from({ length: count }, (_, i) => seedOf(i, deliveries)),
    Date.now(),
  )

const statuses = async (target: string): Promise<Record<string, number>> => {
  const rows = await db
    .selectFrom('deliveries')
    .select(['status', (eb) => eb.fn.countAll<number>().as('count')])
    .where('target', '=', target)
    .groupBy('status')
    .execute()
  return Object.fromEntries(rows.map((row) => [row.status, Number(row.count)]))
}

const cellsOf = (page: Page, target: string) =>
  page
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name: target }) })
    .getByRole('cell')
    .allInnerTexts()

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('a replay of all matching changes, %s,', (_way, javaScriptEnabled) => {
  it('says what it would post again before it starts, and shows its progress', async () => {
    await seed(12, [
      { target: 'slack', status: 'delivered' },
      { target: 'elsewhere', status: 'failed' },
    ])
    await look(
      '/replay',
      async ({ page }) => {
        await page.getByText('12 changes match.').waitFor()
        expect(await cellsOf(page, 'slack')).toEqual(['12', '0', '0'])
        expect(await cellsOf(page, 'elsewhere')).toEqual(['0', '0', '12'])
        await page.getByText('12 deliveries have already arrived and will be posted a second time.').waitFor()
        expect(await statuses('slack')).toEqual({ delivered: 12 })
        await page.getByRole('button', { name: 'Replay 12 changes' }).click()
        await page.waitForURL(/\/replay\/rpl_/)
        if (!javaScriptEnabled) {
          const isDone = async () =>
            (await db.selectFrom('replays').select('next_at').executeTakeFirst())?.next_at
          await expect.poll(isDone, { timeout: 10_000 }).toBeNull()
          await page.reload()
        }
        await page.getByText('12 of 12').waitFor()
        await page.getByText('12 deliveries were queued; 12 were left unchanged.').waitFor()
      },
      { javaScriptEnabled },
    )
    await expect.poll(() => statuses('slack'), { timeout: 10_000 }).toEqual({ delivered: 12 })
    expect(await statuses('elsewhere')).toEqual({ failed: 12 })
  })

  it('says what a repeat causes at each target that already has a delivery', async () => {
    const note = 'webhook: It has the same webhook-id, so its receiver can recognise it.'
    await seed(2, [
      { target: 'slack', status: 'delivered' },
      { target: 'webhook', status: 'delivered' },
    ])
    await look('/replay', ({ page }) => page.getByText(note).waitFor(), { javaScriptEnabled })
    await db.updateTable('deliveries').set({ status: 'failed' }).execute()
    await look(
      '/replay',
      async ({ page }) => {
        await page.getByText('2 changes match.').waitFor()
        expect(await page.getByText(note).count()).toBe(0)
      },
      { javaScriptEnabled },
    )
  })

  it('replays only what matches the filter', async () => {
    await seed(3, [{ target: 'slack', status: 'delivered' }])
    await seedStore(
      data.url,
      [seedOf(50, [{ target: 'slack', status: 'failed', reason: 'HTTP 500' }])],
      Date.now(),
    )
    await look(
      '/replay?status=failed&target=slack',
      async ({ page }) => {
        const filter = page.getByRole('list', { name: 'Filter' }).getByRole('listitem')
        expect(await filter.allInnerTexts()).toEqual(['status failed', 'target slack'])
        expect(await cellsOf(page, 'slack')).toEqual(['0', '1', '0'])
        expect(await page.getByText('a second time').count()).toBe(0)
        await page.getByRole('button', { name: 'Replay 1 change' }).click()
        await page.waitForURL(/\/replay\/rpl_/)
      },
      { javaScriptEnabled },
    )
    const before = slack.requests.length
    await expect.poll(() => statuses('slack'), { timeout: 10_000 }).toEqual({ delivered: 4 })
    expect(slack.requests.length - before).toBeLessThanOrEqual(1)
  })

  it('can be cancelled', async () => {
    await seed(1, [{ target: 'elsewhere', status: 'failed' }])
    // Claimed by a slow worker.
    const row = {
      id: 'rpl_1',
      filter: 'status=failed',
      mode: 'as-it-was' as const,
      total: 4000,
      until: 'chg_z',
      after: 'chg_1',
      done: 1280,
      queued: 1279,
      left: 1,
      created_at: Date.now(),
      next_at: Date.now() + 60_000,
      claim: 1,
      finished_at: null,
      cancelled: 0,
    }
    await db.insertInto('replays').values(row).execute()
    await look(
      '/replay',
      async ({ page }) => {
        await page.getByRole('link', { name: 'status failed' }).click()
        await page.getByText('1,280 of 4,000').waitFor()
        await page.getByRole('button', { name: 'Cancel the rest' }).click()
        await page.getByText('Cancelled', { exact: true }).waitFor()
        await expect.poll(() => page.getByRole('button', { name: 'Cancel the rest' }).count()).toBe(0)
      },
      { javaScriptEnabled },
    )
    expect((await db.selectFrom('replays').selectAll().executeTakeFirst())?.cancelled).toBe(1)
  })

  it('does not start if more changes match by then', async () => {
    await seed(1, [{ target: 'slack', status: 'delivered' }])
    await look(
      '/replay',
      async ({ page }) => {
        await page.getByText('1 change matches.').waitFor()
        await seedStore(data.url, [seedOf(77)], Date.now())
        await page.getByRole('button', { name: 'Replay 1 change' }).click()
        await page.getByText('more changes match now').waitFor()
        await page.getByText('2 changes match.').waitFor()
      },
      { javaScriptEnabled },
    )
    expect(await statuses('slack')).toEqual({ delivered: 1 })
  })

  it('of one change asks first, and can use the current rules', async () => {
    const [one] = await seed(1, [{ target: 'elsewhere', status: 'delivered' }])
    const before = slack.requests.length
    await look(
      `/changes/${one?.changeId}`,
      async ({ page }) => {
        await page.getByText('Replay all…').click()
        await page.getByText('Already delivered to elsewhere').waitFor()
        await page.getByRole('radio', { name: /With the current rules/ }).check()
        await page.getByRole('button', { name: 'Post again to all' }).click()
        await page.getByRole('article', { name: 'Delivery to slack' }).waitFor()
      },
      { javaScriptEnabled },
    )
    await expect.poll(() => statuses('slack'), { timeout: 10_000 }).toEqual({ delivered: 1 })
    expect(slack.requests.length).toBe(before + 1)
    expect(await statuses('elsewhere')).toEqual({ delivered: 1 })
  })

  it('of one change without a target says so', async () => {
    const [one] = await seed(1, [{ target: 'elsewhere', status: 'failed' }])
    await look(
      `/changes/${one?.changeId}`,
      async ({ page }) => {
        await page.getByText('Replay all…').click()
        await page.getByRole('button', { name: 'Replay all' }).click()
        await page.getByText('Nothing was replayed').waitFor()
      },
      { javaScriptEnabled },
    )
  })

  it('can cancel waiting deliveries, one by one and all at once', async () => {
    const waiting = (target: string) => ({ target, status: 'retrying', failures: 2, nextIn: 60 }) as const
    const [one] = await seed(1, [waiting('elsewhere'), waiting('nowhere'), waiting('far-away')])
    await look(
      `/changes/${one?.changeId}`,
      async ({ page }) => {
        await page.getByRole('button', { name: 'Cancel for nowhere' }).click()
        await page.getByText('nowhere cancelled').waitFor()
        expect(await statuses('elsewhere')).toEqual({ retrying: 1 })
        await page.getByRole('button', { name: 'Cancel all waiting' }).click()
        await page.getByText('elsewhere cancelled').waitFor()
        await page.getByText('far-away cancelled').waitFor()
      },
      { javaScriptEnabled },
    )
    expect(await statuses('elsewhere')).toEqual({ cancelled: 1 })
  })
})

const views: [string, BrowserContextOptions][] = [
  ['in light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } }],
  ['in dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
]

describe.each(views)('%s', (_view, options) => {
  const paths: [string, string][] = [
    ['the question', '/replay?status=delivered&status=failed&kind=promoted'],
    ['nothing to replay', '/replay?prompt=nowhere'],
    ['progress', '/replay/rpl_1'],
    ['a replay that has ended', '/replay/rpl_2'],
    ['a replay that is gone', '/replay/rpl_gone'],
    ['the question of one change', ''],
  ]
  it.each(paths)('%s has no accessibility violation and no sideways scrolling', async (_what, path) => {
    const [one] = await seed(14, [
      { target: 'slack', status: 'delivered' },
      { target: 'elsewhere', status: 'retrying', failures: 2, nextIn: 60, reason: 'HTTP 502' },
      { target: 'nowhere', status: 'retrying', failures: 2, nextIn: 60, reason: 'HTTP 502' },
    ])
    const job = {
      filter: 'status=failed&target=slack',
      mode: 'as-it-was' as const,
      total: 4000,
      until: 'chg_z',
      after: 'chg_1',
      done: 1280,
      queued: 1279,
      left: 1,
      created_at: Date.now() - 4000,
      claim: 1,
    }
    const running = { id: 'rpl_1', next_at: Date.now() + 60_000, finished_at: null, cancelled: 0 }
    const ended = { id: 'rpl_2', next_at: null, finished_at: Date.now(), cancelled: 0, done: 4000 }
    await db
      .insertInto('replays')
      .values([
        { ...job, ...running },
        { ...job, ...ended },
      ])
      .execute()
    await look(
      path === '' ? `/changes/${one?.changeId}` : path,
      async ({ page }) => {
        if (path === '') {
          await page.getByText('Replay all…').click()
          const { x = -1 } = (await page.getByRole('group', { name: 'How' }).boundingBox()) ?? {}
          expect(x).toBeGreaterThan(0)
        }
        await isAccessible(page)
        await fits(page)
      },
      options,
    )
  })
})
