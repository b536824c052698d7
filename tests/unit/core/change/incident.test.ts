import { describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import type { Target } from '#lib/core/rules/target-settings.ts'
import { orderOf } from '#lib/pipeline/deliver/order.ts'

const slack: Target = { type: 'slack', url: 'https://slack.test' }
const pagerduty: Target = { type: 'pagerduty', routingKey: 'k', eventsUrl: 'https://pagerduty.test' }
const delivery = { id: 'dlv_1', target: 'pagerduty' }
const order = (fact: Fact, projectId: string | null = 'p1') =>
  orderOf(delivery, { change: { projectId }, fact, to: slack }, { occurredAt: 5, now: 9 })[0]

describe('the order of deliveries of one incident', () => {
  it("is that of the monitor's runs, for an alert and its recovery", () => {
    const alert = order({ kind: 'alert', severity: 'ALERT', monitorId: 'm1' })
    expect(alert).toMatchObject({ delivery_id: 'dlv_1', target: 'pagerduty', role: 'opens', at: 5 })
    const recovery = order({ kind: 'recovered', severity: 'OK', monitorId: 'm1' })
    expect(recovery).toMatchObject({ role: 'ends', at: 5, key: alert?.key })
    expect(order({ kind: 'recovered', severity: 'OK', monitorId: 'm2' })?.key).not.toBe(alert?.key)
    expect(order({ kind: 'recovered', severity: 'OK', monitorId: 'm1' }, 'p2')?.key).not.toBe(alert?.key)
  })

  it('is that of settling, for a trouble and its end', () => {
    const trouble = { what: 'target', target: 'slack', since: 3 } as const
    const begin = order({ kind: 'trouble', ...trouble })
    expect(begin).toMatchObject({ role: 'opens', at: 9 })
    expect(order({ kind: 'trouble-over', ...trouble })).toMatchObject({
      role: 'ends',
      at: 9,
      key: begin?.key,
    })
    expect(order({ kind: 'trouble-over', ...trouble, since: 4 })?.key).not.toBe(begin?.key)
  })

  it('is that of the edits, where production is lost and comes back; only at PagerDuty may they contradict each other', () => {
    const lost = { projectId: 'p1', subject: 'a', danger: true }
    const removed: Fact = { kind: 'label-removed', label: 'production', from: 7 }
    const again = { projectId: 'p1', subject: 'a', detail: { ends: { changeId: 'chg_1', title: 'Lost' } } }
    const added: Fact = { kind: 'label-added', label: 'production', to: 8 }
    const at = { occurredAt: 5, now: 9 }
    const orders = [slack, pagerduty].flatMap((to) => [
      ...orderOf(delivery, { change: lost, fact: removed, to }, at),
      ...orderOf(delivery, { change: again, fact: added, to }, at),
    ])
    expect(orders.map(({ role }) => role)).toEqual(['follows', 'follows', 'opens', 'ends'])
    expect(new Set(orders.map(({ key }) => key)).size).toBe(1)
    expect(orders.map((one) => one.at)).toEqual([9, 9, 9, 9])
  })

  it('is none for a change without an incident', () => {
    expect(order({ kind: 'given-up', target: 'slack', count: 1 })).toBeUndefined()
    expect(order({ kind: 'notification', eventType: 'x', severity: 'ALERT' })).toBeUndefined()
  })
})
