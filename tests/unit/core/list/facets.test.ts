import { expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import {
  facetsOf as facetsOfChange,
  folderFacet,
  kindFacet,
  kindLabelFacet,
  labelFacet,
  markOf,
  marksOf,
} from '#lib/core/list/facets.ts'

const facetsOf = (facts: Fact[], subject = 'x') =>
  facetsOfChange({ projectId: 'p', subject, detail: { facts } })

it('names each kind, each label, and which kind has which label', () => {
  const facts: Fact[] = [
    { kind: 'version-created', version: 7, labels: ['staging'] },
    { kind: 'promoted', label: 'production', from: 6, to: 7 },
    { kind: 'promoted', label: 'canary', from: 6, to: 7 },
    { kind: 'tags-changed', added: ['production'], removed: [] },
  ]
  const facets = facetsOf(facts)
  expect(new Set(facets).size).toBe(facets.length)
  expect(facets).toContain(kindFacet('promoted'))
  expect(facets).toContain(labelFacet('staging'))
  expect(facets).toContain(kindLabelFacet('promoted', 'canary'))
  expect(facets).not.toContain(kindLabelFacet('promoted', 'staging'))
  expect(facets).not.toContain(kindLabelFacet('tags-changed', 'production'))
})

it('does not confuse a label with a kind', () => {
  expect(labelFacet('promoted')).not.toBe(kindFacet('promoted'))
  expect(facetsOf([{ kind: 'label-added', label: 'x', to: 1 }])).not.toContain(kindFacet('promoted'))
})

it('names each folder that a prompt is in', () => {
  expect(facetsOf([], 'support/tier-1/refund')).toEqual(['support/', 'support/tier-1/'].map(folderFacet))
  expect(facetsOf([], 'refund')).toEqual([])
})

it('marks a change with everything a list can be narrowed to, in words that no text has', () => {
  const facts: Fact[] = [{ kind: 'promoted', label: 'production', from: 6, to: 7 }]
  const change = { projectId: 'p', subject: 'support/reply', detail: { facts }, danger: true, test: false }
  const facets = [...facetsOf(facts, 'support/reply'), 'prompt support/reply', 'project p', 'danger']
  expect(marksOf(change)).toEqual(facets.map(markOf))
  expect(marksOf({ ...change, projectId: null, danger: false, test: true })).toContain(markOf('test'))
  for (const mark of marksOf(change)) expect(mark).toMatch(/^ [\w-]{12}$/)
})
