import { describe, expect, it } from 'vitest'
import { classifyDiscord, discord } from '#lib/targets/discord/discord.ts'
import { standIns } from '../../../mocks/targets.ts'
import { answerOf, now } from '../answers.ts'
import { messageOf } from '../messages.ts'

const judge = (...answer: Parameters<typeof answerOf>) => classifyDiscord(answerOf(...answer), now)

describe('an answer of Discord', () => {
  it.each([
    [
      404,
      { message: 'Unknown Webhook', code: 10015 },
      /was deleted\. Create a new webhook.*"Unknown Webhook"/,
    ],
    [401, { message: 'Invalid Webhook Token', code: 50027 }, /token in the URL is wrong/],
    [404, { message: 'Unknown Channel', code: 10003 }, /channel is gone/],
    [400, { message: 'Invalid Form Body', code: 50035 }, /bug in the relay/],
    [400, { message: 'Webhooks posted to forum channels …', code: 220001 }, /needs a thread/],
    [403, { message: 'Something new', code: 1 }, /answered 403\. Check the webhook URL: "Something new"/],
  ])('%i %j is given up with what to do', (status, body, reason) => {
    expect(judge(status, JSON.stringify(body))).toEqual({
      outcome: 'failed',
      reason: expect.stringMatching(reason),
    })
  })

  it('200 with the message, also one that is not read as a whole, is delivered', () => {
    expect(judge(200, '{"id":"1","content":"')).toEqual({ outcome: 'delivered' })
  })

  it('2xx with anything else is delivered with a note, but a web page is not', () => {
    expect(judge(204)).toEqual({
      outcome: 'delivered',
      note: 'Discord answered 204, but not with the message',
    })
    expect(judge(200, '<!doctype html>')).toMatchObject({ outcome: 'failed' })
  })

  it.each([
    ['the header', '{"retry_after":64.57}', { 'retry-after': '65' }, 65_000],
    ['the body, to a thousandth of a second, without it', '{"retry_after":0.3012,"global":false}', {}, 302],
    ['nothing where neither can be used', '<html>', { 'retry-after': '0' }, null],
    ['nothing for a time that is none', '{"retry_after":-1}', {}, null],
  ])('429 waits for %s', (_, body, headers, retryAfterMs) => {
    expect(judge(429, body, headers as Record<string, string>)).toMatchObject({
      outcome: 'wait',
      retryAfterMs,
    })
  })
})

it('a message is posted so that Discord answers when it is there, to the thread of the URL', async () => {
  const standIn = await standIns.discord.start()
  const target = standIns.discord.target(standIn.url)
  const context = { fetch, now: () => now, signal: AbortSignal.timeout(5000) }
  const outcome = await discord.send({ ...target, url: `${target.url}?thread_id=7` }, messageOf(), context)
  await standIn.close()
  expect(outcome).toMatchObject({ outcome: 'delivered', statusCode: 200 })
  expect(standIn.seen[0]?.path).toMatch(/\?thread_id=7&wait=true$/)
})
