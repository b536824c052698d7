import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Message, Outcome, SendContext } from '#lib/core/delivery/delivery.ts'
import { type Target, type TargetType, targetKinds } from '#lib/core/rules/target-settings.ts'
import { canDigest, send, sendDigest, sendStorm, stormOf } from '#lib/targets/target.ts'
import { githubApp, installationToken, installationTokens, startGithubStandIn } from '../../mocks/github.ts'
import { type Answered, type StandIn, startStandIn } from '../../mocks/stand-in.ts'
import { standIns, type TargetStandIn } from '../../mocks/targets.ts'
import { messageOf } from './messages.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)

/** Without the requests for a token, which `github/app.test.ts` tests. */
async function startForApp(): Promise<StandIn> {
  const standIn = await startGithubStandIn(undefined, () => now)
  const tokens = installationTokens(
    () => now,
    () => installationToken(1),
  )
  return {
    ...standIn,
    get seen() {
      return standIn.seen.filter(({ path }) => !path.endsWith('/access_tokens'))
    },
    get requests() {
      return standIn.requests.filter(({ path }) => !path.endsWith('/access_tokens'))
    },
    answerWith: (answer) =>
      standIn.answerWith(answer && ((request, response) => tokens(request) ?? answer(request, response))),
  }
}

const kinds: (TargetStandIn<TargetType> & { name: string })[] = [
  ...Object.entries(standIns).map(([name, kind]) => ({ name, ...kind })),
  {
    name: 'github as an app',
    start: startForApp,
    // A token is kept by app, so each test has an app of its own.
    target: (url) => ({ ...standIns.github.target(url), token: undefined, app: { ...githubApp } }),
    secret: installationToken(1),
  },
]

const context = (over: Partial<SendContext> = {}): SendContext => ({
  fetch: globalThis.fetch,
  now: () => now,
  signal: AbortSignal.timeout(5000),
  ...over,
})

/** By status alone. What else a vendor's answer says is tested with its target. */
const statuses: [number, 'delivered' | 'failed' | 'retry' | 'wait'][] = [
  ...[301, 302, 303, 307, 308].map((status) => [status, 'failed'] as [number, 'failed']),
  ...[400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 418, 422, 426, 431, 451].map(
    (status) => [status, 'failed'] as [number, 'failed'],
  ),
  ...[408, 425, 500, 501, 502, 503, 504, 507, 520, 529, 599].map(
    (status) => [status, 'retry'] as [number, 'retry'],
  ),
  [429, 'wait'],
]

const clean = (outcome: unknown, secret: string): boolean => {
  const all = JSON.stringify(outcome)
  return !all.includes(secret) && !all.includes(secret.slice(0, secret.length - 2))
}

describe.each(kinds)('every target keeps the contract: $name', (kind) => {
  let standIn: StandIn
  let target: Target
  const deliver = (over: Partial<SendContext> = {}, message: Message = messageOf()) =>
    send(target, message, context(over))
  const answer = (answered: Answered) => standIn.answerWith(() => answered)

  beforeEach(async () => {
    standIn = await kind.start({ now: () => now })
    target = kind.target(standIn.url)
  })
  afterEach(() => standIn.close())

  it('delivers what its stand-in takes, in one request, and keeps what was sent', async () => {
    const outcome = await deliver()
    expect(outcome).toMatchObject({ outcome: 'delivered', reason: null })
    expect(standIn.seen).toHaveLength(1)
    const sent = standIn.requests[0]?.raw.toString().replaceAll(kind.secret, '[secret]')
    expect(outcome.request).toBe(sent)
  })

  it('calls the project what the operator does, and leaves that out where it has no name', async () => {
    await deliver()
    await deliver({}, { ...messageOf(), projectName: 'support-team' })
    const [without, withName] = standIn.requests.map(({ raw }) => raw.toString())
    expect(without).not.toContain('support-team')
    expect(withName).toContain('support-team')
  })

  it.each(statuses)('takes %i as %s, says so, and makes one request', async (status, expected) => {
    answer({ status, body: 'no' })
    const outcome = await deliver()
    expect(outcome).toMatchObject({ outcome: expected, statusCode: status, response: 'no' })
    expect(outcome.reason).toContain(String(status))
    expect(standIn.seen).toHaveLength(1)
  })

  it.each([
    ['in seconds', '7', 7000],
    ['as a date', new Date(now + 90_000).toUTCString(), 90_000],
  ])('obeys Retry-After %s', async (_, value, expected) => {
    for (const status of [429, 503]) {
      answer({ status, headers: { 'retry-after': value } })
      expect(await deliver()).toMatchObject({ retryAfterMs: expected })
    }
  })

  it.each(['soon', '-5', '1.5', '0', '30, 30', new Date(now - 90_000).toUTCString(), '99999999999999999999'])(
    'ignores the Retry-After "%s"',
    async (value) => {
      answer({ status: 503, headers: { 'retry-after': value } })
      expect(await deliver()).toMatchObject({ outcome: 'retry', retryAfterMs: null })
    },
  )

  it('tries again later when no answer comes in time', async () => {
    standIn.answerWith(() => 'by hand')
    const outcome = await deliver({ signal: AbortSignal.timeout(100) })
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(outcome.reason).toMatch(/did not answer in time$/)
  })

  it('goes by the status where the answer begins but does not end in time', async () => {
    standIn.answerWith((_, response) => {
      response.writeHead(500).write('on')
      return 'by hand'
    })
    const outcome = await deliver({ signal: AbortSignal.timeout(200) })
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: 500, response: 'on' })
  })

  it('says so when the relay stopped before the answer', async () => {
    standIn.answerWith(() => 'by hand')
    const stop = new AbortController()
    const outcome = deliver({ signal: stop.signal })
    stop.abort()
    expect((await outcome).reason).toMatch(/when the relay stopped$/)
  })

  it('tries again later when the connection is dropped', async () => {
    standIn.answerWith((_, response) => {
      response.socket?.destroy()
      return 'by hand'
    })
    const outcome = await deliver()
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(outcome.reason).toContain('connection broke')
  })

  describe('repeats nothing that was answered with a 2xx', () => {
    const isFinal = (outcome: Outcome) => ['delivered', 'failed'].includes(outcome.outcome)

    it.each([200, 201, 202, 203, 204, 205, 206, 226, 299])('%i, whatever came with it', async (status) => {
      const bodies = ['', 'ok', '{"ok":true}', '{"success":true}', '{"ok":false}', '{"status":"success"}']
      for (const body of [
        ...bodies,
        '{"error":"no"}',
        'null',
        '[]',
        '<html>Log in</html>',
        'accepted',
        '{',
      ]) {
        answer({ status, body })
        const outcome = await deliver()
        expect([body, isFinal(outcome)]).toEqual([body, true])
        expect(outcome.statusCode).toBe(status)
        if (outcome.outcome === 'failed') expect(outcome.reason).toContain(String(status))
      }
    })

    it.each<[string, (response: ServerResponse) => void]>([
      [
        'with a body that says gzip and is none',
        (r) => r.writeHead(200, { 'content-encoding': 'gzip' }).end('ok'),
      ],
      ['with a body that does not end', (r) => r.writeHead(200).write('o')],
      [
        'with a body that goes on slowly',
        (r) => {
          const timer = setInterval(() => r.write('o'), 20)
          r.on('close', () => clearInterval(timer))
          r.writeHead(200)
        },
      ],
      [
        'before the connection is reset',
        (r) => {
          r.writeHead(200, { 'content-length': '100' }).write('ok', () => r.socket?.resetAndDestroy())
        },
      ],
    ])('%s', async (_, by) => {
      standIn.answerWith((__, response) => {
        by(response)
        return 'by hand'
      })
      const outcome = await deliver({ signal: AbortSignal.timeout(300) })
      expect([isFinal(outcome), outcome.statusCode]).toEqual([true, 200])
      expect(outcome.reason).toContain('200')
    })
  })

  it('goes by the status where the body of a refusal cannot be read', async () => {
    answer({ status: 404, headers: { 'content-encoding': 'gzip' }, body: 'no' })
    expect(await deliver()).toMatchObject({ outcome: 'failed', statusCode: 404 })
  })

  it.each([
    [
      'its name is not known',
      'http://nowhere.invalid',
      /\(nowhere\.invalid\).*could not be resolved.*\((ENOTFOUND|EAI_AGAIN)\)$/,
    ],
    [
      'nothing listens there',
      'http://127.0.0.1:1',
      /^Nothing was sent to .*\(127\.0\.0\.1:1\)|\(127\.0\.0\.1:1\).*(refused|failed)/,
    ],
  ])('tries again later when %s, and names the host', async (_, url, reason) => {
    const outcome = await send(kind.target(url), messageOf(), context())
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null, response: null })
    expect(outcome.reason).toMatch(reason)
  })

  it('tries again later when the connection is refused', async () => {
    const gone = await startStandIn(() => ({ status: 200 }))
    await gone.close()
    const outcome = await send(kind.target(gone.url), messageOf(), context())
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(outcome.reason).toMatch(/connection was refused.*\(ECONNREFUSED\)$/)
  })

  it('tries again later when TLS fails', async () => {
    const outcome = await send(kind.target(standIn.url.replace('http:', 'https:')), messageOf(), context())
    expect(outcome).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(outcome.reason).toContain('TLS failed')
  })

  it('keeps the head of an answer of 1 MB', async () => {
    answer({ status: 404, body: 'x'.repeat(1_000_000) })
    const outcome = await deliver()
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: 404 })
    expect(outcome.response?.length).toBeLessThanOrEqual(2048)
    expect(outcome.reason?.length).toBeLessThanOrEqual(500)
  })

  it('hangs up on an answer without end', async () => {
    const ended = new Promise((resolve) => {
      standIn.answerWith((_, response) => {
        response.writeHead(500)
        const timer = setInterval(() => response.write('x'.repeat(10_000)), 1)
        response.on('close', () => resolve(clearInterval(timer)))
        return 'by hand'
      })
    })
    expect(await deliver()).toMatchObject({ outcome: 'retry', statusCode: 500 })
    await ended
  })

  it('follows no redirect', async () => {
    const other = await startStandIn(() => ({ status: 200, body: 'ok' }))
    answer({ status: 307, headers: { location: other.url } })
    const outcome = await deliver()
    await other.close()
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: 307 })
    expect(outcome.reason).toContain('redirect')
    expect(other.seen).toEqual([])
  })

  it('never shows its secret, whatever is echoed', async () => {
    const { secret } = kind
    const url = `${standIn.url}/?token=${secret}`
    for (const status of [200, 302, 400, 401, 404, 422, 429, 500]) {
      for (const body of [
        `Wrong: ${secret}`,
        url,
        `${secret} `.repeat(300),
        `${'x'.repeat(4085)}${secret}`,
      ]) {
        answer({ status, body, headers: { location: url } })
        expect(clean(await deliver(), secret), `${status} ${body.slice(0, 40)}`).toBe(true)
      }
    }
  })

  it('never shows its secret when no answer comes', async () => {
    const { secret } = kind
    for (const url of ['http://nowhere.invalid', 'http://127.0.0.1:9', 'https://127.0.0.1:9']) {
      expect(clean(await send(kind.target(url), messageOf(), context()), secret)).toBe(true)
    }
  })

  it('never shows its secret where a prompt holds it', async () => {
    const { secret } = kind
    const message = messageOf({ text: secret, detail: { prompt: { commitMessage: `oops ${secret}` } } })
    const outcome = await deliver({}, message)
    expect(outcome.outcome).toBe('delivered')
    expect(clean(outcome, secret)).toBe(true)
  })

  it('keeps at most 8 KB of what was sent', async () => {
    const outcome = await deliver({}, messageOf({ text: 'x'.repeat(60_000) }))
    expect(outcome.request.length).toBeLessThanOrEqual(8192)
  })

  it('sends nothing in a dry run, and keeps what it would have sent, without its secret', async () => {
    await deliver()
    const sent = standIn.requests[0]?.raw.toString().replaceAll(kind.secret, '[secret]')
    const target = kind.target(standIn.url)
    const outcome = await send(target, messageOf(), context({ isDry: true }))
    expect(outcome).toMatchObject({ outcome: 'dry-run', reason: 'Dry run: nothing was sent', response: null })
    expect(outcome.request).toBe(sent)
    expect(standIn.seen).toHaveLength(1)
  })

  it('makes a digest in a dry run, but sends none', async ({ skip }) => {
    skip(!canDigest(target), 'it takes no digests')
    const outcome = await sendDigest(target, [messageOf(), messageOf()], context({ isDry: true }))
    expect(outcome).toMatchObject({ outcome: 'dry-run' })
    expect(outcome.request).not.toBe('')
    expect(standIn.seen).toEqual([])
  })

  describe('says of a change that no webhook came,', () => {
    const reconciled = { from: now - 20 * 60_000, to: now }
    const sentOf = async (detail: Parameters<typeof messageOf>[0]) => {
      expect(await deliver({}, messageOf(detail))).toMatchObject({ outcome: 'delivered' })
      return standIn.requests.at(-1)?.raw.toString() ?? ''
    }

    it('and when it happened, or in a payload, that it was found', async () => {
      const sent = await sentOf({ detail: { reconciled } })
      if (targetKinds[target.type].isReadByPeople)
        expect(sent).toContain(
          'Found by comparing with Langfuse; no webhook came. It happened between 2026-08-21 08:54 and 09:14 UTC.',
        )
      else expect(sent).toContain('"reconciled":true')
    })

    it('and whose webhook came later, who did it and when', async ({ skip }) => {
      skip(!targetKinds[target.type].isReadByPeople, 'it has the author in a field of its own')
      const late = { by: 'Jo', at: now, changeId: 'chg_2' }
      const sent = await sentOf({ detail: { reconciled: { ...reconciled, late } } })
      expect(sent).toContain('Its webhook came later: it happened by Jo at 2026-08-21 09:14 UTC.')
    })

    it('in a digest too, but of no other change', async () => {
      expect(await sentOf({})).not.toMatch(/reconciled|comparing with Langfuse/)
      if (!canDigest(target)) return
      await sendDigest(target, [messageOf({ detail: { reconciled } }), messageOf()], context())
      expect(standIn.requests.at(-1)?.raw.toString().split('found by comparing with Langfuse')).toHaveLength(
        2,
      )
    })
  })

  it('lets a bug be thrown', async () => {
    const broken = { ...messageOf(), change: null } as unknown as Message
    await expect(deliver({}, broken)).rejects.toThrow(TypeError)
    expect(standIn.seen).toEqual([])
  })

  it('takes a digest, or says that it takes none', async () => {
    const messages = [messageOf(), messageOf()]
    const digest = sendDigest(target, messages, context())
    if (canDigest(target)) expect(await digest).toMatchObject({ outcome: 'delivered' })
    else await expect(digest).rejects.toThrow('takes no digests')
    expect(standIn.seen).toHaveLength(canDigest(target) ? 1 : 0)
  })

  describe('takes what a comparison with Langfuse found at once', () => {
    const hostile = `${'x<!everyone> @here '.repeat(40)}[a](https://evil.example)`
    const storm = (count: number) => ({
      messages: Array.from({ length: count }, (_, i) =>
        messageOf({
          change: { id: `chg_${i}`, title: `${hostile} ${i}` },
          detail: { reconciled: { from: 0, to: now } },
        }),
      ),
      list: 'https://relay.example.com/?q=reconciled',
    })

    it.each([1, 11, 500])('as one message of %i, or says that it takes none', async (count) => {
      const sent = sendStorm(target, storm(count), context())
      const isOne = stormOf(target).way === 'one-message'
      if (isOne) expect(await sent).toMatchObject({ outcome: 'delivered', reason: null })
      else await expect(sent).rejects.toThrow('takes no storm as one message')
      expect(standIn.seen).toHaveLength(isOne ? 1 : 0)
      const [request] = standIn.requests
      if (request)
        expect(request.raw.toString()).toContain(`${count} changes, found by comparing with Langfuse`)
    })

    it('but sends nothing in a dry run', async ({ skip }) => {
      skip(stormOf(target).way !== 'one-message', 'each is sent alone')
      const outcome = await sendStorm(target, storm(11), context({ isDry: true }))
      expect(outcome).toMatchObject({ outcome: 'dry-run' })
      expect(outcome.request).toContain('11 changes')
      expect(standIn.seen).toEqual([])
    })
  })
})

it('a reason has at most 500 characters, whatever is configured', async () => {
  const standIn = await standIns.github.start()
  standIn.answerWith(() => ({ status: 404 }))
  const target = { ...standIns.github.target(standIn.url), repo: `acme/${'p'.repeat(1000)}` }
  const { reason } = await send(target, messageOf(), context())
  await standIn.close()
  expect(reason).toHaveLength(500)
})
