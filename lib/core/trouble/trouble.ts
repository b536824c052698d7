import { longDuration } from '../../base/duration.ts'
import type { Fact } from '../change/change.ts'

export type TroubleFact = Extract<Fact, { kind: 'trouble' | 'trouble-over' }>
export type Trouble = Pick<TroubleFact, 'what' | 'target' | 'since' | 'secret'>

export function troubleWords({ what, target, secret }: Pick<Trouble, 'what' | 'target' | 'secret'>): string {
  switch (what) {
    case 'quiet':
      return 'No signed events arrive, although prompts changed in Langfuse'
    case 'signatures':
      return "Requests that look like Langfuse's are signed with an unknown secret"
    case 'secret':
      return `The webhook secret ending in ${secret?.hint}, used so far by project ${secret?.projectId}, now signs for project ${secret?.otherId}`
    case 'target':
      return `${target} keeps failing`
    case 'overdue':
      return 'Changes do not settle, so no target is notified of them'
  }
}

function overWords({ what, target, secret }: Pick<Trouble, 'what' | 'target' | 'secret'>): string {
  switch (what) {
    case 'quiet':
      return 'Signed events arrive again'
    case 'signatures':
      return 'Signatures are valid again'
    case 'secret':
      return `The webhook secret ending in ${secret?.hint} has not signed for project ${secret?.otherId} for a day`
    case 'overdue':
      return 'All changes have settled'
    case 'target':
      return `${target} accepts messages again`
  }
}

/** The title of a change that reports a trouble or its end. */
export function troubleTitle(fact: TroubleFact, now: number): string {
  if (fact.kind === 'trouble') return troubleWords(fact)
  return `${overWords(fact)}, after ${longDuration(now - fact.since)}`
}

/** What to do about it. */
export function troubleFix({ what, target }: Pick<Trouble, 'what' | 'target'>): string {
  switch (what) {
    case 'quiet':
      return 'Check Automations in Langfuse: an automation that failed five times in a row is switched off. Compare its URL and secret. Events missed in the meantime are not sent later.'
    case 'signatures':
      return "If the secret was regenerated in Langfuse, or an automation was added there, add the new secret to LANGFUSE_WEBHOOK_SECRET next to the old one: Langfuse switches an automation off after five failed deliveries. If not, someone who knows the project's id may have sent these requests; they were refused and changed nothing. The Rejected page shows each of them."
    case 'secret':
      return 'Langfuse creates one secret per automation, and an automation belongs to one project. If you sign for both projects on purpose, there is nothing to do. Otherwise someone else has the secret: regenerate it in Langfuse and set the new one here. The events were stored and reported; check what they say.'
    case 'overdue':
      return 'The log names the error. Their events are kept, and settling is tried again.'
    case 'target':
      return `Find out why deliveries to ${target} fail or are put off. They are queued; nothing is lost.`
  }
}
