import { describe, expect, it } from 'vitest'
import { boundedDetail, maxFacts, maxNames } from '#lib/core/change/bounds.ts'
import { emptyDetail, type Fact } from '#lib/core/change/change.ts'

const labels = Array.from({ length: maxNames + 50 }, (_, i) => `label-${i}`)
const last = labels.at(-1) ?? ''

describe('the detail of a change', () => {
  it('keeps the labels that rules name among the first ones, and counts the others', () => {
    const facts: Fact[] = [{ kind: 'version-created', version: 1, labels, omitted: 7 }]
    const [fact] = boundedDetail({ ...emptyDetail, facts }, new Set([last])).facts
    expect(fact).toMatchObject({ labels: [...labels.slice(0, maxNames - 1), last], omitted: 57 })
  })

  it('keeps the first fact of each kind and those of labels that rules name, in their order', () => {
    const facts: Fact[] = [
      ...labels.map((label): Fact => ({ kind: 'label-added', label, to: 1 })),
      { kind: 'tags-changed', added: ['a'], removed: [] },
    ]
    const { facts: kept, omitted } = boundedDetail({ ...emptyDetail, facts }, new Set([last]))
    expect(kept).toHaveLength(maxFacts)
    expect(kept.slice(-2)).toEqual(facts.slice(-2))
    expect(omitted).toEqual({ facts: 51 })
  })

  it('is unchanged where it is small', () => {
    const detail = { ...emptyDetail, message: 'p95 is 8.2 s', environments: ['production'] }
    expect(boundedDetail(detail, new Set())).toEqual(detail)
  })
})
