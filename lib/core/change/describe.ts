import { longDuration } from '../../base/duration.ts'
import { notificationTitle, severityWords } from './alert-words.ts'
import type { Change, EndedAlert, Fact } from './change.ts'
import type { AlertEvent, NotificationEvent, UnrecognisedEvent } from './event.ts'
import { factKinds } from './kinds.ts'

export type Description = Pick<Change, 'title' | 'danger' | 'kind'>

interface PromptChange {
  /** The prompt's name. */
  subject: string
  /** At least one. */
  facts: readonly Fact[]
  /** Who brought about the facts without `by`; `API`: Langfuse's API; null: not known. */
  actor: string | null
  /** The version that the change is mostly about. */
  version: number
  /** What several people did in turn and the facts do not show, each with `by`. */
  steps?: readonly Fact[]
  /** The newest event of that version; null: all are older than the known state. */
  eventId?: string | null
  /** No webhook came, so it may not have been a person. */
  isReconciled?: boolean
  /** Labels that no known version had before, and one has now. */
  regained?: readonly string[]
}

type Of<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>

const only = <Kind extends Fact['kind']>(facts: readonly Fact[], kind: Kind): Of<Kind>[] =>
  facts.filter((fact): fact is Of<Kind> => fact.kind === kind)

/** Describes a change of a prompt in one sentence. */
export function describe(change: PromptChange): Description {
  const { subject, facts, version, steps = [], regained = [] } = change
  const kind = factKinds.find((one) => facts.some((fact) => fact.kind === one)) ?? 'unchanged'
  const outcome = lostProduction(facts)
  const clauses = [...authoredClauses(change), ...authorlessClauses(subject, facts)].join('; ')
  const isHeir = change.isReconciled && regained.includes('latest')
  const sentence =
    clauses !== ''
      ? clauses
      : (firstSeenTitle(subject, facts) ??
        undoneTitle(subject, steps) ??
        (isHeir ? `latest of ${subject} is on v${version} now` : null) ??
        (change.eventId === null
          ? `An event of ${subject} v${version} was older than the known state and changed nothing`
          : `Nothing visible changed on ${subject} v${version}`))
  return {
    title: outcome === null ? sentence : `${sentence}: ${outcome}`,
    danger: outcome !== null,
    kind,
  }
}

/** The beginning of a sentence. */
const nameOf = (actor: string | null): string =>
  actor === null ? 'Someone' : actor === 'API' ? 'The API' : actor

const isAuthorless = (fact: Fact): boolean =>
  ('revealed' in fact && fact.revealed === true) || (fact.kind === 'label-removed' && fact.now === 'newer')

/** A clause for each person, in the order of the facts. */
function authoredClauses({
  subject,
  facts,
  actor,
  isReconciled,
}: Pick<PromptChange, 'subject' | 'facts' | 'actor' | 'isReconciled'>): string[] {
  const isShared = only(facts, 'deleted').length > 1
  const own = facts
    .filter((fact) => !isAuthorless(fact))
    .map((fact) => (fact.kind === 'deleted' && isShared ? { ...fact, whole: false } : fact))
  const people = Map.groupBy(own, (fact) => ('by' in fact && fact.by !== undefined ? fact.by : actor))
  return [...people].flatMap(([by, theirs]) => {
    if (by === null && isReconciled) return whatBecame(subject, theirs)
    const done = whatWasDone(subject, theirs)
    return done === '' ? [] : [`${nameOf(by)} ${done}`]
  })
}

/** What happened without a known author, or to an unknown version. */
function authorlessClauses(subject: string, facts: readonly Fact[]): string[] {
  const own = facts.filter(isAuthorless)
  const [lost, left] = [
    only(own, 'label-removed').filter(({ now }) => now === 'newer'),
    only(own, 'label-removed').filter(({ now }) => now !== 'newer'),
  ]
  return [
    ...byVersions([...only(own, 'promoted'), ...only(own, 'rolled-back')]).map(
      ({ labels, first: { from, to } }) => `${labels} of ${subject} moved from v${from} to v${to}`,
    ),
    ...byVersions(only(own, 'label-added')).map(
      ({ labels, count, first: { to } }) => `${labels} ${count === 1 ? 'is' : 'are'} on ${subject} v${to}`,
    ),
    ...byVersions(lost).map(
      ({ labels, count, first: { from } }) =>
        `${labels} left ${subject} v${from}; ${count === 1 ? 'its' : 'their'} new version is unknown`,
    ),
    ...byVersions(left).map(({ labels, first: { from } }) => `${labels} left ${subject} v${from}`),
    ...only(own, 'tags-changed').map(({ added, removed }) =>
      [
        `the tags of ${subject} changed`,
        ...added.map((tag) => `+${tag}`),
        ...removed.map((tag) => `−${tag}`),
      ].join(' '),
    ),
  ]
}

const maxSteps = 6

/** What several people did that left everything as it was. */
function undoneTitle(subject: string, steps: readonly Fact[]): string | null {
  if (steps.length === 0) return null
  const clauses = steps
    .slice(0, maxSteps)
    .flatMap((step) => authoredClauses({ subject, facts: [step], actor: null }))
  return `${clauses.join('; ')}${steps.length > maxSteps ? '; …' : ''}: nothing changed in the end`
}

/** Where `production` is after a version lost it, or was deleted with it, and no other took it; null: no danger. */
function lostProduction(facts: readonly Fact[]): string | null {
  const removed = only(facts, 'label-removed').find(({ label }) => label === 'production')
  const isDeleted = only(facts, 'deleted').some(({ labels }) => labels.includes('production'))
  const isTaken = facts.some((fact) => 'to' in fact && fact.label === 'production')
  if (isTaken) return null
  if (isDeleted || (removed && removed.now === undefined)) return 'nothing carries production now'
  return removed?.now === 'unknown' ? 'no version is known to carry production now' : null
}

/** Up to this many are named; of more, the first ten and the number of the others. */
const maxListed = 12

function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  if (words.length <= maxListed) return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
  const shown = words.slice(0, maxListed - 2)
  return `${shown.join(', ')} and ${(words.length - shown.length).toLocaleString('en')} more`
}

const commaList = (words: readonly string[]): string =>
  words.length <= maxListed ? words.join(', ') : list(words)

/** `created x v8 and promoted it to production, was v6; tagged the prompt with eu`; empty: nothing was done. */
function whatWasDone(subject: string, facts: readonly Fact[]): string {
  const created = only(facts, 'version-created').map(({ version }) => version)
  const isNew = new Set(created)
  const isCreated = ({ to }: { to: number }): boolean => isNew.has(to)
  const name = (version: number): string => {
    if (!isNew.has(version)) return `${subject} v${version}`
    return created.length > 1 ? `v${version}` : 'it'
  }
  const promoted = promotions(only(facts, 'promoted'), name)
  const added = additions(only(facts, 'label-added'), name)
  const creation = created.length > 0 ? [`created ${subject} ${versionList(created)}`] : []
  const clauses = [
    ...only(facts, 'deleted').map((fact) => deletedClause(subject, fact)),
    list([...creation, ...[...added, ...promoted].filter(isCreated).map(({ clause }) => clause)]),
    ...promoted.filter((gain) => !isCreated(gain)).map(({ clause }) => clause),
    ...byVersions(only(facts, 'rolled-back')).map(
      ({ labels, first: { from, to } }) => `rolled ${labels} of ${subject} back from v${from} to v${to}`,
    ),
    ...byVersions(only(facts, 'label-removed')).map(
      ({ labels, first: { from } }) => `removed ${labels} from ${subject} v${from}`,
    ),
    ...added.filter((gain) => !isCreated(gain)).map(({ clause }) => clause),
  ].filter((clause) => clause !== '')
  const tagged = only(facts, 'tags-changed').map((fact) =>
    tagsClause(clauses.length > 0 ? 'the prompt' : subject, fact),
  )
  return [...clauses, ...tagged].join('; ')
}

/** Labels that moved between the same versions share a clause. */
function byVersions<T extends { label: string; from?: number; to?: number }>(
  facts: readonly T[],
): { labels: string; count: number; first: T }[] {
  const groups = Map.groupBy(facts, ({ from, to }) => `${from} ${to}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    return first ? [{ labels: list(group.map(({ label }) => label)), count: group.length, first }] : []
  })
}

interface Gain {
  to: number
  clause: string
}

function promotions(moves: Of<'promoted'>[], name: (version: number) => string): Gain[] {
  const groups = byVersions(moves)
  return groups.map(({ labels, first: { from, to } }) => {
    const was = groups.length > 1 ? ` (was v${from})` : `, was v${from}`
    return { to, clause: `promoted ${name(to)} to ${labels}${was}` }
  })
}

const additions = (facts: Of<'label-added'>[], name: (version: number) => string): Gain[] =>
  byVersions(facts).map(({ labels, first: { to } }) => ({ to, clause: `put ${labels} on ${name(to)}` }))

/** `v2`, `v2 and v5`, `v1–v4`. */
function versionList(versions: readonly number[]): string {
  const sorted = versions.toSorted((a, b) => a - b)
  const [first = 0] = sorted
  const last = sorted.at(-1) ?? first
  const isRange = sorted.length > 2 && last - first === sorted.length - 1
  return isRange ? `v${first}–v${last}` : list(sorted.map((version) => `v${version}`))
}

function deletedClause(subject: string, { versions, whole }: Of<'deleted'>): string {
  const which = versionList(versions)
  if (!whole) return `deleted ${which} of ${subject}`
  const numbers = which.replaceAll('v', '')
  return `deleted the prompt ${subject} (version${versions.length === 1 ? '' : 's'} ${numbers})`
}

function tagsClause(subject: string, { added, removed }: Of<'tags-changed'>): string {
  if (removed.length === 0) return `tagged ${subject} with ${list(added)}`
  const untagged = `removed the ${removed.length === 1 ? 'tag' : 'tags'} ${list(removed)} from ${subject}`
  return added.length === 0 ? untagged : `${untagged} and tagged it with ${list(added)}`
}

/** Without a person: `x v8 was created and promoted to production, was v6`, `production was removed from x v6`. */
function whatBecame(subject: string, facts: readonly Fact[]): string[] {
  const created = only(facts, 'version-created').map(({ version }) => version)
  const [single, ...more] = created
  const isOwn = ({ to }: { to: number }): boolean => more.length === 0 && to === single
  const added = byVersions(only(facts, 'label-added')).map(({ labels, first: { to } }) => ({
    to,
    clause: `labelled ${labels}`,
  }))
  const promoted = byVersions(only(facts, 'promoted')).map(({ labels, first: { from, to } }) => ({
    to,
    clause: `promoted to ${labels}, was v${from}`,
  }))
  const gains = [...added, ...promoted]
  const was = created.length > 1 ? 'were' : 'was'
  const creation = list(['created', ...gains.filter(isOwn).map(({ clause }) => clause)])
  return [
    ...only(facts, 'deleted').map((fact) => deletedPassive(subject, fact)),
    ...(created.length > 0 ? [`${subject} ${versionList(created)} ${was} ${creation}`] : []),
    ...gains.filter((gain) => !isOwn(gain)).map(({ to, clause }) => `${subject} v${to} was ${clause}`),
    ...byVersions(only(facts, 'rolled-back')).map(
      ({ labels, count, first: { from, to } }) =>
        `${labels} of ${subject} ${count === 1 ? 'was' : 'were'} rolled back from v${from} to v${to}`,
    ),
    ...byVersions(only(facts, 'label-removed')).map(
      ({ labels, count, first: { from } }) =>
        `${labels} ${count === 1 ? 'was' : 'were'} removed from ${subject} v${from}`,
    ),
    ...only(facts, 'tags-changed').map((fact) => tagsPassive(subject, fact)),
  ]
}

function deletedPassive(subject: string, { versions, whole }: Of<'deleted'>): string {
  const which = versionList(versions)
  const isOne = versions.length === 1
  if (!whole) return `${subject} ${which} ${isOne ? 'was' : 'were'} deleted`
  return `${subject} was deleted (version${isOne ? '' : 's'} ${which.replaceAll('v', '')})`
}

function tagsPassive(subject: string, { added, removed }: Of<'tags-changed'>): string {
  const tagged = `tagged with ${list(added)}`
  if (removed.length === 0) return `${subject} was ${tagged}`
  const lost = `${subject} lost the ${removed.length === 1 ? 'tag' : 'tags'} ${list(removed)}`
  return added.length === 0 ? lost : `${lost} and was ${tagged}`
}

function firstSeenTitle(subject: string, facts: readonly Fact[]): string | null {
  const seen = only(facts, 'first-seen')
  if (seen.length === 0) return null
  const where = seen.map(({ version, labels }) =>
    labels.length > 0 ? `v${version} is labelled ${commaList(labels)}` : `v${version} has no label`,
  )
  return `${subject} ${list(where)} (seen for the first time)`
}

/** Langfuse puts the severity before a monitor's name: `[ALERT] p95 latency`. */
export const monitorName = (title: string): string => title.replace(/^\[[A-Z_]+\] /, '')

/** `ended`: the alert that a recovery ends, where it is known. */
export function describeAlert(
  { title, severity, monitorId }: AlertEvent,
  ended?: EndedAlert,
): Description & { facts: Fact[] } {
  const kind = severity === 'OK' ? 'recovered' : 'alert'
  const after = ended === undefined ? '' : ` after ${longDuration(ended.forMs)}`
  return {
    facts: [{ kind, severity, monitorId }],
    title: `${severityWords(severity).word}${after}: ${monitorName(title)}`,
    danger: severity === 'ALERT',
    kind,
  }
}

export function describeNotification(event: NotificationEvent): Description & { facts: Fact[] } {
  const { eventType, severity, resource, projectName } = event
  const title = notificationTitle(eventType, resource)
  return {
    facts: [{ kind: 'notification', eventType, severity }],
    title: projectName === null ? title : `${title} in ${projectName}`,
    danger: severity === 'ALERT',
    kind: 'notification',
  }
}

export function describeUnrecognised({ problems }: UnrecognisedEvent): Description & { facts: Fact[] } {
  const [first] = problems
  return {
    facts: [{ kind: 'unrecognised' }],
    title: `A signed request of unknown shape${first === undefined ? '' : `: ${first}`}`,
    danger: false,
    kind: 'unrecognised',
  }
}
