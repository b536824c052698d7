import { describe, expect, it } from 'vitest'
import type { GithubTarget, PagerdutyTarget } from '#lib/core/rules/rules.ts'
import { classifyGithub, sendGithub } from '#lib/targets/github/github.ts'
import { githubDispatch } from '#lib/targets/github/payload.ts'
import { classifyPagerduty } from '#lib/targets/pagerduty/pagerduty.ts'
import { classifySlack } from '#lib/targets/slack/slack.ts'
import { send } from '#lib/targets/target.ts'
import { startGithubStandIn } from '../../mocks/github.ts'
import { pagerdutyKey } from '../../mocks/pagerduty.ts'
import { messageOf } from './messages.ts'

const now = Date.UTC(2026, 7, 21)
const answerOf = (status: number, body = '', headers: Record<string, string> = {}) => ({
  status,
  body,
  headers: new Headers(headers),
})

describe('an answer of Slack', () => {
  const judge = (...answer: Parameters<typeof answerOf>) => classifySlack(answerOf(...answer), now)

  it.each([
    [400, 'invalid_payload', 'bug of the relay'],
    [400, 'invalid_blocks', 'bug of the relay'],
    [403, 'invalid_token', 'Make a new webhook'],
    [403, 'action_prohibited', 'an admin has restricted posting'],
    [403, 'posting_to_general_channel_denied', 'another channel'],
    [404, 'no_service', 'Make a new webhook'],
    [404, 'no_team', 'Make a new webhook'],
    [404, 'channel_not_found', 'Make a new webhook'],
    [410, 'channel_is_archived', 'Unarchive it'],
    [404, '<html>nginx</html>', 'Check the webhook URL'],
    [404, '', 'Check the webhook URL'],
  ])('%i %s is given up with what to do', (status, body, fix) => {
    const verdict = judge(status, body)
    expect(verdict).toMatchObject({ outcome: 'failed' })
    expect(verdict).toHaveProperty('reason', expect.stringContaining(`Slack answered ${status}`))
    expect(verdict).toHaveProperty('reason', expect.stringContaining(fix))
  })

  it.each([
    [500, 'rollup_error'],
    [408, ''],
    [425, ''],
    [503, 'no_service'],
  ])('%i %s is tried again', (status, body) => {
    expect(judge(status, body)).toMatchObject({ outcome: 'retry' })
  })

  it('200 "ok" is delivered without a note', () => {
    expect(judge(200, 'ok\n')).toEqual({ outcome: 'delivered' })
  })

  it.each([
    ['{"success":true}', 'Slack answered 200, but not "ok": "{"success":true}"'],
    ['{"ok":true}', 'Slack answered 200, but not "ok": "{"ok":true}"'],
    ['{"ok":true,"error":""}', expect.any(String)],
    ['', 'Slack answered 200, but not "ok"'],
    ['accepted', 'Slack answered 200, but not "ok": "accepted"'],
    ['null', expect.any(String)],
  ])('200 %j is delivered with a note, since a second message would be a second one', (body, note) => {
    expect(judge(200, body)).toEqual({ outcome: 'delivered', note })
  })

  it.each([
    ['{"ok":false,"error":"channel_not_found"}', /200 and refused: the channel is gone.*channel_not_found/],
    ['{"ok":false}', /200 but took no message\. Check the webhook URL/],
    ['{"success":false,"error":"no such room"}', /took no message.*no such room/],
    ['{"error":{"code":7}}', /took no message/],
    ['no_service', /200 no_service: the webhook was removed/],
    ['<html>Log in</html>', /web page.*Check the webhook URL/],
  ])('200 %j is given up with what to do', (body, reason) => {
    expect(judge(200, body)).toEqual({ outcome: 'failed', reason: expect.stringMatching(reason) })
  })

  it('429 asks for the time it names', () => {
    expect(judge(429, 'rate_limited', { 'retry-after': '30' })).toMatchObject({
      outcome: 'wait',
      retryAfterMs: 30_000,
    })
  })
})

const target: GithubTarget = {
  type: 'github',
  repo: 'acme/prompts',
  token: 'github_pat_x',
  apiUrl: 'https://api.github.com',
  eventType: 'prompt-updated',
}

describe('an answer of GitHub', () => {
  const judge = (...answer: Parameters<typeof answerOf>) => classifyGithub(answerOf(...answer), target, now)
  const inAMinute = String(now / 1000 + 60)

  it.each([
    [401, 'GitHub answered 401: the token is wrong, expired or revoked. Make a new one and set it'],
    [
      403,
      'GitHub answered 403: the token may not write to acme/prompts. Give it "Contents: read and write" for this repository',
    ],
    [404, 'GitHub answered 404: the token cannot see acme/prompts, or it does not exist'],
    [
      301,
      'GitHub answered 301: a redirect, which is not followed: acme/prompts was renamed or moved. Set its new name',
    ],
    [
      307,
      'GitHub answered 307: a redirect, which is not followed: acme/prompts was renamed or moved. Set its new name',
    ],
  ])('%i is given up with what to do', (status, reason) => {
    expect(judge(status)).toEqual({ outcome: 'failed', reason })
    expect(judge(status, '{"message":"Not\\nFound"}')).toMatchObject({
      outcome: 'failed',
      reason: `${reason}: "Not Found"`,
    })
  })

  it('422 says what GitHub did not take', () => {
    const reason = expect.stringMatching(/^GitHub answered 422: .*: "Invalid request\. No more than 10"$/)
    expect(judge(422, 'Invalid request.\n\nNo more than 10')).toEqual({ outcome: 'failed', reason })
  })

  it.each([
    [
      'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
      /is not authorized for the single sign-on of the organization\. Authorize it/,
    ],
    ['Repository was archived so is read-only.', /acme\/prompts is archived.*Unarchive it/],
    [
      'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
      /Add this machine's to its list/,
    ],
    [
      '`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.',
      /Make one of the kind that it allows/,
    ],
    ['Sorry. Your account was suspended.', /suspended or blocked/],
    ['Resource not accessible by personal access token', /Contents: read and write/],
    ['Resource not accessible by integration', /Contents: read and write/],
  ])('403 "%s" names the fix for it, and says it', (message, fix) => {
    const verdict = judge(403, JSON.stringify({ message, documentation_url: 'https://docs.github.com' }))
    expect(verdict).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(fix) })
    expect(verdict).toHaveProperty('reason', expect.stringContaining(message.slice(0, 150)))
    const isRights = message.startsWith('Resource not accessible')
    expect('reason' in verdict && verdict.reason.includes('Contents: read and write')).toBe(isRights)
  })

  it('403 for a reason that is not known is left to its own words, cut', () => {
    const message = `Something new: ${'x'.repeat(1000)}`
    const verdict = judge(403, JSON.stringify({ message }))
    expect(verdict).toMatchObject({
      reason: expect.stringMatching(/^GitHub answered 403: "Something new: x+…"$/),
    })
  })

  it('only 204 is delivered', () => {
    expect(judge(204)).toEqual({ outcome: 'delivered' })
    for (const status of [200, 201, 202]) expect(judge(status, '<html>')).toMatchObject({ outcome: 'failed' })
  })

  it.each([
    ['429 with Retry-After', 429, { 'retry-after': '30' }, 30_000],
    ['403 with Retry-After', 403, { 'retry-after': '30' }, 30_000],
    [
      '403 with a spent limit, until its reset',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inAMinute },
      60_000,
    ],
    [
      '429 with a spent limit, until its reset',
      429,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inAMinute },
      60_000,
    ],
    [
      'Retry-After before the reset',
      403,
      { 'retry-after': '5', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': inAMinute },
      5000,
    ],
    [
      'a minute where the reset is gone by',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' },
      60_000,
    ],
    ['a minute where the Retry-After is of no use', 429, { 'retry-after': '0' }, 60_000],
    ['a minute where no time is named', 429, {}, 60_000],
    [
      'a minute where the reset is nonsense',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'soon' },
      60_000,
    ],
  ])('waits for %s', (_, status, headers, retryAfterMs) => {
    expect(judge(status, '', headers as Record<string, string>)).toMatchObject({
      outcome: 'wait',
      retryAfterMs,
    })
  })

  it('a secondary rate limit without a header is waited for as well', () => {
    const body = '{"message":"You have exceeded a secondary rate limit. Please wait"}'
    expect(judge(403, body)).toMatchObject({ outcome: 'wait', retryAfterMs: 60_000 })
  })

  it('a 403 with requests left is no rate limit', () => {
    const headers = { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': inAMinute }
    expect(judge(403, '', headers)).toMatchObject({ outcome: 'failed' })
  })
})

describe('an answer of PagerDuty', () => {
  const pagerduty: PagerdutyTarget = {
    type: 'pagerduty',
    routingKey: pagerdutyKey,
    eventsUrl: 'https://events.pagerduty.com',
  }
  const judge = (...answer: Parameters<typeof answerOf>) =>
    classifyPagerduty(answerOf(...answer), pagerduty, now)

  it('only 202 is delivered', () => {
    expect(judge(202, '{"status":"success"}')).toEqual({ outcome: 'delivered' })
    for (const status of [200, 201, 204]) {
      expect(judge(status, '<html>')).toMatchObject({
        outcome: 'failed',
        reason: expect.stringContaining('https://events.pagerduty.com'),
      })
    }
    // What takes PagerDuty's events beside it.
    expect(judge(200, '{"status":"success","message":"Event processed"}')).toEqual({
      outcome: 'delivered',
      note: 'PagerDuty answered 200, not 202: "Event processed"',
    })
  })

  it("400 is given up in PagerDuty's own words", () => {
    const errors = ["Length of 'routing_key' is incorrect (should be 32 characters)", "'severity' is invalid"]
    const body = JSON.stringify({ status: 'invalid event', message: 'Event object is invalid', errors })
    expect(judge(400, body)).toEqual({
      outcome: 'failed',
      reason: `PagerDuty answered 400: it did not take the event. Check the integration key: ${errors.join('; ')}`,
    })
  })

  it.each([
    ['{"message":"Bad\\nrequest"}', /: Bad request$/],
    ['<html>\n<b>Proxy</b>', /: <html> <b>Proxy<\/b>$/],
    ['{"errors":"none"}', /: \{"errors":"none"\}$/],
    ['', /integration key$/],
  ])('400 with %j has a reason as well', (body, reason) => {
    expect(judge(400, body)).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(reason) })
  })

  it('429 waits for minutes where no time is named, else for the time', () => {
    expect(judge(429)).toMatchObject({ outcome: 'wait', retryAfterMs: 120_000 })
    expect(judge(429, '', { 'retry-after': '7' })).toMatchObject({ outcome: 'wait', retryAfterMs: 7000 })
  })
})

describe('what reaches GitHub', () => {
  it.each([['12n'], ['-5nn'], [['"7n"', '{"a":1n}']], ['\ud800 ☃ 😀'], [9_007_199_254_740_991]])(
    'is the dispatch to the byte, also with a prompt of %j',
    async (text) => {
      const standIn = await startGithubStandIn()
      const message = messageOf({ text })
      const context = { fetch, now: () => now, signal: AbortSignal.timeout(5000) }
      const outcome = await sendGithub({ ...target, apiUrl: `${standIn.url}/` }, message, context)
      await standIn.close()
      expect(outcome.outcome).toBe('delivered')
      expect(outcome.request).toBe(JSON.stringify(githubDispatch(target, message)))
      expect(standIn.requests[0]).toMatchObject({
        path: '/repos/acme/prompts/dispatches',
        size: Buffer.byteLength(outcome.request),
      })
    },
  )
})

it('a reason has at most 500 characters, whatever is configured', async () => {
  const standIn = await startGithubStandIn()
  standIn.answerWith(() => ({ status: 404 }))
  const context = { fetch, now: () => now, signal: AbortSignal.timeout(5000) }
  const long = { ...target, apiUrl: standIn.url, repo: `acme/${'p'.repeat(1000)}` }
  const { reason } = await send(long, messageOf(), context)
  await standIn.close()
  expect(reason).toHaveLength(500)
})
