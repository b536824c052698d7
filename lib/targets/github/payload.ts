import { createHash } from 'node:crypto'
import { visibleText } from '../../base/visible.ts'
import { type Fact, wholeName } from '../../core/change/change.ts'
import { type BurstFact, isBurst, kindOf } from '../../core/change/kinds.ts'
import { type Message, observedOf, titleOf, versionOf } from '../../core/delivery/delivery.ts'
import type { TargetOf } from '../../core/rules/target-settings.ts'
import { truncateUnits } from '../text.ts'

/** GitHub refuses a dispatch whose body has 64 KB or more. */
const maxBody = 65_535
/** Characters; in JSON a character takes up to six bytes. */
const maxName = 1000
const maxId = 200
/** Bytes of JSON. */
const maxLabels = 20_000

/** https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event */
export interface Dispatch {
  event_type: string
  /** At most GitHub's 10 top-level properties. */
  client_payload: Record<string, unknown>
}

/** In place of the target's event type: a workflow that runs for prompts must not run for traces. */
const burstTypes = {
  'error-trace': 'langfuse-trace',
  trace: 'langfuse-trace',
  score: 'langfuse-score',
} as const satisfies Record<BurstFact['kind'], string>

/** A version that got its label in the edit that created it counts as created. */
function actionOf({ fact, change }: Message): 'created' | 'updated' | 'deleted' {
  if (fact.kind === 'deleted') return 'deleted'
  if (fact.kind === 'version-created') return 'created'
  const isNew = change.detail.facts.some(
    (one) => one.kind === 'version-created' && 'to' in fact && fact.to === one.version,
  )
  return isNew ? 'created' : 'updated'
}

/** A text's as UTF-8; a chat prompt's JSON's. */
const sha256Of = (text: unknown): string =>
  createHash('sha256')
    .update(typeof text === 'string' ? text : JSON.stringify(text))
    .digest('hex')

function labelOf(fact: Fact): string | null {
  if ('label' in fact) return truncateUnits(fact.label, maxName)
  return 'labels' in fact && fact.labels.length === 1 ? truncateUnits(fact.labels[0] ?? '', maxName) : null
}

const changeOf = ({
  change,
  fact,
  links,
  projectName,
}: Message): Record<string, unknown> & { labelsOmitted?: number } => ({
  id: change.id,
  kind: fact.kind,
  title: truncateUnits(visibleText(change.title), maxName),
  url: links.page,
  label: labelOf(fact),
  from: 'from' in fact ? fact.from : null,
  to: 'to' in fact ? fact.to : null,
  ...(isOfItsVersion({ change, fact }) && change.detail.omitted?.labels
    ? { labelsOmitted: change.detail.omitted.labels }
    : {}),
  ...(projectName !== undefined && { project: projectName }),
  // No webhook came: who did it is not known, and it may have happened long before.
  ...(change.detail.reconciled && { reconciled: true }),
  // A workflow can leave tests alone: `if: ${{ !github.event.client_payload.change.test }}`.
  ...(change.test ? { test: true } : {}),
})

const isOfItsVersion = ({ change, fact }: Pick<Message, 'change' | 'fact'>): boolean =>
  versionOf(fact, change) === change.version

/** The prompt's part of the payload. A fact may be about another version than its change, of which less is known. */
function promptOf({ change, fact, text }: Message) {
  const { prompt } = change.detail
  const version = versionOf(fact, change)
  if (version === change.version) {
    return { version, labels: prompt?.labels ?? [], eventId: prompt?.eventId ?? null, text }
  }
  return { version, labels: 'label' in fact ? [fact.label] : [], eventId: null, text }
}

/** Those that fit into `room` bytes of JSON; one huge label does not keep out the others. */
function fittingLabels(labels: readonly string[], room: number): string[] {
  let left = room
  return labels.filter((label) => {
    const size = Buffer.byteLength(JSON.stringify(label)) + 1
    if (size > left) return false
    left -= size
    return true
  })
}

const fits = (dispatch: Dispatch): boolean => Buffer.byteLength(JSON.stringify(dispatch)) <= maxBody

/**
 * The dispatch of one change. The prompt's text is in it as a whole where the body stays below 64 KB, else not at all
 * (`promptOmitted`: `size`, or `unknown` where no event had the text): half a prompt is worse than none.
 */
export function githubDispatch(target: TargetOf<'github'>, message: Message): Dispatch {
  const { change, fact } = message
  const made = (client_payload: Dispatch['client_payload']): Dispatch => ({
    event_type: target.eventType,
    client_payload,
  })
  if (isBurst(fact)) return { event_type: burstTypes[fact.kind], client_payload: burstPayload(message, fact) }
  if (fact.kind === 'trace-callback')
    return { event_type: fact.kind, client_payload: callbackPayload(message, fact) }
  if (fact.kind === 'unchanged' || kindOf(fact.kind).about !== 'prompt') return made(otherPayload(message))
  const { version, labels, eventId, text } = promptOf(message)
  const payload = {
    promptName: wholeName(change),
    version,
    action: actionOf(message),
    labels,
    projectId: change.projectId,
    eventId,
    change: changeOf(message),
    sha256: text === undefined ? null : sha256Of(text),
  }
  const promptOmitted = text === undefined ? 'unknown' : 'size'
  const whole = made(text === undefined ? { ...payload, promptOmitted } : { ...payload, prompt: text })
  if (fits(whole)) return whole
  const without = made({ ...payload, promptOmitted })
  if (fits(without)) return without
  const fewer = fittingLabels(labels, maxLabels)
  return made({
    ...payload,
    promptName: truncateUnits(wholeName(change), maxName),
    projectId: truncateUnits(change.projectId ?? '', maxName),
    labels: fewer,
    change: {
      ...payload.change,
      labelsOmitted: labels.length - fewer.length + (payload.change.labelsOmitted ?? 0),
    },
    promptOmitted,
  })
}

const shortened = (text: string | null): string | null =>
  text === null ? null : truncateUnits(text, maxName)

/** The `change` of a payload that is about traces or scores. */
const changeHead = (message: Message): Record<string, unknown> => ({
  id: message.change.id,
  kind: message.fact.kind,
  title: truncateUnits(visibleText(titleOf(message)), maxName),
  url: message.links.page,
  // A workflow can leave tests alone: `if: ${{ !github.event.client_payload.change.test }}`.
  ...(message.change.test ? { test: true } : {}),
})

/** What someone asked to have looked at, and what Langfuse's API says about it. */
function callbackPayload(
  message: Message,
  { traceId, observationId, sessionId, confirmed }: Extract<Fact, { kind: 'trace-callback' }>,
): Record<string, unknown> {
  const { change, links } = message
  const { trace } = change.detail
  return {
    projectId: shortened(change.projectId),
    change: changeHead(message),
    traceId,
    observationId,
    sessionId,
    confirmed,
    url: links.langfuse,
    trace: trace
      ? {
          ...trace,
          name: shortened(trace.name),
          user: shortened(trace.user),
          environment: shortened(trace.environment),
          startedAt: trace.startedAt === null ? null : new Date(trace.startedAt).toISOString(),
        }
      : null,
  }
}

const maxRows = 10

/** A burst: its numbers and its first rows. */
function burstPayload(message: Message, fact: BurstFact): Dispatch['client_payload'] {
  const { change } = message
  const { name, count, firstAt, lastAt, isLeast = false } = fact
  const rows = observedOf(message).slice(0, maxRows)
  return {
    projectId: shortened(change.projectId),
    change: changeHead(message),
    name: truncateUnits(name, maxName),
    count,
    countIsLeast: isLeast,
    firstAt: new Date(firstAt).toISOString(),
    lastAt: new Date(lastAt).toISOString(),
    ...(fact.kind === 'score' ? { lowest: fact.lowest, highest: fact.highest } : {}),
    rows: rows.map(({ row: { id, traceId, at, level, message, value }, url }) => ({
      id: truncateUnits(id, maxId),
      traceId: traceId === null ? null : truncateUnits(traceId, maxId),
      at: new Date(at).toISOString(),
      level,
      message,
      value,
      url: shortened(url),
    })),
  }
}

/** An alert, a notification or the relay's own trouble, in the shape of a prompt's change, without a prompt. */
function otherPayload(message: Message): Dispatch['client_payload'] {
  const { change, fact } = message
  const { message: words, alert } = change.detail
  return {
    promptName: null,
    version: null,
    action: null,
    labels: [],
    projectId: shortened(change.projectId),
    eventId: null,
    change: {
      ...changeOf(message),
      subject: truncateUnits(wholeName(change), maxName),
      severity: 'severity' in fact ? truncateUnits(fact.severity, maxName) : null,
      message: shortened(words),
      ...(alert && { ended: { changeId: alert.changeId, since: new Date(alert.since).toISOString() } }),
    },
    sha256: null,
  }
}
