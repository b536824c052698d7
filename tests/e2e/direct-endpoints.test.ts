import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '#lib/store/client.ts'
import { type App, dataFolder, startApp } from '../app.ts'
import { sign } from '../fixtures.ts'
import { eventFor } from './traffic.ts'

const path = '/api/webhooks/langfuse'
const listens = { NODE_OPTIONS: `--import ${new URL('./second-listener.ts', import.meta.url).href}` }

let data: ReturnType<typeof dataFolder>
let app: App | undefined

beforeEach(() => {
  data = dataFolder()
})
afterEach(async () => {
  await app?.kill()
  app = undefined
  data.remove()
})

/** Next's router says by `vary` what its answer would depend on. */
async function send(url: string, name: string): Promise<{ status: number; by: 'next' | 'endpoint' }> {
  const body = eventFor(name)
  const headers = {
    'content-type': 'application/json',
    'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }),
  }
  const response = await fetch(url + path, { method: 'POST', headers, body })
  await response.text()
  const byNext = /\brsc\b/.test(response.headers.get('vary') ?? '')
  return { status: response.status, by: byNext ? 'next' : 'endpoint' }
}

/** What becomes of three events and of the last once more, one after the other. */
async function sendAll(env: Record<string, string>) {
  app = await startApp({ DATABASE_URL: data.url, ...env })
  await (await fetch(`${app.url}/api/health/live`)).text()
  const answers = []
  for (const name of ['a', 'b', 'c', 'c']) answers.push(await send(app.url, name))
  expect(await app.stop()).toBe(0)
  const alsoHeard = app.output().split(`also heard POST ${path}`).length - 1
  const db = await openDatabase(data.url)
  const { length: stored } = await db.selectFrom('events').select('id').execute()
  await db.destroy()
  const errors = app.output().match(/.*"level":"error".*/g) ?? []
  const statuses = answers.map(({ status }) => status)
  return { statuses, ways: answers.map(({ by }) => by), stored, alsoHeard, errors }
}

const well = { statuses: [202, 202, 202, 200], stored: 3, errors: [] }
const direct = ['next', 'endpoint', 'endpoint', 'endpoint']
const byNext = ['next', 'next', 'next', 'next']

describe('webhooks', () => {
  it("pass Next's router by from the second on", async () => {
    expect(await sendAll({})).toEqual({ ...well, ways: direct, alsoHeard: 0 })
  })

  it("go through Next's router with DIRECT_ENDPOINTS=0", async () => {
    expect(await sendAll({ DIRECT_ENDPOINTS: '0' })).toEqual({ ...well, ways: byNext, alsoHeard: 0 })
  })

  it("go through Next's router if something else already listens to requests, and it gets each one", async () => {
    expect(await sendAll(listens)).toEqual({ ...well, ways: byNext, alsoHeard: 4 })
  })

  it('are answered once if something else starts to listen to requests later, and it gets each one', async () => {
    const late = { ...listens, SECOND_LISTENER: 'late' }
    expect(await sendAll(late)).toEqual({ ...well, ways: direct, alsoHeard: 4 })
  })

  it("go through Next's router, which makes the first span, where only traces have a collector", async () => {
    const traced = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces' }
    const { statuses, ways, stored } = await sendAll(traced)
    expect({ statuses, ways, stored }).toEqual({ statuses: well.statuses, ways: byNext, stored: 3 })
  })
})
