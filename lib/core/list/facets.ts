import { createHash } from 'node:crypto'
import { type Change, type FactKind, labelsOf } from '../change/change.ts'
import { indexable } from '../change/indexable.ts'

/** Facets narrow a list to changes of one kind, with one label, or with both in one fact. */
export const kindFacet = (kind: FactKind): string => `kind ${kind}`
export const labelFacet = (label: string): string => `label ${indexed(label)}`
/** `folder` ends with `/`. */
export const folderFacet = (folder: string): string => `folder ${folder}`
export const kindLabelFacet = (kind: FactKind, label: string): string => `${kind} ${indexed(label)}`

/** Postgres takes no index entry above 2,704 bytes, and labels may have any length, so a long one is hashed. */
const maxIndexed = 500
const indexed = (label: string): string =>
  label.length <= maxIndexed ? label : createHash('sha256').update(label).digest('hex')
/** A hash, because ids may have any length too. */
export const monitorFacet = (projectId: string, monitorId: string): string =>
  `monitor ${createHash('sha256')
    .update(JSON.stringify([projectId, monitorId]))
    .digest('hex')}`

/** `a/b/c` is in `a/` and `a/b/`. */
function foldersOf(subject: string): string[] {
  const ends = [...subject.matchAll(/\//g)].slice(0, 10)
  return ends.map(({ index }) => subject.slice(0, index + 1))
}

/** Of one change; each is a row of a table. */
export const maxFacets = 500

/** The facets of a change, each once, kinds first: at most 40 labels of each fact, ten folders, and `max` in all. */
export function facetsOf(
  {
    projectId,
    subject,
    detail: { facts },
  }: Pick<Change, 'projectId' | 'subject'> & { detail: Pick<Change['detail'], 'facts'> },
  max = maxFacets,
): string[] {
  const facets = new Set([
    ...facts.map(({ kind }) => kindFacet(kind)),
    ...foldersOf(subject).map(folderFacet),
    ...facts.flatMap((fact) =>
      'monitorId' in fact && projectId !== null ? monitorFacet(projectId, fact.monitorId) : [],
    ),
  ])
  const labels = facts.flatMap((fact) =>
    labelsOf(fact)
      .slice(0, 40)
      .map((label) => ({ label, kind: fact.kind })),
  )
  for (const { label, kind } of labels) {
    if (facets.size >= max) break
    facets.add(labelFacet(label)).add(kindLabelFacet(kind, label))
  }
  return [...facets]
}

/** These have no rows in the table of facets and serve the index of words only. */
export const promptFacet = (name: string): string => `prompt ${indexable(name)}`
export const projectFacet = (id: string): string => `project ${id}`
export const dangerFacet = 'danger'
export const testFacet = 'test'

/**
 * A facet as one of a change's indexed words: it begins with a blank, as no other word does. A hash, because the index takes
 * no word above 2,046 bytes.
 */
export const markOf = (facet: string): string =>
  ` ${createHash('sha256').update(facet).digest('base64url').slice(0, 12)}`

export type Marked = Parameters<typeof facetsOf>[0] & Pick<Change, 'danger' | 'test'>

/** The facets of a settled change that never change. */
export function marksOf(change: Marked): string[] {
  const { projectId, subject, danger, test } = change
  const facets = [...facetsOf(change), promptFacet(subject)]
  if (projectId !== null) facets.push(projectFacet(projectId))
  if (danger) facets.push(dangerFacet)
  if (test) facets.push(testFacet)
  return facets.map(markOf)
}
