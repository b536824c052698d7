import { createHash } from 'node:crypto'
import type { Change, Fact, FactKind } from './change.ts'

/** By what a list is narrowed to changes of one kind, of one label, or of both in one fact. */
export const kindFacet = (kind: FactKind): string => `kind ${kind}`
export const labelFacet = (label: string): string => `label ${label}`
/** `folder` ends with `/`. */
export const folderFacet = (folder: string): string => `folder ${folder}`
export const kindLabelFacet = (kind: FactKind, label: string): string => `${kind} ${label}`
/** What one monitor told. A hash: Postgres takes no entry of an index above 2,704 bytes, and ids have no length. */
export const monitorFacet = (projectId: string, monitorId: string): string =>
  `monitor ${createHash('sha256')
    .update(JSON.stringify([projectId, monitorId]))
    .digest('hex')}`

function labelsOf(fact: Fact): string[] {
  if ('label' in fact) return [fact.label]
  return 'labels' in fact ? fact.labels : []
}

/** `a/b/c` is in `a/` and `a/b/`. */
function foldersOf(subject: string): string[] {
  const ends = [...subject.matchAll(/\//g)].slice(0, 10)
  return ends.map(({ index }) => subject.slice(0, index + 1))
}

/** All facets of a change, each once: of at most 40 labels and ten folders. */
export function facetsOf({
  projectId,
  subject,
  detail,
}: Pick<Change, 'projectId' | 'subject'> & {
  detail: Pick<Change['detail'], 'facts'>
}): string[] {
  const facets = detail.facts.flatMap((fact) => [
    kindFacet(fact.kind),
    ...('monitorId' in fact && projectId !== null ? [monitorFacet(projectId, fact.monitorId)] : []),
    ...labelsOf(fact)
      .slice(0, 40)
      .flatMap((label) => [labelFacet(label), kindLabelFacet(fact.kind, label)]),
  ])
  return [...new Set([...facets, ...foldersOf(subject).map(folderFacet)])]
}

/** By what a list is narrowed without a facet's table, for the index of words. */
export const promptFacet = (name: string): string => `prompt ${name}`
export const projectFacet = (id: string): string => `project ${id}`
export const dangerFacet = 'danger'
export const testFacet = 'test'

/**
 * A facet as a word among a change's own words: begins with a blank, as none of them does. A hash, because an index of
 * words takes none above 2,046 bytes.
 */
export const markOf = (facet: string): string =>
  ` ${createHash('sha256').update(facet).digest('base64url').slice(0, 12)}`

export type Marked = Parameters<typeof facetsOf>[0] & Pick<Change, 'danger' | 'test'>

/** All that never changes of a settled change and that a list is narrowed to. */
export function marksOf(change: Marked): string[] {
  const { projectId, subject, danger, test } = change
  const facets = [...facetsOf(change), promptFacet(subject)]
  if (projectId !== null) facets.push(projectFacet(projectId))
  if (danger) facets.push(dangerFacet)
  if (test) facets.push(testFacet)
  return facets.map(markOf)
}
