import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkAge, type SignatureScheme, sign as signV1, verifySignature } from '#lib/langfuse/signature.ts'
import { fixture, fixtureNames, secret, sign, signatureOf, t } from '../../fixtures.ts'

const body = fixture('01-prompt-created-text.json')
const now = t * 1000
const digest = sign(body).split('v1=')[1] ?? ''
const bare = sign(body, { scheme: 'bare' })
const other = 'lf-whsec_another-secret-of-some-length-zzzz'

const verify = (header: string | null, changes: Partial<Parameters<typeof verifySignature>[0]> = {}) =>
  verifySignature({
    header,
    rawBody: body,
    secrets: [secret],
    schemes: ['v1', 'bare'],
    toleranceSeconds: 300,
    now,
    ...changes,
  })

describe('the shared signatures', () => {
  it.each(fixtureNames)('%s is accepted with its own header and no other', (name) => {
    const rawBody = fixture(name)
    const changed = Buffer.from(rawBody)
    changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
    expect(verify(signatureOf(name), { rawBody })).toEqual({
      ok: true,
      scheme: 'v1',
      secretAt: 0,
      secretHint: 'cdef',
      timestamp: now,
    })
    expect(verify(signatureOf(name), { rawBody: changed })).toMatchObject({ reason: 'signature-mismatch' })
    expect(verify(signatureOf(name), { rawBody, secrets: [other] })).toMatchObject({
      reason: 'signature-mismatch',
    })
  })

  it('is what our own sign() makes', () => {
    expect(signV1(body, secret, t)).toBe(signatureOf('01-prompt-created-text.json'))
  })
})

describe('a header is accepted', () => {
  const wrong = 'a'.repeat(64)
  it.each<[string, string, SignatureScheme]>([
    ['with t last', `v1=${digest},t=${t}`, 'v1'],
    ['with a space after the comma', `t=${t}, v1=${digest}`, 'v1'],
    ['with s in place of v1', `t=${t},s=${digest}`, 'v1'],
    ['in upper case hex', `t=${t},v1=${digest.toUpperCase()}`, 'v1'],
    ['when the second of two v1 matches', `t=${t},v1=${wrong},v1=${digest}`, 'v1'],
    ['when the first of two v1 matches', `t=${t},v1=${digest},v1=${wrong}`, 'v1'],
    ['when a broken v1 follows the one that matches', `t=${t},v1=${digest},v1=zz`, 'v1'],
    ['when a broken v1 precedes the one that matches', `t=${t},v1=,v1=${digest}`, 'v1'],
    ['with 16 signatures', `t=${t}${`,v1=${wrong}`.repeat(15)},v1=${digest}`, 'v1'],
    ['with keys that are not known', `v0=old,t=${t},v1=${digest},v2=x=y`, 'v1'],
    ['as bare hex', bare, 'bare'],
    ['as bare hex in upper case', bare.toUpperCase(), 'bare'],
  ])('%s', (_, header, scheme) => {
    expect(verify(header)).toMatchObject({ ok: true, scheme, secretHint: 'cdef' })
  })

  it('as bare hex over a body that starts with white space', () => {
    const rawBody = Buffer.from(' \t\r\n{"id":"1"}')
    expect(verify(sign(rawBody, { scheme: 'bare' }), { rawBody })).toMatchObject({
      ok: true,
      timestamp: null,
    })
  })
})

describe('a header is refused', () => {
  it.each<[string, string | null, string]>([
    ['when there is none', null, 'signature-missing'],
    ['when it is empty', '', 'signature-missing'],
    ['when it is blank', '  ', 'signature-missing'],
    ['when it is a word', 'hello', 'signature-malformed'],
    ['without t', `v1=${digest}`, 'signature-malformed'],
    ['with two t', `t=${t},t=${t},v1=${digest}`, 'signature-malformed'],
    ['sent twice, as fetch joins it', `${sign(body)}, ${sign(body)}`, 'signature-malformed'],
    ['with an empty t', `t=,v1=${digest}`, 'signature-malformed'],
    ['with NaN as t', `t=NaN,v1=${digest}`, 'signature-malformed'],
    ['with a negative t', `t=-${t},v1=${digest}`, 'signature-malformed'],
    ['with t in exponent form', `t=1.7872704e9,v1=${digest}`, 'signature-malformed'],
    ['with t in hex', `t=0x6a874a00,v1=${digest}`, 'signature-malformed'],
    ['with t in Arabic digits', `t=١٧٨٧٢٧٠٤٠٠,v1=${digest}`, 'signature-malformed'],
    ['with a t of 400 digits', `t=${'9'.repeat(400)},v1=${digest}`, 'signature-malformed'],
    ['without v1', `t=${t}`, 'signature-malformed'],
    ['with v0 alone', `t=${t},v0=${digest}`, 'signature-malformed'],
    ['with an empty v1', `t=${t},v1=`, 'signature-malformed'],
    ['with 63 digits', `t=${t},v1=${digest.slice(1)}`, 'signature-malformed'],
    ['with 65 digits', `t=${t},v1=${digest}0`, 'signature-malformed'],
    ['with a digit that is none', `t=${t},v1=${digest.slice(1)}g`, 'signature-malformed'],
    ['with 64 characters of two bytes', `t=${t},v1=${'é'.repeat(64)}`, 'signature-malformed'],
    ['with bare characters of two bytes', 'é'.repeat(64), 'signature-malformed'],
    ['with fullwidth digits', `t=${t},v1=${digest.slice(1)}\uff11`, 'signature-malformed'],
    ['with several v1 that are all broken', `t=${t},v1=zz,v1=${digest}0`, 'signature-malformed'],
    ['with a wrong v1 beside a broken one', `t=${t},v1=${'0'.repeat(64)},v1=zz`, 'signature-mismatch'],
    ['with 17 signatures', `t=${t}${`,v1=${digest}`.repeat(17)}`, 'signature-malformed'],
    ['longer than 4096 characters', `t=${t},v1=${digest},x=${'y'.repeat(4096)}`, 'signature-malformed'],
    ['with a sha256= prefix', `sha256=${bare}`, 'signature-malformed'],
    ['as bare hex with a word after it', `${bare} x`, 'signature-malformed'],
    ['when another second was signed', `t=${t + 1},v1=${digest}`, 'signature-mismatch'],
    ['when t has another form than what was signed', `t=0${t},v1=${digest}`, 'signature-mismatch'],
    ['as bare hex of another secret', sign(body, { scheme: 'bare', secret: other }), 'signature-mismatch'],
  ])('%s', (_, header, reason) => {
    expect(verify(header)).toMatchObject({ ok: false, reason })
  })

  it('in sentences that contain the numbers, and no secret or digest', () => {
    const late = { now: now + 412_000 }
    expect(verify(sign(body), late)).toMatchObject({
      message: 'The signature is 412 s old, the limit is 300 s',
    })
    const messages = [verify(sign(body), late), verify('x'.repeat(5000)), verify(`${bare}0`)].map((result) =>
      JSON.stringify(result),
    )
    expect(messages[1]).toContain('5000 characters, the limit is 4096')
    expect(messages.join()).not.toMatch(new RegExp(`${secret}|${bare}|${digest}`))
  })
})

describe('the window', () => {
  it.each([
    [300, true],
    [301, false],
    [300.001, false],
    [-300, true],
    [-301, false],
    [-300.001, false],
  ])('with the clock %d s after the signature: %s', (seconds, ok) => {
    const result = verify(sign(body), { now: now + seconds * 1000 })
    expect(result).toMatchObject(ok ? { ok } : { ok, reason: 'signature-expired' })
    expect(checkAge(now, now + seconds * 1000, 300).ok).toBe(ok)
  })

  it('says in which direction the clocks differ', () => {
    expect(checkAge(now + 301_000, now, 300)).toMatchObject({
      message: 'The signature is 301 s ahead of this clock, the limit is 300 s',
    })
  })

  it('rejects a time that is not a number', () => {
    expect(checkAge(Number.NaN, now, 300).ok).toBe(false)
  })
})

describe('the schemes', () => {
  it.each<[SignatureScheme, string]>([
    ['v1', bare],
    ['bare', sign(body)],
  ])('with only %s, the other is refused', (scheme, header) => {
    expect(verify(header, { schemes: [scheme] })).toMatchObject({ ok: false, reason: 'scheme-off' })
  })

  it('refuse the digest of one in the form of the other', () => {
    expect(verify(digest)).toMatchObject({ reason: 'signature-mismatch' })
    expect(verify(`t=${t},v1=${bare}`)).toMatchObject({ reason: 'signature-mismatch' })
  })

  it('refuse a captured v1 digest as bare over the message that it signed', () => {
    const message = Buffer.concat([Buffer.from(`${t}.`), body])
    expect(sign(message, { scheme: 'bare' })).toBe(digest)
    expect(verify(digest, { rawBody: message })).toMatchObject({ ok: false, reason: 'signature-mismatch' })
  })

  it('refuse a captured bare digest as v1 over any cut of the body that it signed', () => {
    const rawBody = Buffer.from('{"at":1787270400.5,"id":"1787270400.{}"}')
    const captured = sign(rawBody, { scheme: 'bare' })
    for (let cut = 0; cut <= rawBody.length; cut++) {
      const time = rawBody.subarray(0, cut).toString()
      for (const skip of [0, 1]) {
        const rest = rawBody.subarray(cut + skip)
        expect(verify(`t=${time},v1=${captured}`, { rawBody: rest }).ok).toBe(false)
      }
    }
  })

  it.each(['', ' ', '[]', '"x"', '123.{}', '\ufeff{}', '\u00a0{}'])('take no bare digest over %j', (text) => {
    const rawBody = Buffer.from(text)
    expect(verify(sign(rawBody, { scheme: 'bare' }), { rawBody })).toMatchObject({
      reason: 'signature-mismatch',
    })
  })
})

describe('during a rotation', () => {
  it.each([
    [[secret, other], secret, 'cdef'],
    [[other, secret], secret, 'cdef'],
    [[secret, other], other, 'zzzz'],
    [[other, secret], other, 'zzzz'],
  ])('the secret that matched is identified by its last four characters (%#)', (secrets, used, hint) => {
    expect(verify(sign(body, { secret: used }), { secrets })).toMatchObject({ ok: true, secretHint: hint })
    expect(verify(sign(body, { secret: used, scheme: 'bare' }), { secrets })).toMatchObject({
      secretHint: hint,
    })
  })

  it('a signature with neither secret is refused, and without secrets every one', () => {
    const header = sign(body, { secret: 'lf-whsec_third-secret' })
    expect(verify(header, { secrets: [secret, other] })).toMatchObject({ reason: 'signature-mismatch' })
    expect(verify(sign(body), { secrets: [] })).toMatchObject({ reason: 'signature-mismatch' })
  })
})

describe('hostile headers', () => {
  const piece = fc.oneof(
    fc.constantFrom('t=', 'v1=', 's=', ',', '=', ' ', `${t}`, 'NaN', '\0', '__proto__=', 'é', '-', '.'),
    fc.stringMatching(/^[0-9a-fA-F]{60,68}$/),
    fc.string({ unit: 'binary', maxLength: 80 }),
  )
  const header = fc.oneof(
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 6000 }),
  )

  it('never throw and never pass', () => {
    fc.assert(
      fc.property(header, (text) => {
        expect(verify(text).ok).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  it('never pass with one character of a good digest changed', () => {
    const change = fc.tuple(fc.nat(63), fc.constantFrom(...'0123456789abcdef'))
    fc.assert(
      fc.property(change, fc.constantFrom(digest, bare), ([at, digit], good) => {
        const changed = good.slice(0, at) + digit + good.slice(at + 1)
        const headerOf = (hex: string) => (good === bare ? hex : `t=${t},v1=${hex}`)
        expect(verify(headerOf(changed)).ok).toBe(changed === good)
      }),
    )
  })
})
