import type { Change, Fact } from './change.ts'

/** Whose doing a fact is; null: not known. Of a change by several people, each fact has its own. */
export function authorOf(fact: Fact, { actor }: Pick<Change, 'actor'>): string | null {
  if ('revealed' in fact && fact.revealed === true) return null
  return 'by' in fact && fact.by !== undefined ? fact.by : actor
}

/** All who did something in a change, the one of its first fact first; empty: nobody is known. */
export function authorsOf({
  actor,
  detail,
}: Pick<Change, 'actor'> & { detail: Pick<Change['detail'], 'facts' | 'steps'> }): string[] {
  const all = [...detail.facts, ...(detail.steps ?? [])].map((fact) => authorOf(fact, { actor }))
  return [...new Set([actor, ...all].flatMap((one) => one ?? []))]
}
