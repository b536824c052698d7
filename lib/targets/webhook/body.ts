import { visibleText } from '../../base/visible.ts'
import {
  authorOf,
  authorsOf,
  type DifferenceSummary,
  type Fact,
  wholeName,
} from '../../core/change/change.ts'
import { kindOf } from '../../core/change/kinds.ts'
import {
  type Message,
  type MessageRow,
  observedOf,
  titleOf,
  versionOf,
} from '../../core/delivery/delivery.ts'
import { truncateUnits } from '../text.ts'
import { maxEntries, maxLines, maxName, maxText, type WebhookBody } from './schema.ts'

const clip = (text: string, max = maxName): string => truncateUnits(text.toWellFormed(), max)
const clipOrNull = (text: string | null, max = maxName): string | null =>
  text === null ? null : clip(text, max)
const clipAll = (texts: readonly string[]): string[] => texts.slice(0, maxEntries).map((text) => clip(text))

type Data = WebhookBody['data']

type FactData = Pick<
  Data,
  | 'label'
  | 'from'
  | 'to'
  | 'severity'
  | 'monitorId'
  | 'traceId'
  | 'observationId'
  | 'sessionId'
  | 'count'
  | 'firstAt'
  | 'lastAt'
>

/** Where a label went that left a version. */
const carriedWords = { nowhere: 'nowhere', unknown: 'unknown', newer: 'newer_version' } as const

const iso = (at: number): string => new Date(at).toISOString()

const factData = (fact: Fact): FactData => ({
  label: 'label' in fact ? clip(fact.label) : null,
  from: 'from' in fact ? fact.from : null,
  to: 'to' in fact ? fact.to : null,
  severity: 'severity' in fact ? clip(fact.severity) : null,
  monitorId: 'monitorId' in fact ? clip(fact.monitorId) : null,
  traceId: 'traceId' in fact ? clipOrNull(fact.traceId) : null,
  observationId: 'observationId' in fact ? clipOrNull(fact.observationId) : null,
  sessionId: 'sessionId' in fact ? clipOrNull(fact.sessionId) : null,
  count: 'count' in fact ? fact.count : null,
  firstAt: 'firstAt' in fact ? iso(fact.firstAt) : null,
  lastAt: 'lastAt' in fact ? iso(fact.lastAt) : null,
})

function promptData({ change, fact }: Message): Data['prompt'] {
  const { prompt, omitted } = change.detail
  if (!prompt) return null
  const { labels, labelsBefore, tags, promptType, commitMessage } = prompt
  const leftOut = (omitted?.labels ?? 0) + Math.max(0, labels.length - maxEntries)
  return {
    name: clip(wholeName(change)),
    version: versionOf(fact, change),
    labels: clipAll(labels),
    labelsBefore: labelsBefore === null ? null : clipAll(labelsBefore),
    ...(leftOut > 0 && { labelsOmitted: leftOut }),
    tags: clipAll(tags),
    type: clipOrNull(promptType),
    commitMessage: clipOrNull(commitMessage),
  }
}

function differenceData(summary: DifferenceSummary | string | null): Data['difference'] {
  if (summary === null || typeof summary === 'string') return null
  const { fromVersion, toVersion, lines, cutLines, variablesAdded, variablesRemoved, config } = summary
  const kept = lines.slice(0, maxLines)
  return {
    fromVersion,
    toVersion,
    lines: kept.map(({ sign, text }) => ({ sign, text: clip(text) })),
    cutLines: cutLines + lines.length - kept.length,
    variablesAdded: clipAll(variablesAdded),
    variablesRemoved: clipAll(variablesRemoved),
    config: config.slice(0, maxEntries).map(({ key, before, after }) => ({
      key: clip(key),
      before: clipOrNull(before),
      after: clipOrNull(after),
    })),
  }
}

const observedData = (rows: readonly MessageRow[]): Data['observed'] =>
  rows.slice(0, maxEntries).map(({ row, url }) => ({
    event: row.event,
    id: clip(row.id),
    traceId: clipOrNull(row.traceId),
    observationId: clipOrNull(row.observationId),
    name: clipOrNull(row.name),
    at: iso(row.at),
    environment: clipOrNull(row.environment),
    level: clipOrNull(row.level),
    message: clipOrNull(row.message),
    model: clipOrNull(row.model),
    latencyMs: row.latencyMs,
    cost: row.cost,
    value: typeof row.value === 'string' ? clip(row.value) : row.value,
    url,
  }))

/** One change as the body of a signed webhook. */
export function webhookBodyOf(message: Message): WebhookBody {
  const { change, fact, links } = message
  const { detail } = change
  const authors = authorsOf(change)
  return {
    version: 1,
    type: kindOf(fact.kind).publicName,
    timestamp: iso(change.openedAt),
    data: {
      id: change.id,
      kinds: clipAll(detail.facts.map(({ kind }) => kind)),
      // For people. Everything else is for programs, and stays unchanged.
      title: clip(visibleText(titleOf(message))),
      subject: clip(wholeName(change)),
      projectId: clipOrNull(change.projectId),
      ...(message.projectName !== undefined && { project: clip(message.projectName) }),
      actor: clipOrNull(authorOf(fact, change)),
      ...(authors.length > 1 && { actors: clipAll(authors) }),
      danger: change.danger,
      test: change.test,
      ...(detail.reconciled && { reconciled: true as const }),
      ...factData(fact),
      ...(fact.kind === 'label-removed' && { carried: carriedWords[fact.now ?? 'nowhere'] }),
      observed: observedData(observedOf(message)),
      message: clipOrNull(detail.message, maxText),
      environments: clipAll(detail.environments),
      prompt: promptData(message),
      difference: differenceData(detail.difference),
      url: links.page,
      langfuseUrl: links.langfuse,
    },
  }
}
