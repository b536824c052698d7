import type { Routed, Routes } from '../rules/rules.ts'
import { type Target, targetKinds } from '../rules/target-settings.ts'
import type { Change, ChangeDetail, Fact } from './change.ts'
import { kindOf } from './kinds.ts'

/** A state that begins and ends: an alert, a trouble, a prompt without `production`. */
export interface Incident {
  /** The same in every report of one incident; unique across projects. */
  key: string
  role: 'opens' | 'ends'
}

type ChangeOfFact = Pick<Change, 'projectId'> &
  Partial<Pick<Change, 'subject' | 'danger'>> & { detail?: Pick<ChangeDetail, 'ends'> }

/**
 * The incident that a fact opens or ends; null: none. PagerDuty's `dedup_key` is its key, and deliveries to one target keep
 * its order: what opens an incident must not arrive after what ends it.
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
        key: `prompt-relay:${fact.what}:${fact.target ?? fact.secret?.hint ?? fact.project?.name ?? ''}:${fact.since}`,
        role: fact.kind === 'trouble' ? 'opens' : 'ends',
      }
    default:
      return kindOf(fact.kind).about === 'prompt' ? promptIncident(change) : null
  }
}

/** No version has `production`, or is known to have it, until one has it again. */
function promptIncident({ projectId, subject, danger, detail }: ChangeOfFact): Incident | null {
  if (subject === undefined || !(danger || detail?.ends)) return null
  const key = `langfuse-label:${JSON.stringify([projectId, subject, 'production'])}`
  return { key, role: detail?.ends ? 'ends' : 'opens' }
}

/** Whether messages open and end something at the target, beside being shown there. */
export const keepsIncidents = (target: Target | undefined): boolean =>
  target !== undefined && targetKinds[target.type].keepsIncidents

const endRule = 'it ends the incident opened there'

/** A change that ends an incident also goes to the targets that keep it open (`opened`), whatever the rules say. */
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
