import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SendContext } from '#lib/core/delivery/delivery.ts'
import type { GithubApp, TargetOf } from '#lib/core/rules/target-settings.ts'
import { github } from '#lib/targets/github/github.ts'
import { githubApp, installationToken, startGithubStandIn } from '../../../mocks/github.ts'
import type { StandIn } from '../../../mocks/stand-in.ts'
import { messageOf } from '../messages.ts'

let now: number
let standIn: StandIn
beforeEach(async () => {
  now = Date.UTC(2026, 7, 21)
  standIn = await startGithubStandIn(undefined, () => now)
})
afterEach(() => standIn.close())

const targetOf = (app: Partial<GithubApp> = {}): TargetOf<'github'> => ({
  type: 'github',
  repo: 'acme/prompts',
  app: { ...githubApp, ...app },
  apiUrl: standIn.url,
  eventType: 'prompt-updated',
})
const send = (target: TargetOf<'github'>, over: Partial<SendContext> = {}) =>
  github.send(target, messageOf(), { fetch, now: () => now, signal: AbortSignal.timeout(5000), ...over })

const isTokenRequest = ({ path }: { path: string }) => path.endsWith('/access_tokens')
const requests = () => standIn.seen.map((request) => (isTokenRequest(request) ? 'token' : 'dispatch'))
const dispatchedAs = () =>
  standIn.requests
    .filter((request) => !isTokenRequest(request))
    .map(({ headers }) => headers.authorization?.split(' ')[1])

describe('a GitHub App', () => {
  it('requests a token and dispatches with it, and requests no other while it is valid', async () => {
    const target = targetOf()
    for (let i = 0; i < 3; i++) {
      expect(await send(target)).toMatchObject({ outcome: 'delivered', statusCode: 204 })
      now += 10 * 60_000
    }
    expect(requests()).toEqual(['token', 'dispatch', 'dispatch', 'dispatch'])
    expect(dispatchedAs()).toEqual([1, 1, 1].map(installationToken))
  })

  it('requests one token for all that send at the same time', async () => {
    const target = targetOf()
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => send(target)))
    expect(outcomes.every(({ outcome }) => outcome === 'delivered')).toBe(true)
    expect(requests().filter((what) => what === 'token')).toHaveLength(1)
  })

  it('requests a new token shortly before the old one expires', async () => {
    const target = targetOf()
    await send(target)
    now += 3_600_000 - 59_000
    await send(target)
    expect(dispatchedAs()).toEqual([installationToken(1), installationToken(2)])
  })

  it('gets a new token at once where the one that it had was revoked', async () => {
    const target = targetOf()
    await send(target)
    let refused = 0
    standIn.answerWith((request) => {
      if (isTokenRequest(request))
        return {
          status: 201,
          body: JSON.stringify({ token: 'ghs_anew', expires_at: new Date(now + 3_600_000) }),
        }
      if (request.headers.authorization?.includes('ghs_anew')) return { status: 204 }
      refused += 1
      return { status: 401, body: 'Bad credentials' }
    })
    expect(await send(target)).toMatchObject({ outcome: 'delivered' })
    expect(refused).toBe(1)
  })

  it('gives up where a new token is refused as well, without a third request', async () => {
    const target = targetOf()
    await send(target)
    standIn.answerWith((request) =>
      isTokenRequest(request)
        ? { status: 201, body: JSON.stringify({ token: 'ghs_anew', expires_at: new Date(now + 3_600_000) }) }
        : { status: 401, body: 'Bad credentials' },
    )
    expect(await send(target)).toMatchObject({ outcome: 'failed', statusCode: 401 })
    expect(requests()).toEqual(['token', 'dispatch', 'dispatch', 'token', 'dispatch'])
  })

  const otherKey = () =>
    generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString()

  it.each<[string, () => Partial<GithubApp>, number, RegExp]>([
    ['its id is wrong', () => ({ id: '1' }), 401, /id or private key is wrong, or the clock/],
    ['its key is another one', () => ({ privateKey: otherKey() }), 401, /id or private key is wrong/],
    ['there is no such installation', () => ({ installationId: '1' }), 404, /no installation 1\./],
  ])('is given up with the reason where %s', async (_, app, statusCode, reason) => {
    const outcome = await send(targetOf(app()))
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode, reason: expect.stringMatching(reason) })
    expect(requests()).toEqual(['token'])
  })

  it('is given up where its key is not a key, before any request', async () => {
    const outcome = await send(targetOf({ privateKey: 'nonsense-planted' }))
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: null })
    expect(outcome.reason).toContain('not an RSA key in PEM')
    expect(JSON.stringify(outcome)).not.toContain('nonsense-planted')
    expect(standIn.seen).toEqual([])
  })

  it.each<[number, 'retry' | 'wait' | 'failed', Record<string, string>, number | null]>([
    [500, 'retry', {}, null],
    [503, 'retry', { 'retry-after': '7' }, 7000],
    [429, 'wait', { 'retry-after': '7' }, 7000],
    [403, 'wait', { 'retry-after': '7' }, 7000],
    [403, 'failed', {}, null],
    [422, 'failed', {}, null],
    [307, 'failed', { location: 'https://elsewhere.example' }, null],
    [200, 'retry', {}, null],
  ])('without a token for %i ends as %s, and dispatches nothing', async (status, outcome, headers, ms) => {
    standIn.answerWith(() => ({ status, headers, body: '{"message":"No"}' }))
    expect(await send(targetOf())).toMatchObject({ outcome, statusCode: status, retryAfterMs: ms })
    expect(requests()).toEqual(['token'])
  })

  it('tries again later where no token comes in time, with a new request', async () => {
    const target = targetOf()
    standIn.answerWith(() => 'by hand')
    const outcome = await send(target, { signal: AbortSignal.timeout(100) })
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(outcome.reason).toMatch(/did not answer in time$/)
    standIn.answerWith(null)
    expect(await send(target)).toMatchObject({ outcome: 'delivered' })
  })

  it('keeps no token, key or JWT in what is stored, whatever is echoed', async () => {
    const parts = githubApp.privateKey.split('\n').filter((line) => line.length > 20)
    const clean = (outcome: unknown) => {
      const all = JSON.stringify(outcome)
      return !/ghs_|eyJ/.test(all) && !parts.some((part) => all.includes(part))
    }
    for (const status of [200, 201, 400, 401, 500]) {
      standIn.answerWith(({ headers }) => ({ status, body: `${headers.authorization} {"token":"ghs_x` }))
      if (status < 300) expect(clean(await send(targetOf()))).toBe(true)
      else expect(JSON.stringify(await send(targetOf()))).not.toContain('eyJ')
    }
    standIn.answerWith(null)
    const message = messageOf({
      text: githubApp.privateKey,
      detail: { prompt: { commitMessage: installationToken(1) } },
    })
    const context = { fetch, now: () => now, signal: AbortSignal.timeout(5000) }
    expect(clean(await github.send(targetOf(), message, context))).toBe(true)
  })

  it('is not used where a token is set', async () => {
    await send({ ...targetOf(), token: 'github_pat_x' })
    expect(requests()).toEqual(['dispatch'])
    expect(dispatchedAs()).toEqual(['github_pat_x'])
  })
})
