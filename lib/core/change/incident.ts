import type { Routed, Routes } from '../rules/rules.ts'
import { type Target, targetKinds } from '../rules/target-settings.ts'
import type { Change, ChangeDetail, Fact } from './change.ts'
import { kindOf } from './kinds.ts'

/** What a fact is to a state that begins and ends: an alert, a trouble, a prompt without `production`. */
export interface Incident {
  /** The same for all that is reported of one incident, unique over projects. */
  key: string
  role: 'opens' | 'ends'
}

/** Of a change, what tells which incident a fact of it belongs to. */
type ChangeOfFact = Pick<Change, 'projectId'> &
  Partial<Pick<Change, 'subject' | 'danger'>> & { detail?: Pick<ChangeDetail, 'ends'> }

/**
 * The incident that a fact opens or ends; null: it stands alone. PagerDuty's `dedup_key` is made from it, and
 * deliveries to one target keep its order: what opens an incident must not arrive after what ends it.
 */
export function incidentOf(change: ChangeOfFact, fact: Fact): Incident | null {
  const { projectId } = change
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
      return kindOf(fact.kind).about === 'prompt' ? promptIncident(change) : null
  }
}

/** Nothing carries `production`, or nothing is known to; it ends when a version carries it again. */
function promptIncident({ projectId, subject, danger, detail }: ChangeOfFact): Incident | null {
  if (subject === undefined || !(danger || detail?.ends)) return null
  const key = `langfuse-label:${JSON.stringify([projectId, subject, 'production'])}`
  return { key, role: detail?.ends ? 'ends' : 'opens' }
}

/** Whether a target has a state that messages open and end, beside showing them. */
export const keepsIncidents = (target: Target | undefined): boolean =>
  target !== undefined && targetKinds[target.type].keepsIncidents

const endRule = 'it ends the incident that was opened there'

/**
 * Who else must get a change that ends an incident: PagerDuty, where it was opened (`opened`: names of targets), also if no
 * rule asks for such a change there.
 */
export function routeEnd(
  { targets }: Routes,
  change: ChangeOfFact,
  facts: readonly Fact[],
  opened: readonly string[],
): Routed[] {
  const fact = facts.find((one) => 'to' in one && one.label === 'production') ?? facts[0]
  if (!fact || incidentOf(change, fact)?.role !== 'ends') return []
  return opened.flatMap((target) =>
    Object.hasOwn(targets, target) && keepsIncidents(targets[target])
      ? [{ target, rule: endRule, fact }]
      : [],
  )
}
