import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Db, openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { launchChromium } from './chromium.ts'
import { submitLogin } from './login-form.ts'
import { move, type Seeded, seedStore } from './seed.ts'
import { logIn, password, sessionCookie, visit } from './visit.ts'

const data = dataFolder()
let app: App
let browser: Browser
let db: Db
let seeded: Seeded | undefined

beforeAll(async () => {
  const change = {
    kind: 'promoted',
    subject: 'a/b',
    title: 'Maya promoted a/b v2 to production, was v1',
  } as const
  const deliveries = [{ target: 'elsewhere', status: 'failed' } as const]
  const events = ['01-prompt-created-text.json' as const]
  ;[seeded] = await seedStore(
    data.url,
    [{ ago: 1, ...change, detail: move('production', 1, 2), deliveries, events }],
    Date.now(),
  )
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

const get = (path: string, headers: Record<string, string> = {}, from: App = app) =>
  fetch(from.url + path, { headers, redirect: 'manual' })

/** Addresses of every page and file of the dashboard, by its route. */
const addresses = (): Record<string, string[]> => ({
  '/': ['/', '/?prompt=a%2Fb'],
  '/changes/[id]': [`/changes/${seeded?.changeId}`, '/changes/chg_gone'],
  '/events': ['/events'],
  '/events/[id]/body': [`/events/${seeded?.eventIds[0]}/body`],
  '/prompts/[...name]': ['/prompts/a/b', '/prompts/gone'],
  '/rejected': ['/rejected'],
  '/replay': ['/replay', '/replay?status=failed&target=slack'],
  '/replay/[id]': ['/replay/rpl_gone'],
  '/setup': ['/setup'],
  '/setup/deletions': ['/setup/deletions?project=default'],
  '/usage': ['/usage'],
  '/usage/csv': ['/usage/csv'],
})
const closedPaths = (): string[] => Object.values(addresses()).flat()

/** Sends the first form of a page that holds `marker`, as a browser without JavaScript would. */
async function sendForm(cookie: string, marker: string, headers: Record<string, string>): Promise<Response> {
  const path = `/changes/${seeded?.changeId}`
  const html = await (await get(path, { cookie })).text()
  const form = html.match(/<form[\s\S]*?<\/form>/g)?.find((one) => one.includes(marker)) ?? ''
  const body = new FormData()
  for (const [, name = '', value = ''] of form.matchAll(/name="([^"]*)"(?: value="([^"]*)")?/g))
    body.set(name, value)
  return fetch(app.url + path, { method: 'POST', headers: { cookie, ...headers }, body, redirect: 'manual' })
}

const deliveryStatus = async () =>
  (await db.selectFrom('deliveries').select('status').executeTakeFirstOrThrow()).status

describe('without a session', () => {
  it('every page and file of the build redirects to the login, and shows nothing', async () => {
    const built = JSON.parse(readFileSync('.next/app-path-routes-manifest.json', 'utf8'))
    const routes = Object.values<string>(built).filter((route) => !/^\/(_|api\/|login$)/.test(route))
    expect(routes.toSorted()).toEqual(Object.keys(addresses()).toSorted())
    for (const path of closedPaths()) {
      const response = await get(path)
      expect([path, response.status]).toEqual([path, 307])
      const to = new URL(response.headers.get('location') ?? '', app.url)
      expect(to.pathname).toBe('/login')
      expect(to.searchParams.get('next') ?? '/').toBe(path)
      expect(await response.text()).not.toMatch(/Maya|a\/b v2/)
    }
  })

  it('a filter survives the login, without what is no filter', async () => {
    const response = await get('/replay?status=failed&target=slack&nonsense=1')
    const to = new URL(response.headers.get('location') ?? '', app.url)
    expect(to.searchParams.get('next')).toBe('/replay?status=failed&target=slack')
  })

  it('an open list is answered 401', async () => {
    const response = await get('/api/live?newest=chg_0&shown=')
    expect([response.status, await response.json()]).toEqual([401, { error: 'signed out' }])
  })

  it('a made-up cookie opens nothing', async () => {
    for (const value of ['x', 'Fe26.2*1*a*b*c*d*e*f', encodeURIComponent('{"signedInAt":1}')]) {
      expect((await get('/', { cookie: `relay=${value}` })).status).toBe(307)
    }
  })

  it('the login leads back to the requested page', async () => {
    const { page, close, troubles } = await visit(browser)
    await logIn(page, app, `/changes/${seeded?.changeId}`)
    expect(await page.innerText('h1')).toContain('Maya promoted')
    expect(troubles).toEqual([])
    await close()
  })

  it('the login never leads to another site', async () => {
    for (const next of [
      'https://evil.example/',
      '//evil.example',
      '/%5cevil.example',
      '/%2f%2fevil.example',
      '/events/..//evil.example',
      '/setup/%2e%2e//evil.example',
      '/a/../..//evil.example',
    ]) {
      const { page, close } = await visit(browser)
      // A request to another site would fail and leave the browser where it is, so the requests are watched.
      const hosts = new Set<string>()
      page.on('request', (sent) => hosts.add(new URL(sent.url()).host))
      await page.goto(`${app.url}/login?next=${next}`)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button').click()
      await page.waitForURL(`${app.url}/`)
      expect([...hosts]).toEqual([new URL(app.url).host])
      await close()
    }
  })

  it('a form changes nothing', async () => {
    const cookie = await sessionCookie(browser, app)
    const response = await sendForm(cookie, 'name="delivery"', { cookie: 'relay=x', origin: app.url })
    expect(response.headers.get('location')).toContain('/login')
    expect(await deliveryStatus()).toBe('failed')
  })
})

describe('a session', () => {
  it('is a cookie that scripts cannot read, other sites cannot send, and that expires after a week', async () => {
    const { page, close } = await visit(browser)
    await logIn(page, app)
    const cookie = (await page.context().cookies()).find(({ name }) => name === 'relay')
    expect(cookie).toMatchObject({ name: 'relay', httpOnly: true, sameSite: 'Lax', path: '/' })
    expect(((cookie?.expires ?? 0) * 1000 - Date.now()) / 86_400_000).toBeCloseTo(7, 1)
    expect(cookie?.value).not.toContain(password)
    await close()
  })

  it('has a __Host- cookie, sent over https only, if the pages are served over https', async () => {
    const other = dataFolder()
    const https = await startApp({
      DATABASE_URL: other.url,
      DASHBOARD_PASSWORD: password,
      PUBLIC_URL: 'https://relay.example.com',
    })
    // Chromium accepts secure cookies from localhost.
    const { page, close } = await visit(browser)
    await logIn(page, https)
    const cookies = (await page.context().cookies()).toSorted((a, b) => a.name.localeCompare(b.name))
    expect(cookies).toMatchObject([
      { name: '__Host-relay', httpOnly: true, secure: true, path: '/' },
      { name: '__Host-relay-device', httpOnly: true, secure: true, path: '/' },
    ])
    await close()
    await https.stop()
    other.remove()
  })

  it('ends on logout', async () => {
    const { page, close } = await visit(browser)
    await logIn(page, app)
    const copied = (await page.context().cookies()).find(({ name }) => name === 'relay')
    const cookie = `${copied?.name}=${copied?.value}`
    expect((await get('/', { cookie })).status).toBe(200)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.waitForURL(`${app.url}/login`)
    expect((await page.context().cookies()).map(({ name }) => name)).toEqual(['relay-device'])
    await page.goto(`${app.url}/events`)
    expect(page.url()).toContain('/login?next=%2Fevents')
    // Even with a copy of the cookie.
    expect((await get('/', { cookie })).status).toBe(307)
    await close()
  })

  it('ends when the password changes', async () => {
    const cookie = await sessionCookie(browser, app)
    expect((await get('/', { cookie })).status).toBe(200)
    const changed = await startApp({ DATABASE_URL: data.url, DASHBOARD_PASSWORD: `${password}!` })
    expect((await get('/', { cookie }, changed)).status).toBe(307)
    await changed.stop()
  })

  it('writes only from forms of this site', async () => {
    const cookie = await sessionCookie(browser, app)
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, {}]) {
      const response = await sendForm(cookie, 'name="delivery"', headers as Record<string, string>)
      expect(response.status).toBe(403)
      expect(await deliveryStatus()).toBe('failed')
    }
    expect((await sendForm(cookie, 'name="delivery"', { origin: app.url })).status).toBe(303)
    expect(await deliveryStatus()).toBe('queued')
  })
})

/** A reverse proxy that forwards requests under the app's own host name, as nginx does by default. */
async function startProxy(): Promise<{ url: string; stop: () => void }> {
  const { hostname, port, host } = new URL(app.url)
  const proxy = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const forwarded = request({ hostname, port, method, path, headers: { ...headers, host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    stop: () => {
      proxy.closeAllConnections()
      proxy.close()
    },
  }
}

describe('behind a proxy that does not forward the host', () => {
  it.each([true, false])(
    'a login names both addresses and the variable to set (JavaScript: %s)',
    async (javaScriptEnabled) => {
      const proxy = await startProxy()
      const { page, close } = await visit(browser, { javaScriptEnabled })
      await page.goto(`${proxy.url}/login`)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button').click()
      await page.getByText('The address does not match').waitFor()
      const text = await page.innerText('body')
      for (const { host } of [new URL(proxy.url), new URL(app.url)]) expect(text).toContain(host)
      expect(text).toContain('PUBLIC_URL')
      await close()
      proxy.stop()
    },
  )
})

describe('the login', () => {
  it('rejects a wrong password, and after ten failures every attempt', async () => {
    const other = dataFolder()
    const own = await startApp({ DATABASE_URL: other.url, DASHBOARD_PASSWORD: password })
    const { page, troubles, close } = await visit(browser, { javaScriptEnabled: false })
    await page.goto(`${own.url}/login?next=/events`)
    const attempt = async (given: string) => {
      await page.getByLabel('Password').fill(given)
      await page.getByRole('button').click()
    }
    for (let i = 0; i < 10; i++) await attempt('wrong')
    await page.getByText('Wrong password.').waitFor()
    await attempt(password)
    await page.getByText('Too many failed attempts.').waitFor()
    expect(page.url()).toContain('next=%2Fevents')
    expect(troubles).toEqual([])
    await close()
    await own.stop()
    other.remove()
  })

  it('is closed in production without a password, and says how to open it', async () => {
    const other = dataFolder()
    const closed = await startApp({ DATABASE_URL: other.url, DASHBOARD_PASSWORD: '' })
    for (const path of closedPaths()) expect((await get(path, {}, closed)).status).toBe(307)
    const html = await (await get('/login', {}, closed)).text()
    expect(html).toContain('DASHBOARD_PASSWORD')
    expect(html).not.toContain('type="password"')
    await closed.stop()
    other.remove()
  })

  it('names the problems of a configuration that does not work', async () => {
    const broken = await startApp({ DATABASE_URL: 'mysql://x', DASHBOARD_PASSWORD: password })
    expect((await get('/', {}, broken)).status).toBe(307)
    expect(await (await get('/login', {}, broken)).text()).toContain('DATABASE_URL')
    await broken.stop()
  })
})

describe('while the store accepts no writes', () => {
  const tables = ['login_failures', 'ended_sessions']
  beforeAll(async () => {
    for (const table of tables)
      await sql
        .raw(`create trigger no_${table} before insert on ${table} begin select raise(abort, 'full'); end`)
        .execute(db)
  })
  afterAll(async () => {
    for (const table of tables) await sql.raw(`drop trigger no_${table}`).execute(db)
  })

  it('a login opens the pages read-only, for a quarter of an hour', async () => {
    const { page, close } = await visit(browser)
    await logIn(page, app)
    await page.getByText('Read-only: the database accepted no writes').waitFor()
    const cookie = (await page.context().cookies()).find(({ name }) => name === 'relay')
    expect(((cookie?.expires ?? 0) * 1000 - Date.now()) / 60_000).toBeGreaterThan(12)
    expect(((cookie?.expires ?? 0) * 1000 - Date.now()) / 60_000).toBeLessThanOrEqual(15)
    await page.goto(`${app.url}/changes/${seeded?.changeId}`)
    expect(await page.innerText('h1')).toContain('Maya promoted')
    await close()
  })

  it('writes are refused with the reason, and the login starts a session that may write', async () => {
    const { cookies } = await submitLogin(app.url, { password })
    const before = await deliveryStatus()
    const response = await sendForm(cookies.join('; '), 'name="delivery"', { origin: app.url })
    expect(response.status).toBe(303)
    const to = response.headers.get('location') ?? ''
    expect(to).toContain('/login?problem=read-only')
    expect(await (await get(to, { cookie: cookies.join('; ') })).text()).toContain(
      'Nothing was changed: your session is read-only',
    )
    expect(await deliveryStatus()).toBe(before)
  })

  it('logging out says that the session ends in this browser only', async () => {
    const { page, close } = await visit(browser)
    await logIn(page, app)
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByText('logged out in this browser only').waitFor()
    await page.goto(`${app.url}/events`)
    expect(page.url()).toContain('/login?next=%2Fevents')
    await close()
  })

  it('guesses are still limited', async () => {
    const limited = async () => (await submitLogin(app.url, { password: 'wrong' })).location
    for (let i = 0; i < 10; i++) expect(await limited()).toContain('problem=wrong')
    expect(await limited()).toContain('problem=limited')
  })
})

describe('every page', () => {
  it('has a policy without unsafe scripts or styles, with a fresh nonce', async () => {
    const cookie = await sessionCookie(browser, app)
    const nonces = new Set<string>()
    for (const path of ['/', '/login', '/nowhere', '/events', `/changes/${seeded?.changeId}`]) {
      const response = await get(path, { cookie })
      const policy = response.headers.get('content-security-policy') ?? ''
      expect(policy).toMatch(/default-src 'none'/)
      expect(policy).not.toMatch(/unsafe/)
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
      nonces.add(nonce)
      const scripts = (await response.text()).match(/<script(?![^>]*type="application)[^>]*>/g) ?? []
      expect(scripts.filter((tag) => !tag.includes(`nonce="${nonce}"`))).toEqual([])
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('x-frame-options')).toBe('DENY')
      expect(response.headers.get('referrer-policy')).toBe('same-origin')
    }
    expect(nonces.size).toBe(5)
  })

  it('is not cached, and files are downloaded, never displayed', async () => {
    const cookie = await sessionCookie(browser, app)
    expect((await get('/', { cookie })).headers.get('cache-control')).toContain('no-store')
    const file = await get(`/events/${seeded?.eventIds[0]}/body`, { cookie })
    expect(file.headers.get('content-type')).toBe('application/octet-stream')
    expect(file.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(file.headers.get('cache-control')).toBe('no-store')
  })

  it('keeps the endpoints out of the proxy', async () => {
    const health = await get('/api/health')
    expect(health.headers.get('content-security-policy')).toBeNull()
  })
})
