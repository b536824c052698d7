import { describe, expect, it } from 'vitest'
import { liveQuery, newestKnown } from '../../../../../app/(dashboard)/_list/live-query.ts'
import { rowMark } from '../../../../../app/(dashboard)/_list/row-mark.ts'

const now = 0x199_0000_0000
const idAt = (time: number) => `chg_${time.toString(16).padStart(11, '0')}`

describe('the request of an open list', () => {
  it.each([
    ['nothing shown', { newest: 'chg_1', shown: '' }, true],
    ['50 rows', { newest: 'chg_1', shown: Array(50).fill('chg_1').join(',') }, true],
    ['more rows than a page has', { newest: 'chg_1', shown: Array(51).fill('chg_1').join(',') }, false],
    ['another kind of id', { newest: 'chg_1', shown: 'evt_1' }, false],
    ['no newest', { shown: '' }, false],
    ['a hostile newest', { newest: "chg_' or 1=1", shown: '' }, false],
  ])('with %s is taken or not', (_what, query, isTaken) => {
    expect(liveQuery.safeParse(query).success).toBe(isTaken)
  })

  it.each([
    ['the first row, where it is recent', `${idAt(now - 2000)}00ab`, true, `${idAt(now - 2000)}00ab`],
    ['a little before now, where the first row is old', idAt(now - 3_600_000), true, idAt(now - 10_000)],
    ['a little before now, where there is no row', null, true, idAt(now - 10_000)],
    ['now, on a page that is not the first', idAt(now - 2000), false, idAt(now)],
  ])('starts at %s', (_what, first, isTop, newest) => {
    expect(newestKnown(first, isTop, now)).toBe(newest)
  })
})

describe('the mark of a row', () => {
  const delivery = {
    id: 'dlv_1',
    target: 'slack',
    status: 'retrying',
    failures: 1,
    next_at: 5,
    duration_ms: 9,
  } as const
  const change = { status: 'settled', kind: 'promoted', eventCount: 2 }
  const mark = (over: object = {}, changed: object = {}, heldUntil: number | null = null) =>
    rowMark({ change: { ...change, ...changed }, deliveries: [{ ...delivery, ...over }] }, () => ({
      now,
      heldUntil,
      tries: 13,
      replayNote: null,
    }))

  it.each([
    ['the status of a delivery', mark({ status: 'delivered' })],
    ['the number of its failures', mark({ failures: 2 })],
    ['its next time', mark({ next_at: 6 })],
    ['how long it took', mark({ duration_ms: 10 })],
    ['its circuit', mark({}, {}, 7)],
    ['the status of the change', mark({}, { status: 'settling' })],
    ['its kind', mark({}, { kind: 'deleted' })],
    ['the number of its events', mark({}, { eventCount: 3 })],
  ])('is another one with %s', (_what, other) => {
    expect(other).not.toBe(mark())
  })

  it('is unchanged if the row is: an open circuit does not affect a delivered message', () => {
    expect(mark()).toBe(mark())
    expect(mark({ status: 'delivered' }, {}, 7)).toBe(mark({ status: 'delivered' }))
  })
})
