import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import type { DeliveryRow } from '#lib/store/schema.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { move, type SeedDelivery, seedStore } from './seed.ts'
import { logIn, password, type Visit, visit } from './visit.ts'

/** No target of this name is configured, so the loop leaves what is queued for it alone. */
const target = 'elsewhere'

const data = dataFolder()
let app: App
let browser: Browser
let db: Db

beforeAll(async () => {
  db = await openDatabase(data.url)
  app = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: password })
  browser = await launchChromium()
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await db.destroy()
  data.remove()
})

/** A change with one delivery: its page, and the delivery as stored. */
async function withDelivery(delivery: Omit<SeedDelivery, 'target'>) {
  const change = {
    kind: 'promoted',
    subject: 'a',
    title: 'Maya promoted a v2 to production, was v1',
  } as const
  const detail = move('production', 1, 2)
  const [seeded] = await seedStore(
    data.url,
    [{ ago: 1, ...change, detail, deliveries: [{ target, ...delivery }] }],
    Date.now(),
  )
  const id = seeded?.deliveryIds[0] ?? ''
  const stored = (): Promise<DeliveryRow> =>
    db.selectFrom('deliveries').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
  return { id, path: `/changes/${seeded?.changeId}`, stored }
}

describe.each([
  ['with JavaScript', true],
  ['without JavaScript', false],
])('a replay %s', (_way, javaScriptEnabled) => {
  let one: Visit
  let page: Page
  beforeEach(async () => {
    one = await visit(browser, { javaScriptEnabled })
    page = one.page
  })
  afterEach(async () => {
    expect(one.troubles).toEqual([])
    await one.close()
  })

  it('of a failed delivery is queued at once', async () => {
    const { path, stored } = await withDelivery({ status: 'failed', failures: 13, reason: 'HTTP 404' })
    await logIn(page, app, path)
    await page.getByRole('button', { name: 'Replay' }).click()
    await page.getByText(`${target} queued`).first().waitFor()
    expect(await stored()).toMatchObject({ status: 'queued', failures: 0, reason: null })
  })

  it('of a delivery that waits for a retry makes it due now', async () => {
    const { path, stored } = await withDelivery({
      status: 'retrying',
      failures: 2,
      nextIn: 60,
      reason: 'HTTP 502',
    })
    await logIn(page, app, path)
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText(`${target} queued`).first().waitFor()
    expect((await stored()).next_at).toBeLessThanOrEqual(Date.now())
  })

  it('of a delivered one asks first, because it will post again', async () => {
    const { path, stored } = await withDelivery({ status: 'delivered' })
    await logIn(page, app, path)
    expect(await page.getByRole('button', { name: 'Post again' }).isVisible()).toBe(false)
    await page.getByText('Replay…').click()
    expect(await page.getByText(`A replay posts it to ${target} again.`).isVisible()).toBe(true)
    expect(await stored()).toMatchObject({ status: 'delivered' })
    await page.getByRole('button', { name: 'Post again' }).click()
    await page.getByText(`${target} queued`).first().waitFor()
    expect(await stored()).toMatchObject({ status: 'queued' })
  })

  it('does nothing if it was delivered after the page was loaded', async () => {
    const { id, path, stored } = await withDelivery({ status: 'retrying', failures: 2, nextIn: 60 })
    await logIn(page, app, path)
    await db
      .updateTable('deliveries')
      .set({ status: 'delivered', next_at: null })
      .where('id', '=', id)
      .execute()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('it has been delivered since you loaded this page').waitFor()
    expect(await stored()).toMatchObject({ status: 'delivered' })
  })

  it('says so if it is being sent right now', async () => {
    const { id, path, stored } = await withDelivery({ status: 'retrying', failures: 2, nextIn: 60 })
    await logIn(page, app, path)
    await db.updateTable('deliveries').set({ status: 'sending' }).where('id', '=', id).execute()
    await page.getByRole('button', { name: 'Try now' }).click()
    await page.getByText('It was not replayed').waitFor()
    expect(await stored()).toMatchObject({ status: 'sending' })
  })

  it('is not offered for a skipped delivery, or one that is being sent', async () => {
    for (const status of ['skipped', 'sending'] as const) {
      const { path } = await withDelivery({ status, nextIn: 60 })
      await page.context().clearCookies()
      await logIn(page, app, path)
      expect(await page.getByRole('button', { name: /Replay|Try now|Post again/ }).count()).toBe(0)
    }
  })
})
