import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { move, seedStore } from './seed.ts'
import { password, sessionCookie } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let db: Db
let cookie: string
let changePath: string

beforeAll(async () => {
  db = await openDatabase(data.url)
  app = await startApp({
    DATABASE_URL: data.url,
    DASHBOARD_PASSWORD: password,
    SLACK_WEBHOOK_URL: 'http://127.0.0.1:9/services/T0/B0/nobodyListens',
  })
  browser = await launchChromium()
  cookie = await sessionCookie(browser, app)
})

beforeEach(async () => {
  for (const table of ['deliveries', 'changes', 'replays', 'targets'] as const)
    await db.deleteFrom(table).execute()
  const now = Date.now()
  // Held for an hour, so that nothing is sent meanwhile.
  const circuit = { failures: 5, opened: 1, next_slot_at: 0, announced_at: null, open_until: now + 3_600_000 }
  await db
    .insertInto('targets')
    .values({ name: 'slack', ...circuit })
    .execute()
  const change = {
    kind: 'promoted',
    subject: 'a',
    title: 'Maya promoted a v2 to production, was v1',
  } as const
  const waiting = (target: string) => ({ target, status: 'retrying', failures: 2, nextIn: 60 }) as const
  const deliveries = [
    { target: 'slack', status: 'failed' } as const,
    waiting('elsewhere'),
    waiting('nowhere'),
  ]
  const detail = move('production', 1, 2)
  const [seeded] = await seedStore(data.url, [{ ago: 1, ...change, detail, deliveries }], now)
  changePath = `/changes/${seeded?.changeId}`
  const replay = { id: 'rpl_1', filter: '', mode: 'as-it-was' as const, total: 10, until: 'chg_z', after: '' }
  const progress = { done: 1, queued: 1, left: 0, claim: 1, finished_at: null, cancelled: 0 }
  await db
    .insertInto('replays')
    .values({ ...replay, ...progress, created_at: now, next_at: now + 600_000 })
    .execute()
})

afterAll(async () => {
  await browser.close()
  await app.stop()
  await db.destroy()
  data.remove()
})

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(app.url + path, { headers, redirect: 'manual' })

/** Sends the first form of a page that holds all of `marks`, as a browser without JavaScript would. */
async function sendForm(path: string, marks: string[], headers: Record<string, string>): Promise<Response> {
  const html = await (await get(path, { cookie })).text()
  const forms = html.match(/<form[\s\S]*?<\/form>/g) ?? []
  const form = forms.find((one) => marks.every((mark) => one.includes(mark)))
  if (!form) throw new Error(`There is no form with ${marks} on ${path}`)
  const body = new FormData()
  for (const [, name = '', value = ''] of form.matchAll(/name="([^"]*)"(?: value="([^"]*)")?/g))
    if (!body.has(name)) body.set(name, value)
  // What a browser takes from the radio that is checked and the button that is pressed.
  if (form.includes('name="mode"')) body.set('mode', 'as-it-was')
  if (form.includes('name="kind"')) body.set('kind', 'promoted')
  return fetch(app.url + path, { method: 'POST', headers, body, redirect: 'manual' })
}

/** All that the writes below would change. */
async function stored() {
  const changes = await db.selectFrom('changes').select('id').orderBy('id').execute()
  const deliveries = await db
    .selectFrom('deliveries')
    .select(['change_id', 'target', 'status'])
    .orderBy('id')
    .execute()
  const replays = await db.selectFrom('replays').select(['id', 'cancelled']).orderBy('id').execute()
  return { changes, deliveries, replays }
}

const writes: [string, () => string, string[]][] = [
  ['a test event', () => '/setup', ['value="promoted"']],
  ['a test message', () => '/setup', ['name="target"']],
  ['a replay of all that match', () => '/replay', ['name="expected"']],
  ['the cancelling of a replay', () => '/replay/rpl_1', ['name="replay"']],
  ['the cancelling of one delivery', () => changePath, ['name="change"', 'name="delivery"']],
  ['the cancelling of all that wait', () => changePath, ['name="change"', 'Cancel all']],
  ['a replay of a change', () => changePath, ['name="delivered"']],
]

describe.each(writes)('%s', (_what, path, marks) => {
  const own = () => ({ cookie, origin: app.url })
  it.each<[string, () => Record<string, string>]>([
    ['without a session', () => ({ origin: app.url })],
    ['with a forged session', () => ({ origin: app.url, cookie: `${cookie.slice(0, -8)}AAAAAAAA` })],
    ['from another site', () => ({ cookie, origin: 'https://evil.example' })],
    ['without an Origin', () => ({ cookie })],
  ])('%s changes nothing', async (_how, headers) => {
    const before = await stored()
    const response = await sendForm(path(), marks, headers())
    expect(response.status).not.toBe(200)
    expect(await stored()).toEqual(before)
  })

  it('with both is done', async () => {
    const before = await stored()
    expect((await sendForm(path(), marks, own())).status).toBe(303)
    await expect.poll(stored).not.toEqual(before)
    const settling = db.selectFrom('changes').select('id').where('status', '=', 'settling')
    await expect.poll(() => settling.execute(), { timeout: 10_000 }).toEqual([])
  })
})

describe('who is not logged in', () => {
  it.each(['/setup', '/replay', '/replay/rpl_1', '/replay/rpl_gone'])(
    'gets the login in place of %s',
    async (path) => {
      const response = await get(path)
      expect(response.status).toBe(307)
      const to = new URL(response.headers.get('location') ?? '', app.url)
      expect([to.pathname, to.searchParams.get('next')]).toEqual(['/login', path])
    },
  )

  it('gets after it the filter that was asked for', async () => {
    const response = await get('/replay?status=failed&target=slack&nonsense=1')
    const to = new URL(response.headers.get('location') ?? '', app.url)
    expect(to.searchParams.get('next')).toBe('/replay?status=failed&target=slack')
  })
})
