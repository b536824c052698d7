import { describe, expect, it } from 'vitest'
import { classifyGithub } from '#lib/targets/github/answer.ts'
import { standIns } from '../../../mocks/targets.ts'
import { answerOf, now } from '../answers.ts'

const target = standIns.github.target('https://api.github.com')

describe('an answer of GitHub', () => {
  const judge = (...answer: Parameters<typeof answerOf>) => classifyGithub(answerOf(...answer), target, now)
  const inAMinute = String(now / 1000 + 60)

  it.each([
    [401, 'GitHub answered 401: the token is wrong, expired or revoked. Create a new one and set it'],
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

  it('422 says what GitHub refused', () => {
    const reason = expect.stringMatching(/^GitHub answered 422: .*: "Invalid request\. No more than 10"$/)
    expect(judge(422, 'Invalid request.\n\nNo more than 10')).toEqual({ outcome: 'failed', reason })
  })

  it.each([
    [
      'Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.',
      /is not authorized for the organization's single sign-on\. Authorize it/,
    ],
    ['Repository was archived so is read-only.', /acme\/prompts is archived.*Unarchive it/],
    [
      'Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled, and your IP address is not permitted to access this resource.',
      /Add this machine's to its allow list/,
    ],
    [
      '`acme` forbids access via a personal access token (classic). Please use a GitHub App, OAuth App, or a personal access token with fine-grained permissions.',
      /Create one of a kind that it allows/,
    ],
    ['Sorry. Your account was suspended.', /suspended or blocked/],
    ['Resource not accessible by personal access token', /Contents: read and write/],
    ['Resource not accessible by integration', /Contents: read and write/],
  ])('403 "%s" names the fix and quotes GitHub', (message, fix) => {
    const verdict = judge(403, JSON.stringify({ message, documentation_url: 'https://docs.github.com' }))
    expect(verdict).toMatchObject({ outcome: 'failed', reason: expect.stringMatching(fix) })
    expect(verdict).toHaveProperty('reason', expect.stringContaining(message.slice(0, 150)))
    const isRights = message.startsWith('Resource not accessible')
    expect('reason' in verdict && verdict.reason.includes('Contents: read and write')).toBe(isRights)
  })

  it('403 for an unknown reason is left to its own words, truncated', () => {
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
      'a minute where the reset has passed',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1' },
      60_000,
    ],
    ['a minute where Retry-After is unusable', 429, { 'retry-after': '0' }, 60_000],
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
