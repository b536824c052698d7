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
    [404, { message: 'Unknown Channel', code: 10003 }, /channel, or the thread that the URL names, is gone/],
    [400, { message: 'Invalid Form Body', code: 50035 }, /bug in the relay/],
    [400, { message: 'Webhooks posted to forum channels …', code: 220001 }, /needs a thread/],
    [403, { message: 'Something new', code: 1 }, /answered 403\. Check the webhook URL: "Something new"/],
  ])('%i %j is given up with what to do', (status, body, reason) => {
    expect(judge(status, JSON.stringify(body))).toEqual({
      outcome: 'failed',
      reason: expect.stringMatching(reason),
    })
  })

  it.each([
    'error code: 1015',
    '<html><title>Access denied | discord.com used Cloudflare to restrict access',
  ])('403 of Cloudflare, %s, is tried again, since the webhook has not answered', (body) => {
    expect(judge(403, body, { 'retry-after': '30' })).toEqual({
      outcome: 'retry',
      reason: expect.stringMatching(/^Discord answered 403: Cloudflare.* blocks the address of the relay/),
      retryAfterMs: 30_000,
    })
    expect(judge(403, JSON.stringify({ message: 'Cloudflare', code: 50013 })).outcome).toBe('failed')
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
    [
      'the body, also where it is not as documented',
      '{"retry_after":"2.5","code":null,"message":{}}',
      {},
      2500,
    ],
    ['nothing where neither can be used', '<html>', { 'retry-after': '0' }, null],
    ['nothing for a time that is none', '{"retry_after":-1}', {}, null],
  ])('429 waits for %s', (_, body, headers, retryAfterMs) => {
    expect(judge(429, body, headers as Record<string, string>)).toMatchObject({
      outcome: 'wait',
      retryAfterMs,
    })
  })
})

it.each([
  [200, '{"id":"1","name":"Prompt Relay"}', null],
  [204, '', /not with the webhook/],
  [200, 'ok', /not with the webhook/],
  [200, '[]', /not with the webhook/],
  [404, '{"message":"Unknown Webhook","code":10015}', /webhook was deleted/i],
])('a webhook that answers %i %s to a GET is reported as it is', async (status, body, trouble) => {
  const answering: typeof fetch = async () => new Response(body || null, { status })
  const context = { fetch: answering, now: () => now, signal: AbortSignal.timeout(5000) }
  const reach = await discord.reach(standIns.discord.target('http://127.0.0.1:1'), context)
  if (trouble === null) expect(reach).toMatchObject({ words: 'Discord knows the webhook.', fix: null })
  else expect(`${reach.words} ${reach.fix}`).toMatch(trouble)
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
