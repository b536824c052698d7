import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'
import type { TargetOf } from '#lib/core/rules/target-settings.ts'
import { type AlertEvent, pagerdutyEvent } from '#lib/targets/pagerduty/event.ts'
import { pagerdutyKey, pagerdutyProblems } from '../../../mocks/pagerduty.ts'
import { everywhere, hostile } from '../hostile.ts'
import { factOf, messageOf, messageOfKind } from '../messages.ts'

const target: TargetOf<'pagerduty'> = {
  type: 'pagerduty',
  routingKey: pagerdutyKey,
  eventsUrl: 'https://events.pagerduty.com',
}
const eventOf = (message: Message) => pagerdutyEvent(target, message)
function problemsOf(message: Message): string[] {
  const { path, body } = eventOf(message)
  const json = JSON.stringify(body)
  return pagerdutyProblems(path, JSON.parse(json), Buffer.byteLength(json))
}

function alertOf(message: Message): AlertEvent {
  const { path, body } = eventOf(message)
  if (path !== '/v2/enqueue') throw new Error(`It is a change event: ${JSON.stringify(body)}`)
  return body
}
const keyOf = (message: Message): string => alertOf(message).dedup_key
const severityOf = (message: Message): string => {
  const event = alertOf(message)
  return event.event_action === 'trigger' ? event.payload.severity : 'none'
}

describe('a PagerDuty event', () => {
  it.each(factKinds)('for a change of kind %s matches its snapshot, and PagerDuty takes it', (kind) => {
    expect(eventOf(messageOfKind(kind))).toMatchSnapshot()
    expect(problemsOf(messageOfKind(kind))).toEqual([])
  })

  it.each([
    'promoted',
    'rolled-back',
    'version-created',
    'tags-changed',
    'label-removed',
    'deleted',
  ] as const)('of kind %s is shown beside incidents and opens none', (kind) => {
    expect(eventOf(messageOfKind(kind)).path).toBe('/v2/change/enqueue')
  })

  it('opens a critical incident where no version carries production any more', () => {
    const fact = factOf('label-removed')
    const message = messageOf({ fact, change: { danger: true } })
    expect(alertOf(message)).toMatchObject({
      event_action: 'trigger',
      payload: { severity: 'critical', component: 'support/refund-reply', class: 'label-removed' },
    })
  })

  it('ends that incident where a version carries production again, whichever of its facts is sent', () => {
    const lost = messageOf({ fact: factOf('label-removed'), change: { danger: true, id: 'chg_1' } })
    const detail = { ends: { changeId: 'chg_1', title: 'Maya removed production' } }
    for (const kind of ['label-added', 'promoted', 'tags-changed'] as const) {
      const found = messageOf({ fact: factOf(kind), change: { id: 'chg_2' }, detail })
      expect(alertOf(found)).toEqual({
        routing_key: pagerdutyKey,
        event_action: 'resolve',
        dedup_key: keyOf(lost),
      })
    }
    const others: Message['change'][] = [
      { ...lost.change, subject: 'other' },
      { ...lost.change, projectId: 'p2' },
    ]
    for (const change of others) expect(keyOf({ ...lost, change })).not.toBe(keyOf(lost))
  })

  it.each<[string, Fact]>([
    ['critical', { kind: 'alert', severity: 'ALERT', monitorId: 'm1' }],
    ['warning', { kind: 'alert', severity: 'WARNING', monitorId: 'm1' }],
    ['warning', { kind: 'alert', severity: 'NO_DATA', monitorId: 'm1' }],
    ['error', { kind: 'alert', severity: 'CAME_LATER', monitorId: 'm1' }],
    ['error', { kind: 'notification', eventType: 'evaluator-blocked', severity: 'ALERT' }],
    ['warning', { kind: 'notification', eventType: 'x', severity: 'WARNING' }],
    ['info', { kind: 'notification', eventType: 'x', severity: 'INFO' }],
    ['error', factOf('given-up')],
    ['error', factOf('error-trace')],
  ])('is %s for %o', (severity, fact) => {
    expect(severityOf(messageOf({ fact }))).toBe(severity)
  })

  it('for a recovery resolves the incident of its alert, whatever else differs between the two changes', () => {
    const alert = messageOf({ fact: factOf('alert'), change: { id: 'chg_1' } })
    const recovered = messageOf({ fact: factOf('recovered'), change: { id: 'chg_2' } })
    expect(alertOf(recovered)).toEqual({
      routing_key: pagerdutyKey,
      event_action: 'resolve',
      dedup_key: keyOf(alert),
    })
    expect(keyOf(alert)).toBe('langfuse-alert:p1:m1')
  })

  it('for another monitor or project has another key, also where both are too long for one', () => {
    const long = 'm'.repeat(300)
    const alert = (projectId: string, monitorId: string) =>
      keyOf(messageOf({ fact: { kind: 'alert', severity: 'ALERT', monitorId }, change: { projectId } }))
    const keys = [
      alert('p1', 'm1'),
      alert('p1', 'm2'),
      alert('p2', 'm1'),
      alert('p1', `${long}1`),
      alert('p1', `${long}2`),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys.every((key) => key.length <= 255)).toBe(true)
    expect(alert('p1', `${long}1`)).toBe(keys[3])
  })

  it('has the key of its change, so that a replay opens no second incident', () => {
    const given = (id: string, deliveryId: string) =>
      keyOf(messageOf({ fact: factOf('given-up'), change: { id }, deliveryId }))
    expect(given('chg_1', 'dlv_1')).toBe(given('chg_1', 'dlv_2'))
    expect(given('chg_1', 'dlv_1')).not.toBe(given('chg_2', 'dlv_1'))
  })

  it.each(factKinds)('for a test of kind %s wakes no one and ends no incident', (kind) => {
    const message = messageOfKind(kind)
    const test = { ...message, change: { ...message.change, test: true, danger: true } }
    const { path, body } = eventOf(test)
    expect(path).toBe('/v2/change/enqueue')
    expect(body).toMatchObject({ payload: { summary: expect.stringMatching(/^\[Test\] /) } })
  })

  it.each(Object.entries(hostile))('stays within the limits with %s everywhere in it', (_, bad) => {
    expect(problemsOf(everywhere(bad))).toEqual([])
    for (const kind of ['alert', 'recovered', 'given-up', 'notification'] as const)
      expect(problemsOf({ ...everywhere(bad), fact: factOf(kind) })).toEqual([])
  })

  it('stays within the limits with any text', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3000 }),
      fc.constantFrom(...Object.values(hostile)),
    )
    fc.assert(
      fc.property(text, fc.constantFrom(...factKinds), fc.boolean(), (bad, kind, danger) => {
        const message = { ...everywhere(bad), fact: factOf(kind) }
        expect(problemsOf({ ...message, change: { ...message.change, danger } })).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  it('links to web addresses only', () => {
    const links = { page: 'javascript:alert(1)', langfuse: `https://l.example/${'x'.repeat(3000)}` }
    expect(JSON.stringify(eventOf(messageOf({ fact: factOf('given-up'), links })))).not.toMatch(
      /javascript|l\.example/,
    )
  })
})
