import type { Change, Fact } from './change.ts'

/** What a fact is to a state that begins and ends: an alert, a trouble. */
export interface Incident {
  /** The same for all that is reported of one incident, unique over projects. */
  key: string
  role: 'opens' | 'ends'
}

/**
 * The incident that a fact opens or ends; null: it stands alone. PagerDuty's `dedup_key` is made from it, and
 * deliveries to one target keep its order: what opens an incident must not arrive after what ends it.
 */
export function incidentOf({ projectId }: Pick<Change, 'projectId'>, fact: Fact): Incident | null {
  switch (fact.kind) {
    case 'alert':
    case 'recovered':
      return {
        key: `langfuse-alert:${projectId}:${fact.monitorId}`,
        role: fact.kind === 'alert' ? 'opens' : 'ends',
      }
    case 'trouble':
    case 'trouble-over':
      return {
        key: `prompt-relay:${fact.what}:${fact.target ?? fact.secret?.hint ?? ''}:${fact.since}`,
        role: fact.kind === 'trouble' ? 'opens' : 'ends',
      }
    default:
      return null
  }
}
