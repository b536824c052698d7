import { longDuration } from '../../base/duration.ts'
import type { Fact } from '../change/change.ts'

export type TroubleFact = Extract<Fact, { kind: 'trouble' | 'trouble-over' }>
export type Trouble = Pick<TroubleFact, 'what' | 'target' | 'since' | 'secret' | 'project'>

type About = Pick<Trouble, 'what' | 'target' | 'secret' | 'project' | 'since'>
type ProjectOf = NonNullable<Trouble['project']>

const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`

/** Empty where there is only one. */
const ofProject = (project: ProjectOf | undefined): string =>
  project === undefined || project.isOnly ? '' : ` of ${project.name}`

function webhookWords(project: ProjectOf | undefined, since: number): string {
  const { some, missed = 0 } = project ?? {}
  if (some) return `Some webhooks${ofProject(project)} do not come, although others do`
  return `No webhook${ofProject(project)} has come since ${utc(since)}, although ${missed.toLocaleString('en')} changes were made`
}

export function troubleWords({ what, target, secret, project, since }: About): string {
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
    case 'project':
      return `The API keys${ofProject(project)} belong to the project ${project?.otherId}, no longer to ${project?.id}`
    case 'deletions':
      return project?.versions === 1
        ? `1 version${ofProject(project)} is gone in Langfuse, and its deletion is not reported`
        : `${project?.versions?.toLocaleString('en')} versions${ofProject(project)} are gone in Langfuse, and their deletion is not reported`
    case 'webhooks':
      return webhookWords(project, since)
  }
}

function overWords({ what, target, secret, project }: About): string {
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
    case 'project':
      return `The API keys${ofProject(project)} belong to ${project?.id ?? 'the right project'} again`
    case 'deletions':
      return `The versions${ofProject(project)} that were gone are there again, or their deletion was confirmed`
    case 'webhooks':
      return project?.some
        ? `No webhook${ofProject(project)} has been missing for a day`
        : `Webhooks${ofProject(project)} come again`
  }
}

/** The title of a change that reports a trouble or its end. */
export function troubleTitle(fact: TroubleFact, now: number): string {
  if (fact.kind === 'trouble') return troubleWords(fact)
  return `${overWords(fact)}, after ${longDuration(now - fact.since)}`
}

/** What to do about it. */
export function troubleFix({ what, target, project }: Pick<Trouble, 'what' | 'target' | 'project'>): string {
  switch (what) {
    case 'quiet':
      return 'Check Automations in Langfuse: an automation that failed five times in a row is switched off. Compare its URL and secret. Langfuse does not send later what was missed; comparing finds changes of prompts (docs/reconciliation.md).'
    case 'signatures':
      return "If the secret was regenerated in Langfuse, or an automation was added there, add the new secret next to the old one (LANGFUSE_WEBHOOK_SECRET, or webhookSecrets of the project): Langfuse switches an automation off after five failed deliveries. If not, someone who knows the project's id may have sent these requests; they were refused and changed nothing. The Rejected page shows each of them."
    case 'secret':
      return 'Langfuse creates one secret per automation, and an automation belongs to one project. If you sign for both projects on purpose, there is nothing to do. Otherwise someone else has the secret: regenerate it in Langfuse and set the new one here. The events were stored and reported; check what they say.'
    case 'overdue':
      return 'The log names the error. Their events are kept, and settling is tried again.'
    case 'target':
      return `Find out why deliveries to ${target} fail or are put off. They are queued; nothing is lost.`
    case 'project':
      return 'Nothing is compared with Langfuse until then. Set the API keys of the project that is configured, or give the other one its own entry in projects of relay.config.ts.'
    case 'deletions':
      return 'So many at once may mean a wrong or an emptied Langfuse, so none of them is reported. If they were deleted on purpose, confirm it on the Setup page.'
    case 'webhooks':
      return webhookFix(project)
  }
}

const where = (url: string | null | undefined): string =>
  url == null ? 'Open Automations in Langfuse' : `Open ${url}`

const webhookFix = (project: ProjectOf | undefined): string =>
  project?.some
    ? `The endpoint is well, so the automation probably has a filter. ${where(project.url)} and remove it. Until then such changes are found only by comparing, some minutes later.`
    : `The endpoint is well, so the automation is probably switched off: Langfuse does that after five failures in a row. ${where(project?.url)}, switch it on, and compare its URL and secret. Until then changes are found only by comparing, some minutes later.`
