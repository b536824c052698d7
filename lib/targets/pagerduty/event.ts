import { createHash } from 'node:crypto'
import { visibleLines } from '../../base/visible.ts'
import { authorsOf, type Fact, wholeName } from '../../core/change/change.ts'
import { incidentOf } from '../../core/change/incident.ts'
import { kindOf, type Tone } from '../../core/change/kinds.ts'
import { reconciledSentence } from '../../core/change/reconciled-words.ts'
import type { Message } from '../../core/delivery/delivery.ts'
import { observedOf, projectOf, titleOf } from '../../core/delivery/delivery.ts'
import { type Storm, shownOf, stormTitle } from '../../core/delivery/storm.ts'
import type { TargetOf } from '../../core/rules/target-settings.ts'
import { messageLinks, webUrl } from '../message-links.ts'
import { firstUnits, oneLine, truncateUnits } from '../text.ts'

/** PagerDuty's limits, in characters: https://developer.pagerduty.com/docs/events-api-v2-overview */
const maxSummary = 1024
const maxKey = 255
/** Our own, which keep the whole far below PagerDuty's 512 KB. */
const maxName = 500
const maxText = 8000
const maxUrl = 2000

type Severity = 'critical' | 'error' | 'warning' | 'info'

interface Payload {
  summary: string
  source: string
  timestamp: string
  custom_details: Record<string, unknown>
}

interface Shown {
  routing_key: string
  links: { href: string; text: string }[]
}

/** https://developer.pagerduty.com/docs/send-change-event */
export interface ChangeEvent extends Shown {
  payload: Payload
}

/** https://developer.pagerduty.com/docs/send-alert-event */
export type AlertEvent =
  | { routing_key: string; event_action: 'resolve'; dedup_key: string }
  | (Shown & {
      event_action: 'trigger'
      dedup_key: string
      client: string
      client_url?: string
      payload: Payload & { severity: Severity; component: string; class: string }
    })

/** What is sent, and under which path of the Events API. */
export type PagerdutyEvent =
  | { path: '/v2/change/enqueue'; body: ChangeEvent }
  | { path: '/v2/enqueue'; body: AlertEvent }

/**
 * What a change is to people on call: an incident, the end of one, or something to see beside incidents, as most changes
 * of prompts are. A test wakes no one, whatever it plays.
 */
function wayOf({ change, fact }: Message): 'change' | 'trigger' | 'resolve' {
  if (change.test || fact.kind === 'corrected') return 'change'
  if (incidentOf(change, fact)?.role === 'ends') return 'resolve'
  return kindOf(fact.kind).about !== 'prompt' || change.danger ? 'trigger' : 'change'
}

/** The severity, where Langfuse gives none. */
const toneSeverities: Record<Tone, Severity> = {
  bad: 'error',
  warn: 'warning',
  good: 'info',
  accent: 'info',
  quiet: 'info',
}

/** Langfuse's own words. */
const severities = new Map<string, Severity>([
  ['ALERT', 'critical'],
  ['WARNING', 'warning'],
  ['NO_DATA', 'warning'],
  ['INFO', 'info'],
  ['OK', 'info'],
])

/** Of an incident. A change of a prompt is one only where `production` is in danger. */
function severityOf(fact: Fact): Severity {
  const { about, tone } = kindOf(fact.kind)
  if (about === 'prompt') return 'critical'
  const stated = 'severity' in fact ? severities.get(fact.severity) : undefined
  const severity = stated ?? toneSeverities[tone]
  // A blocked evaluator or a failed export: Langfuse says ALERT, but nothing that users see is broken.
  return about === 'notification' && severity === 'critical' ? 'error' : severity
}

/** The key if it fits, else its hash, so that two long keys never become one. */
function fitting(key: string): string {
  if (key.length <= maxKey) return key
  return `langfuse:${createHash('sha256').update(key).digest('hex')}`
}

/** The incident's key, or if there is none, the change's, so that a replay opens no second incident. */
const dedupKey = ({ change, fact }: Message): string =>
  fitting(incidentOf(change, fact)?.key ?? `prompt-relay:${change.id}`)

const line = (text: string, max: number): string =>
  truncateUnits(oneLine(visibleLines(firstUnits(text, 4 * max))), max)
const text = (value: string): string => truncateUnits(visibleLines(firstUnits(value, 4 * maxText)), maxText)
const lines = (values: readonly string[]): string[] =>
  values.slice(0, 20).map((value) => line(value, maxName))

const iso = (at: number): string => new Date(at).toISOString()

function factDetails(fact: Fact): Record<string, unknown> {
  return {
    kind: fact.kind,
    ...('label' in fact && { label: line(fact.label, maxName) }),
    ...('from' in fact && { from: fact.from }),
    ...('to' in fact && { to: fact.to }),
    ...('severity' in fact && { severity: line(fact.severity, maxName) }),
    ...('count' in fact && { count: fact.count }),
    ...('traceId' in fact && { trace: fact.traceId === null ? null : line(fact.traceId, maxName) }),
    ...('firstAt' in fact && { first: iso(fact.firstAt), last: iso(fact.lastAt) }),
  }
}

function detailsOf(whole: Message): Record<string, unknown> {
  const { change, fact } = whole
  const { prompt, message, difference, environments, problems } = change.detail
  const rows = observedOf(whole).slice(0, 10)
  const project = projectOf(whole)
  const authors = authorsOf(change)
  return {
    ...factDetails(fact),
    change: change.id,
    project: project === null ? null : line(project, maxName),
    ...(change.detail.reconciled && {
      found: reconciledSentence(change.detail.reconciled, (by) => line(by, maxName)),
    }),
    ...(authors.length > 0 && { author: line(authors.join(', '), maxName) }),
    ...(prompt && {
      prompt: line(wholeName(change), maxName),
      version: change.version,
      labels: lines(prompt.labels),
      tags: lines(prompt.tags),
      ...(prompt.commitMessage !== null && { commitMessage: text(prompt.commitMessage) }),
    }),
    ...(message !== null && { message: text(message) }),
    ...(rows.length > 0 && {
      observed: rows.map(({ words, url }) => ({ words: line(words, maxName), url: webUrl(url, maxUrl) })),
    }),
    ...(environments.length > 0 && { environments: lines(environments) }),
    ...(problems.length > 0 && { problems: lines(problems) }),
    ...(difference !== null && { difference: differenceText(difference) }),
  }
}

function differenceText(difference: NonNullable<Message['change']['detail']['difference']>): string {
  if (typeof difference === 'string') return text(difference)
  const { fromVersion, toVersion } = difference
  const changed = difference.lines.slice(0, 200).map((one) => `${one.sign} ${line(one.text, maxName)}`)
  const more = difference.lines.length - changed.length + difference.cutLines
  return text(
    [`v${fromVersion} → v${toVersion}`, ...changed, ...(more > 0 ? [`… ${more} more`] : [])].join('\n'),
  )
}

/** One change as an event. Within PagerDuty's limits whatever the change holds. */
export function pagerdutyEvent({ routingKey }: TargetOf<'pagerduty'>, message: Message): PagerdutyEvent {
  const { change, fact } = message
  const way = wayOf(message)
  const dedup_key = dedupKey(message)
  const project = projectOf(message)
  if (way === 'resolve')
    return { path: '/v2/enqueue', body: { routing_key: routingKey, event_action: 'resolve', dedup_key } }
  const shown: Shown = {
    routing_key: routingKey,
    links: messageLinks(message, maxUrl).map(({ label, url }) => ({ href: url, text: line(label, 75) })),
  }
  const payload: Payload = {
    summary: line(`${change.test ? '[Test] ' : ''}${titleOf(message)}`, maxSummary),
    source: line(project === null ? 'prompt-relay' : `langfuse:${project}`, maxName),
    timestamp: iso(change.openedAt),
    custom_details: detailsOf(message),
  }
  if (way === 'change') return { path: '/v2/change/enqueue', body: { ...shown, payload } }
  const component = line(wholeName(change), maxName)
  const page = webUrl(message.links.page, maxUrl)
  const body: AlertEvent = {
    ...shown,
    event_action: 'trigger',
    dedup_key,
    client: 'Prompt Relay',
    ...(page !== null && { client_url: page }),
    payload: { ...payload, severity: severityOf(fact), component, class: fact.kind },
  }
  return { path: '/v2/enqueue', body }
}

/**
 * Many changes as one incident. Its key is that of the day, so that it stays one where they come in several messages.
 * Nothing ends it: someone has to see why no webhooks came.
 */
export function pagerdutyStorm({ routingKey }: TargetOf<'pagerduty'>, storm: Storm): PagerdutyEvent {
  const { shown, left } = shownOf(storm, 20)
  const openedAt = Math.min(...storm.messages.map(({ change }) => change.openedAt))
  const projects = [...new Set(storm.messages.flatMap(({ change }) => change.projectId ?? []))].slice(0, 20)
  const list = webUrl(storm.list, maxUrl)
  const body: AlertEvent = {
    routing_key: routingKey,
    links: list === null ? [] : [{ href: list, text: 'See all' }],
    event_action: 'trigger',
    dedup_key: fitting(`prompt-relay:reconciled:${projects.join()}:${iso(openedAt).slice(0, 10)}`),
    client: 'Prompt Relay',
    ...(list !== null && { client_url: list }),
    payload: {
      summary: line(stormTitle(storm), maxSummary),
      source: line(projects.length === 1 ? `langfuse:${projects[0]}` : 'prompt-relay', maxName),
      timestamp: iso(openedAt),
      severity: 'warning',
      component: 'Langfuse',
      class: 'reconciled',
      custom_details: {
        projects: lines(projects),
        changes: shown.map((message) => line(titleOf(message), maxName)),
        ...(left > 0 && { more: left }),
      },
    },
  }
  return { path: '/v2/enqueue', body }
}
