import { describe, expect, it } from 'vitest'
import { emptyDetail, type Fact } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import type { DeliveryRow } from '#lib/store/schema.ts'
import { factWords, kindWords, versionWords } from '../../../../../app/(dashboard)/_words/change-words.ts'
import { deliveryWords } from '../../../../../app/(dashboard)/_words/delivery-words.ts'

const now = Date.UTC(2026, 7, 21, 9, 14, 7)

describe('the chip of a delivery', () => {
  const chip = (row: Partial<Parameters<typeof deliveryWords>[0]>, heldUntil: number | null = null) => {
    const delivery = { rule: 'r', failures: 0, next_at: null, reason: null, duration_ms: null, ...row }
    const { words, why } = deliveryWords(
      { status: 'queued', ...delivery },
      { now, heldUntil, tries: 13, replayNote: null },
    )
    return [words, why]
  }

  it.each<[string, DeliveryRow['status'], object, string, string | null]>([
    ['how long it took', 'delivered', { duration_ms: 412 }, '412 ms', null],
    ['that it is being sent', 'sending', {}, 'sending', null],
    ['that it is next', 'queued', { next_at: now }, 'queued', null],
    [
      'which attempt is next, and when',
      'retrying',
      { failures: 3, next_at: now + 240_000, reason: '502' },
      '3/13, next in 4 min',
      '502',
    ],
    [
      'that a retry is due',
      'retrying',
      { failures: 3, next_at: now - 5, reason: '502' },
      '3/13, due now',
      '502',
    ],
    [
      'that the target asked to wait',
      'retrying',
      { next_at: now + 30_000, reason: '429' },
      'waiting, next in 30 s',
      '429',
    ],
    ['why it failed', 'failed', { reason: 'HTTP 404' }, 'failed', 'HTTP 404'],
    [
      'which rule did not match',
      'skipped',
      { rule: 'label is not production' },
      'skipped',
      'label is not production',
    ],
    [
      'that nothing was sent',
      'dry-run',
      { reason: 'Dry run: nothing was sent' },
      'dry run',
      'Dry run: nothing was sent',
    ],
    ['that someone cancelled it', 'cancelled', { reason: 'by hand' }, 'cancelled', 'by hand'],
  ])('says %s', (_what, status, row, words, why) => {
    expect(chip({ status, ...row })).toEqual([words, why])
  })

  it('says that the target is paused, and until when', () => {
    const [words, why] = chip({ status: 'retrying', failures: 3, next_at: now, reason: '502' }, now + 600_000)
    expect(words).toBe('held, next in 10 min')
    expect(why).toContain('502')
  })
})

describe('a change in words', () => {
  const versions = (facts: Fact[], version: number | null = 7) =>
    versionWords({ version, detail: { ...emptyDetail, facts } })

  it('has a word of its own for every kind', () => {
    const words = factKinds.map((kind) => kindWords({ kind, status: 'settled' }).word)
    expect(new Set(words).size).toBe(factKinds.length)
  })

  it('is settling until it is settled, whatever its kind will be', () => {
    expect(kindWords({ kind: 'deleted', status: 'settling' }).word).toBe('Settling')
  })

  it('of a burst that still settles is that it gathers', () => {
    expect(kindWords({ kind: 'error-trace', status: 'settling' }).word).toBe('Gathering')
  })

  it.each<[string, Fact[], number | null, string | null]>([
    ['one version', [{ kind: 'version-created', version: 7, labels: [] }], 7, 'v7'],
    ['a move', [{ kind: 'promoted', label: 'x', from: 6, to: 7 }], 7, 'v6 → v7'],
    [
      'the move of production before others',
      [
        { kind: 'promoted', label: 'x', from: 1, to: 7 },
        { kind: 'rolled-back', label: 'production', from: 9, to: 7 },
      ],
      7,
      'v9 → v7',
    ],
    ['what was deleted', [{ kind: 'deleted', versions: [10, 9], labels: [], whole: false }], 10, 'v9, v10'],
    [
      'how many were deleted',
      [{ kind: 'deleted', versions: [1, 2, 3, 4, 5], labels: [], whole: true }],
      5,
      '5 versions',
    ],
    ['no version where there is none', [{ kind: 'alert', severity: 'ALERT', monitorId: 'm1' }], null, null],
  ])('shows %s', (_what, facts, version, words) => {
    expect(versions(facts, version)).toBe(words)
  })

  it('puts each fact in a line', () => {
    expect(factWords({ kind: 'tags-changed', added: ['a'], removed: [] })).toBe(
      'tags added: a; removed: none',
    )
    expect(factWords({ kind: 'label-removed', label: 'production', from: 3 })).toBe(
      'production removed from v3',
    )
  })
})
