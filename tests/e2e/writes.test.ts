import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { dismissalsOf } from '#lib/store/views/open-failures.ts'
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
  // Paused for an hour, so that nothing is sent meanwhile.
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
  // What a browser adds for the checked radio and the pressed button.
  if (form.includes('name="mode"')) body.set('mode', 'as-it-was')
  if (form.includes('name="kind"')) body.set('kind', 'promoted')
  return fetch(app.url + path, { method: 'POST', headers, body, redirect: 'manual' })
}

/** Everything that the writes below would change. */
async function stored() {
  const changes = await db.selectFrom('changes').select('id').orderBy('id').execute()
  const deliveries = await db
    .selectFrom('deliveries')
    .select(['id', 'change_id', 'target', 'status'])
    .orderBy('id')
    .execute()
  const replays = await db.selectFrom('replays').select(['id', 'cancelled']).orderBy('id').execute()
  const rejections = await db.selectFrom('rejections').select('id').orderBy('id').execute()
  const dismissed = await dismissalsOf(
    db,
    deliveries.map(({ id }) => id),
  )
  return { changes, deliveries, replays, rejections, dismissed }
}

const writes: [string, () => string, string[]][] = [
  ['a test event', () => '/setup', ['value="promoted"']],
  ['a test message', () => '/setup', ['name="target"']],
  ['a replay of all matching changes', () => '/replay', ['name="expected"']],
  ['cancelling a replay', () => '/replay/rpl_1', ['name="replay"']],
  ['cancelling one delivery', () => changePath, ['name="change"', 'name="delivery"']],
  ['cancelling all waiting deliveries', () => changePath, ['name="change"', 'Cancel all']],
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

  it('with a session and the right Origin is done', async () => {
    const before = await stored()
    expect((await sendForm(path(), marks, own())).status).toBe(303)
    await expect.poll(stored).not.toEqual(before)
    const settling = db.selectFrom('changes').select('id').where('status', '=', 'settling')
    await expect.poll(() => settling.execute(), { timeout: 10_000 }).toEqual([])
  })
})

interface BuiltAction {
  exportedName: string
  workers: Record<string, unknown>
}

/** The server actions that the build contains, with their ids. `login` and `logout` need no session. */
const actions = Object.entries<BuiltAction>(
  JSON.parse(readFileSync('.next/server/server-reference-manifest.json', 'utf8')).node,
)
  .map(([id, { exportedName, workers }]) => ({ id, name: exportedName, workers: Object.keys(workers) }))
  .filter(({ name }) => name !== 'login' && name !== 'logout')

/** Calls an action as Next's script does, with fields that fit any of them. */
async function call(name: string, headers: Record<string, string>): Promise<Response> {
  const action = actions.find((one) => one.name === name)
  const onPage = (page: string): boolean => action?.workers.includes(`app/(dashboard)${page}/page`) === true
  const path = onPage('/setup') ? '/setup' : onPage('/replay') ? '/replay' : onPage('') ? '/' : changePath
  const change = changePath.slice('/changes/'.length)
  const delivery = await db
    .selectFrom('deliveries')
    .select('id')
    .where('status', '=', name === 'cancelWaiting' ? 'retrying' : 'failed')
    .executeTakeFirstOrThrow()
  const fields = {
    ...{ change, delivery: delivery.id, replay: 'rpl_1', target: 'slack', until: String(Date.now()) },
    ...{ kind: name === 'sendRefusedRequest' ? 'unsigned' : 'promoted', mode: 'as-it-was' },
    ...{ delivered: '0', filter: '', expected: '1', again: 'yes' },
  }
  const body = new FormData()
  for (const [key, value] of Object.entries(fields)) body.set(`_1_${key}`, value)
  body.set('0', name === 'freshRows' ? JSON.stringify([[change]]) : '["$K1"]')
  const target = { method: 'POST', body, redirect: 'manual' } as const
  return fetch(app.url + path, { ...target, headers: { 'next-action': action?.id ?? '', ...headers } })
}

describe('every server action', () => {
  it('is in the build', () => {
    expect(actions.map(({ name }) => name).toSorted()).toEqual([
      'cancel',
      'cancelWaiting',
      'compareNow',
      'confirmDeletions',
      'dismissDelivery',
      'dismissOpenFailures',
      'freshRows',
      'interpretAgain',
      'replayAll',
      'replayOne',
      'replayOpenFailures',
      'sendMessage',
      'sendRefusedRequest',
      'sendTestEvent',
      'start',
    ])
  })

  const writers = actions.map(({ name }) => name).filter((name) => name !== 'freshRows')
  it.each(writers)('%s redirects to the login without a session, and changes nothing', async (name) => {
    const before = await stored()
    const response = await call(name, { origin: app.url })
    expect(response.headers.get('x-action-redirect')).toMatch(/^\/login\b/)
    expect(await stored()).toEqual(before)
  })

  // The change of this test was described, and no project has keys to compare with (`comparison.test.ts` has one).
  const withNothingToDo = ['interpretAgain', 'compareNow', 'confirmDeletions']
  it.each(writers.filter((name) => !withNothingToDo.includes(name)))('%s writes with one', async (name) => {
    const before = await stored()
    const response = await call(name, { origin: app.url, cookie })
    expect(response.headers.get('x-action-redirect')).not.toMatch(/^\/login\b/)
    expect(await stored()).not.toEqual(before)
  })

  it('freshRows returns rows only with a session', async () => {
    const title = 'support/of-a-session'
    await db.updateTable('changes').set({ subject: title }).execute()
    expect(await (await call('freshRows', { origin: app.url })).text()).not.toContain(title)
    expect(await (await call('freshRows', { origin: app.url, cookie })).text()).toContain(title)
  })
})
