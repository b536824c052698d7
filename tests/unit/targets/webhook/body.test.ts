import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Fact } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { ObservedRow } from '#lib/core/change/observed.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import { webhookBodyOf } from '#lib/targets/webhook/body.ts'
import { webhookBody } from '#lib/targets/webhook/schema.ts'
import { everywhere, hostile } from '../hostile.ts'
import { difference, factOf, messageOf, messageOfKind } from '../messages.ts'

const observedRow: ObservedRow = {
  event: 'generation.created',
  id: 'o1',
  traceId: 't1',
  observationId: 'o1',
  name: 'checkout-agent',
  at: 0,
  environment: 'production',
  level: 'ERROR',
  message: 'Too many tokens',
  isGeneration: true,
  model: 'gpt-4o',
  latencyMs: 1200,
  cost: 0.02,
  promptName: null,
  value: null,
  dataType: null,
  source: null,
}

/** As a receiver reads it. */
const problemsOf = (message: Message) =>
  webhookBody.safeParse(JSON.parse(JSON.stringify(webhookBodyOf(message)))).error?.issues ?? []

describe('the body of a signed webhook', () => {
  it.each(factKinds)('for a change of kind %s matches its snapshot and its schema', (kind) => {
    expect(webhookBodyOf(messageOfKind(kind))).toMatchSnapshot()
    expect(problemsOf(messageOfKind(kind))).toEqual([])
  })

  it('names who did it, and everyone else who took part in the change', () => {
    const fact: Fact = { kind: 'label-added', label: 'staging', to: 1, by: 'Jo' }
    const both = messageOf({ fact, detail: { facts: [factOf('promoted'), fact] } })
    expect(webhookBodyOf(both).data).toMatchObject({ actor: 'Jo', actors: ['Maya', 'Jo'] })
    expect(problemsOf(both)).toEqual([])
    const found = messageOf({ fact: { kind: 'label-added', label: 'staging', to: 1, revealed: true } })
    expect(webhookBodyOf(found).data.actor).toBeNull()
    expect(webhookBodyOf(messageOf()).data).not.toHaveProperty('actors')
  })

  it.each([
    [undefined, 'nowhere'],
    ['unknown', 'unknown'],
    ['newer', 'newer_version'],
  ] as const)('says where a label is that left a version (%s): %s', (now, carried) => {
    const fact: Fact = { kind: 'label-removed', label: 'production', from: 7, ...(now && { now }) }
    expect(webhookBodyOf(messageOf({ fact })).data.carried).toBe(carried)
    expect(problemsOf(messageOf({ fact }))).toEqual([])
  })

  it('has the schema that docs/change.schema.json publishes (--update=all writes it anew)', async () => {
    // As a receiver needs it: what it does not know yet may come.
    const schema = z.toJSONSchema(webhookBody, { io: 'input' })
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(
      '../../../../docs/change.schema.json',
    )
  })

  it('has the version that its fact is about, not the one that the change is mostly about', () => {
    const message = messageOf({ fact: { kind: 'label-added', label: 'staging', to: 3 } })
    expect(webhookBodyOf(message).data).toMatchObject({ label: 'staging', to: 3, prompt: { version: 3 } })
  })

  it('has only the rows of a burst that its rule matched, with a title of their own', () => {
    const row = (id: string) => ({ ...observedRow, id, traceId: id })
    const fact = { ...factOf('error-trace'), count: 1, rows: [1] } as Fact
    const message = messageOf({ fact, detail: { prompt: null, observed: [row('a'), row('b')] } })
    const { data } = webhookBodyOf(message)
    expect(data.observed.map(({ id }) => id)).toEqual(['b'])
    expect(data.title).not.toBe(message.change.title)
    expect(problemsOf(message)).toEqual([])
  })

  it('counts the lines that it leaves out', () => {
    const lines = Array.from({ length: 250 }, () => ({ sign: '+' as const, text: 'x' }))
    const body = webhookBodyOf(messageOf({ detail: { difference: { ...difference, lines } } }))
    expect(body.data.difference?.lines).toHaveLength(200)
    expect(body.data.difference?.cutLines).toBe(50 + difference.cutLines)
  })

  it.each(Object.entries(hostile))('keeps to its schema with %s everywhere in it', (_, bad) => {
    expect(problemsOf(everywhere(bad))).toEqual([])
  })

  it('keeps to its schema, and below a megabyte, with any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.constantFrom(...Object.values(hostile)),
    )
    fc.assert(
      fc.property(text, fc.constantFrom(...factKinds), (bad, kind) => {
        const message = { ...everywhere(bad), fact: factOf(kind) }
        expect(problemsOf(message)).toEqual([])
        expect(Buffer.byteLength(JSON.stringify(webhookBodyOf(message)))).toBeLessThan(2 ** 20)
      }),
      { numRuns: 60 },
    )
  })
})
