import type { Proof } from '../reconcile/proof.ts'
import { type Finding, notYet, ok, problem, warning } from './finding.ts'

/** What the comparisons of a project with Langfuse show. */
export function checkProof({ tone, state, words, checkedAt, fix }: Proof): Finding {
  const at = ['checked', 'found', 'stale'].includes(state) ? checkedAt : null
  const whole = `${words}.${at === null ? '' : ' Last compared'}`
  const todo = fix ?? 'All of it was reported. Find out why no webhook came (docs/reconciliation.md).'
  switch (tone) {
    case 'good':
      return ok(whole, at)
    case 'warn':
      return warning(whole, todo, at)
    case 'bad':
      return problem(whole, todo, at)
    case 'quiet':
      return notYet(whole, todo, at)
  }
}
