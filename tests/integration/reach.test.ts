import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Target, TargetType } from '#lib/core/rules/target-settings.ts'
import type { Reach } from '#lib/core/setup/reach.ts'
import { reachTarget } from '#lib/targets/target.ts'
import { githubApp, startGithubStandIn } from '../mocks/github.ts'
import { startPagerdutyStandIn } from '../mocks/pagerduty.ts'
import { startSlackStandIn } from '../mocks/slack.ts'
import { type Answered, type StandIn, startStandIn } from '../mocks/stand-in.ts'
import { standIns, type TargetStandIn } from '../mocks/targets.ts'

const planted = 'plantedSecret0123456789'
const github = { ...standIns.github.target(''), token: planted }

const kinds: [string, TargetStandIn<TargetType>][] = Object.entries(standIns)

const ask = (target: Target, timeoutMs = 5000): Promise<Reach> =>
  reachTarget(target, { fetch, now: Date.now, signal: AbortSignal.timeout(timeoutMs) })

describe.each(kinds)('whether %s can be reached', (_kind, { start, target: targetAt, secret }) => {
  let standIn: StandIn
  beforeEach(async () => {
    standIn = await start()
  })
  afterEach(() => standIn.close())

  it('is found out without posting anything', async () => {
    expect(await ask(targetAt(standIn.url))).toMatchObject({ fix: null })
    expect(standIn.seen.filter(({ method }) => method !== 'GET')).toEqual([])
  })

  it('is no if nothing listens, with a fix and without a secret', async () => {
    const url = standIn.url
    await standIn.close()
    const { words, fix } = await ask(targetAt(url))
    standIn = await start()
    expect(words).toMatch(/was not reached\.$/)
    expect(fix).toMatch(/^The connection was refused\. Check/)
    expect(words + fix).not.toContain(secret)
  })
})

// A webhook is only connected to.
describe.each(kinds.filter(([kind]) => kind !== 'webhook'))('an answer from %s', (_kind, kind) => {
  const { start, target: targetAt, secret } = kind
  let standIn: StandIn
  beforeEach(async () => {
    standIn = await start()
  })
  afterEach(() => standIn.close())

  it('that never arrives is not waited for', async () => {
    standIn.answerWith(() => 'by hand')
    expect((await ask(targetAt(standIn.url), 200)).words).toMatch(/did not answer in time\.$/)
  })

  it('that reports a problem is passed on, with the time there', async () => {
    const date = new Date(Date.now() - 3_600_000).toUTCString()
    standIn.answerWith(() => ({ status: 503, headers: { date }, body: secret }))
    const { words, fix, aheadMs } = await ask(targetAt(standIn.url))
    expect(words).toMatch(/ answered 503\.$/)
    expect(fix).not.toBeNull()
    expect(words + fix).not.toContain(secret)
    expect(Math.round((aheadMs ?? 0) / 60_000)).toBe(60)
  })
})

const json = (status: number, body: object): Answered => ({ status, body: JSON.stringify(body) })

describe('GitHub', () => {
  it.each<[string, Answered, RegExp, RegExp]>([
    ['a token that may not write', json(200, { permissions: { push: false } }), /may not write/, /Contents/],
    ['a repository that it does not show', json(404, { message: 'Not Found' }), /404/, /cannot see acme/],
    ['a token that is revoked', json(401, { message: 'Bad credentials' }), /401/, /revoked/],
  ])('names what is wrong with %s', async (_, answer, words, fix) => {
    const standIn = await startStandIn(() => answer)
    const found = await ask({ ...github, token: planted, apiUrl: standIn.url })
    await standIn.close()
    expect(found).toMatchObject({ words: expect.stringMatching(words), fix: expect.stringMatching(fix) })
  })

  it('is asked by an app with a token of its installation', async () => {
    const standIn = await startGithubStandIn()
    expect(await ask({ ...github, token: undefined, app: githubApp, apiUrl: standIn.url })).toMatchObject({
      fix: null,
    })
    expect(standIn.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST /app/installations/${githubApp.installationId}/access_tokens`,
      'GET /repos/acme/prompts',
    ])
    await standIn.close()
  })
})

describe('PagerDuty', () => {
  it('is missing if its Events API is not at the address, with what to check', async () => {
    const standIn = await startPagerdutyStandIn()
    const eventsUrl = `${standIn.url}/integration`
    const { words, fix } = await ask(standIns.pagerduty.target(eventsUrl))
    await standIn.close()
    expect(words).toBe('PagerDuty answered 404.')
    expect(fix).toMatch(/Check PAGERDUTY_EVENTS_URL/)
  })
})

describe('Slack', () => {
  it('reports a webhook that was removed as gone', async () => {
    const standIn = await startSlackStandIn()
    const { words, fix } = await ask({ type: 'slack', url: `${standIn.url}0` })
    await standIn.close()
    expect(words).toBe('Slack answered 404 no_service.')
    expect(fix).toMatch(/Create a new webhook/)
  })
})

describe('a webhook', () => {
  it('at a private address is not connected to, unless that is allowed', async () => {
    const standIn = await startStandIn(() => ({ status: 204 }))
    const url = standIn.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost')
    const { words } = await ask({ ...standIns.webhook.target(url), allowPrivate: false })
    await standIn.close()
    expect(words).toMatch(/private address/)
  })
})
