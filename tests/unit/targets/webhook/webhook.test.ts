import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SendContext } from '#lib/core/delivery/delivery.ts'
import { privateUrlFlaw, type TargetOf } from '#lib/core/rules/target-settings.ts'
import { publicFetch, publicLookup, type Resolve } from '#lib/targets/webhook/public-fetch.ts'
import { classifyWebhook, webhook } from '#lib/targets/webhook/webhook.ts'
import { type StandIn, startStandIn } from '../../../mocks/stand-in.ts'
import { signatureProblem, startWebhookStandIn, webhookSecret } from '../../../mocks/webhook.ts'
import { messageOf } from '../messages.ts'

const now = Date.UTC(2026, 7, 21)
const context = (): SendContext => ({ fetch, now: () => now, signal: AbortSignal.timeout(5000) })
const otherSecret = `whsec_${Buffer.from('another secret of thirty-two by!').toString('base64')}`

let standIn: StandIn
beforeEach(async () => {
  standIn = await startWebhookStandIn({ now: () => now })
})
afterEach(() => standIn.close())

const targetOf = (over: Partial<TargetOf<'webhook'>> = {}): TargetOf<'webhook'> => ({
  type: 'webhook',
  url: standIn.url,
  secrets: [webhookSecret],
  allowPrivate: true,
  ...over,
})
const post = (over: Partial<TargetOf<'webhook'>> = {}, message = messageOf()) =>
  webhook.send(targetOf(over), message, context())

describe('a signed webhook', () => {
  it('is signed over exactly the bytes that are sent, whatever characters they hold', async () => {
    for (const title of ['plain', '☃ 😀 é', '\ud800 half', 'a "quote" \\ and \u2028', '\u0000']) {
      expect((await post({}, messageOf({ change: { title } }))).outcome).toBe('delivered')
    }
    const [request] = standIn.requests
    if (!request) throw new Error('Nothing came')
    const changed = { ...request, raw: Buffer.concat([request.raw, Buffer.from(' ')]) }
    expect(signatureProblem(changed, { secret: webhookSecret, now })).toBe('no signature fits')
  })

  it('is signed by every secret during a rotation, so that either side may change first', async () => {
    await post({ secrets: [webhookSecret, otherSecret] })
    const [request] = standIn.requests
    if (!request) throw new Error('Nothing came')
    for (const secret of [webhookSecret, otherSecret])
      expect(signatureProblem(request, { secret, now })).toBeNull()
    expect(request.headers['webhook-signature']).toMatch(/^v1,\S+ v1,\S+$/)
  })

  it('is given up where the secrets differ, with what to compare', async () => {
    const outcome = await post({ secrets: [otherSecret] })
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: 401 })
    expect(outcome.reason).toContain('both sides have the same secret')
  })

  it('has the same id at every try and replay, and another id for another delivery', async () => {
    const ids = ['dlv_1', 'dlv_1', 'dlv_2']
    for (const deliveryId of ids) await post({}, messageOf({ deliveryId }))
    expect(standIn.requests.map(({ headers }) => headers['webhook-id'])).toEqual(ids)
  })

  it('carries the headers of its target, which cannot replace its own', async () => {
    const headers = {
      Authorization: 'Bearer planted-password',
      'Webhook-Id': 'mine',
      'Content-Type': 'text/html',
    }
    standIn.answerWith(({ headers }) => ({ status: 400, body: `No: ${headers.authorization}` }))
    const outcome = await post({ headers })
    expect(standIn.seen[0]?.headers).toMatchObject({
      authorization: 'Bearer planted-password',
      'webhook-id': 'dlv_1',
      'content-type': 'application/json',
    })
    expect(JSON.stringify(outcome)).not.toContain('planted-password')
  })

  it('never shows a password that is in its URL', async () => {
    standIn.answerWith(({ path }) => ({ status: 400, body: `No ${path}` }))
    const url = `${standIn.url}/hooks/aVeryLongPathToken?key=planted-key`
    const outcome = JSON.stringify(await post({ url }))
    expect(outcome).not.toMatch(/aVeryLongPathToken|planted-key/)
    expect(outcome).toContain('/hooks/')
  })

  it.each([
    [401, 'both sides have the same secret'],
    [404, 'Check the URL'],
    [410, 'gone for good'],
    [418, 'The webhook answered 418: "no"'],
  ])('answered %i is given up with what to do', (status, fix) => {
    const verdict = classifyWebhook({ status, body: 'no', headers: new Headers() }, now)
    expect(verdict).toMatchObject({ outcome: 'failed', reason: expect.stringContaining(fix) })
  })
})

describe('a webhook that may not go to private addresses', () => {
  it.each([
    'https://hooks.example.com/a',
    'https://8.8.8.8/a',
    'https://[2606:4700::1111]/a',
    'https://hooks.example.com:8443/a',
  ])('goes to %s', (url) => {
    expect(privateUrlFlaw({ url })).toBeNull()
  })

  it.each([
    'http://hooks.example.com/a',
    'https://127.0.0.1/a',
    'https://0x7f.1/a',
    'https://2130706433/a',
    'https://10.0.0.1/a',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/a',
    'https://[::ffff:127.0.0.1]/a',
    'https://[64:ff9b::7f00:1]/a',
    'https://[fd00::1]/a',
    'not a URL',
  ])('is not sent to %s, with what would allow it', async (url) => {
    const outcome = await post({ url, allowPrivate: false })
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: null, response: null })
    expect(outcome.reason).toMatch(/WEBHOOK_ALLOW_PRIVATE|no valid URL/)
    expect(standIn.seen).toEqual([])
  })

  it('is given up where its name resolves to this machine', async () => {
    const port = new URL(standIn.url).port
    const outcome = await post({ url: `https://localhost:${port}/a`, allowPrivate: false })
    expect(outcome).toMatchObject({ outcome: 'failed', statusCode: null })
    expect(outcome.reason).toMatch(/localhost.*private address/)
    expect(standIn.seen).toEqual([])
  })
})

describe('the lookup of a guarded connection', () => {
  const resolving =
    (...addresses: string[]): Resolve =>
    (_, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
  const look = (resolve: Resolve, all = true) =>
    new Promise((found) =>
      publicLookup(resolve)('hooks.example.com', { all }, (error, address, family) =>
        found(error ? error.code : [address, family]),
      ),
    )

  it('passes public addresses on, in both forms that Node takes', async () => {
    const addresses = ['93.184.216.34', '2606:4700::1111']
    expect(await look(resolving(...addresses))).toEqual([
      [
        { address: '93.184.216.34', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
      undefined,
    ])
    expect(await look(resolving(...addresses), false)).toEqual(['93.184.216.34', 4])
  })

  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '192.168.1.1',
    '0.0.0.0',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::7f00:1',
    '64:ff9b::a00:1',
    '64:ff9b:1::a00:1',
    '2002:a00:1::',
    '2001:0:1::',
    'fd00::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
  ])('refuses %s, alone and beside a public one', async (address) => {
    expect(await look(resolving(address))).toBe('PRIVATE_ADDRESS')
    expect(await look(resolving('93.184.216.34', address))).toBe('PRIVATE_ADDRESS')
  })

  it('reports that there is no address', async () => {
    expect(await look(resolving())).toBe('ENOTFOUND')
    const broken: Resolve = (_, done) => done(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }), [])
    expect(await look(broken)).toBe('EAI_AGAIN')
  })

  it('is used for every connection, so that a second answer of DNS leads nowhere', async () => {
    const inner = await startStandIn(() => ({ status: 200 }))
    const { port } = new URL(inner.url)
    let answers = 0
    const rebinding: Resolve = (name, done) => {
      answers += 1
      resolving('127.0.0.1')(name, done)
    }
    const fetch = publicFetch(rebinding)
    for (let i = 0; i < 2; i++) {
      const request = fetch(`http://hooks.example.com:${port}/`, { method: 'POST', body: 'x' })
      await expect(request).rejects.toMatchObject({ cause: { code: 'PRIVATE_ADDRESS' } })
    }
    await inner.close()
    expect(answers).toBe(2)
    expect(inner.seen).toEqual([])
  })
})
