import { describe, expect, it } from 'vitest'
import { classifySlack } from '#lib/targets/slack/slack.ts'
import { answerOf, now } from '../answers.ts'

describe('an answer of Slack', () => {
  const judge = (...answer: Parameters<typeof answerOf>) => classifySlack(answerOf(...answer), now)

  it.each([
    [400, 'invalid_payload', 'bug in the relay'],
    [400, 'invalid_blocks', 'bug in the relay'],
    [403, 'invalid_token', 'Create a new webhook'],
    [403, 'action_prohibited', 'an admin has restricted posting'],
    [403, 'posting_to_general_channel_denied', 'another channel'],
    [404, 'no_service', 'Create a new webhook'],
    [404, 'no_team', 'Create a new webhook'],
    [404, 'channel_not_found', 'Create a new webhook'],
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
  ])('200 %j is delivered with a note, since sent again it would be there twice', (body, note) => {
    expect(judge(200, body)).toEqual({ outcome: 'delivered', note })
  })

  it.each([
    [
      '{"ok":false,"error":"channel_not_found"}',
      /200 but refused the message: the channel is gone.*channel_not_found/,
    ],
    ['{"ok":false}', /200 but did not accept the message\. Check the webhook URL/],
    ['{"success":false,"error":"no such room"}', /did not accept the message.*no such room/],
    ['{"error":{"code":7}}', /did not accept the message/],
    ['no_service', /200 no_service: the webhook was removed/],
    ['<html>Log in</html>', /web page.*Check the webhook URL/],
  ])('200 %j is given up with what to do', (body, reason) => {
    expect(judge(200, body)).toEqual({ outcome: 'failed', reason: expect.stringMatching(reason) })
  })

  it('429 waits for the time it names', () => {
    expect(judge(429, 'rate_limited', { 'retry-after': '30' })).toMatchObject({
      outcome: 'wait',
      retryAfterMs: 30_000,
    })
  })
})
