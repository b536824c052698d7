import { longDuration } from '../../base/duration.ts'
import { notificationTitle, severityWords } from './alert-words.ts'
import type { Change, EndedAlert, Fact } from './change.ts'
import type { AlertEvent, NotificationEvent, UnrecognisedEvent } from './event.ts'
import { factKinds } from './kinds.ts'

/** What a change is called. `danger`: someone should look. */
export type Description = Pick<Change, 'title' | 'danger' | 'kind'>

interface PromptChange {
  /** The prompt's name. */
  subject: string
  /** At least one. */
  facts: readonly Fact[]
  /** Whose doing a fact is that does not say it: `API` for Langfuse's API; null when nobody knows. */
  actor: string | null
  /** The version that the change is mostly about. */
  version: number
  /** What several people did one after another and the facts do not show, each with `by`. */
  steps?: readonly Fact[]
  /** The newest event of that version; null: all of them are older than what was known. */
  eventId?: string | null
}

type Of<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>

const only = <Kind extends Fact['kind']>(facts: readonly Fact[], kind: Kind): Of<Kind>[] =>
  facts.filter((fact): fact is Of<Kind> => fact.kind === kind)

/** Describes a change of a prompt in one sentence, as a person would say it. */
export function describe(change: PromptChange): Description {
  const { subject, facts, actor, version, steps = [] } = change
  const kind = factKinds.find((one) => facts.some((fact) => fact.kind === one)) ?? 'unchanged'
  const outcome = leavesNoProduction(facts)
  const deeds = [...deedsOf(subject, facts, actor), ...nobodysDeeds(subject, facts)].join('; ')
  const said =
    deeds !== ''
      ? deeds
      : (firstSeenTitle(subject, facts) ??
        crossedTitle(subject, steps) ??
        (change.eventId === null
          ? `An event of ${subject} v${version} is older than what is known, and changed nothing`
          : `Nothing visible changed on ${subject} v${version}`))
  return { title: outcome === null ? said : `${said}: ${outcome}`, danger: outcome !== null, kind }
}

/** Someone who did something, as a sentence begins. */
const nameOf = (actor: string | null): string =>
  actor === null ? 'Someone' : actor === 'API' ? 'The API' : actor

const isNobodys = (fact: Fact): boolean =>
  ('revealed' in fact && fact.revealed === true) || (fact.kind === 'label-removed' && fact.now === 'newer')

/** What each person did, in the order of the facts. */
function deedsOf(subject: string, facts: readonly Fact[], actor: string | null): string[] {
  const isShared = only(facts, 'deleted').length > 1
  const own = facts
    .filter((fact) => !isNobodys(fact))
    .map((fact) => (fact.kind === 'deleted' && isShared ? { ...fact, whole: false } : fact))
  const people = Map.groupBy(own, (fact) => ('by' in fact && fact.by !== undefined ? fact.by : actor))
  return [...people].flatMap(([by, theirs]) => {
    const deed = deedOf(subject, theirs)
    return deed === '' ? [] : [`${nameOf(by)} ${deed}`]
  })
}

/** What is so, though it is not known who did it, or where to. */
function nobodysDeeds(subject: string, facts: readonly Fact[]): string[] {
  const own = facts.filter(isNobodys)
  const [lost, left] = [
    only(own, 'label-removed').filter(({ now }) => now === 'newer'),
    only(own, 'label-removed').filter(({ now }) => now !== 'newer'),
  ]
  return [
    ...byVersions([...only(own, 'promoted'), ...only(own, 'rolled-back')]).map(
      ({ labels, first: { from, to } }) => `${labels} of ${subject} went from v${from} to v${to}`,
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

/** What several people did, after which all is as it was. */
function crossedTitle(subject: string, steps: readonly Fact[]): string | null {
  if (steps.length === 0) return null
  const deeds = steps.slice(0, maxSteps).flatMap((step) => deedsOf(subject, [step], null))
  return `${deeds.join('; ')}${steps.length > maxSteps ? '; …' : ''}: nothing changed in the end`
}

/** What is known of `production` where a version lost it, or was deleted with it, and none took it over; null: nothing to fear. */
function leavesNoProduction(facts: readonly Fact[]): string | null {
  const removed = only(facts, 'label-removed').find(({ label }) => label === 'production')
  const isDeleted = only(facts, 'deleted').some(({ labels }) => labels.includes('production'))
  const isTaken = facts.some((fact) => 'to' in fact && fact.label === 'production')
  if (isTaken) return null
  if (isDeleted || (removed && removed.now === undefined)) return 'nothing carries production now'
  return removed?.now === 'unknown' ? 'no version is known to carry production now' : null
}

/** So many are named; of more, the first ten and the number of the others. */
const maxListed = 12

function list(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  if (words.length <= maxListed) return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
  const shown = words.slice(0, maxListed - 2)
  return `${shown.join(', ')} and ${(words.length - shown.length).toLocaleString('en')} more`
}

const commaList = (words: readonly string[]): string =>
  words.length <= maxListed ? words.join(', ') : list(words)

/** What was done; empty when nothing was. What befell a new version is told in the clause of its creation. */
function deedOf(subject: string, facts: readonly Fact[]): string {
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
    list([...creation, ...[...added, ...promoted].filter(isCreated).map(({ deed }) => deed)]),
    ...promoted.filter((gain) => !isCreated(gain)).map(({ deed }) => deed),
    ...byVersions(only(facts, 'rolled-back')).map(
      ({ labels, first: { from, to } }) => `rolled ${labels} of ${subject} back from v${from} to v${to}`,
    ),
    ...byVersions(only(facts, 'label-removed')).map(
      ({ labels, first: { from } }) => `removed ${labels} from ${subject} v${from}`,
    ),
    ...added.filter((gain) => !isCreated(gain)).map(({ deed }) => deed),
  ].filter((clause) => clause !== '')
  const tagged = only(facts, 'tags-changed').map((fact) =>
    tagsClause(clauses.length > 0 ? 'the prompt' : subject, fact),
  )
  return [...clauses, ...tagged].join('; ')
}

/** Labels that went the same way share a clause. */
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
  deed: string
}

function promotions(moves: Of<'promoted'>[], name: (version: number) => string): Gain[] {
  const groups = byVersions(moves)
  return groups.map(({ labels, first: { from, to } }) => {
    const was = groups.length > 1 ? ` (was v${from})` : `, was v${from}`
    return { to, deed: `promoted ${name(to)} to ${labels}${was}` }
  })
}

const additions = (facts: Of<'label-added'>[], name: (version: number) => string): Gain[] =>
  byVersions(facts).map(({ labels, first: { to } }) => ({ to, deed: `put ${labels} on ${name(to)}` }))

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
  const untagged = `took the ${removed.length === 1 ? 'tag' : 'tags'} ${list(removed)} off ${subject}`
  return added.length === 0 ? untagged : `${untagged} and tagged it with ${list(added)}`
}

function firstSeenTitle(subject: string, facts: readonly Fact[]): string | null {
  const seen = only(facts, 'first-seen')
  if (seen.length === 0) return null
  const where = seen.map(({ version, labels }) =>
    labels.length > 0 ? `v${version} is at ${commaList(labels)}` : `v${version} has no label`,
  )
  return `${subject} ${list(where)} (first time seen)`
}

/** A monitor's name: Langfuse puts the severity before it, as in `[ALERT] p95 latency`. */
export const monitorName = (title: string): string => title.replace(/^\[[A-Z_]+\] /, '')

/** `ended`: the alert that it ends, where it is a recovery and its alert is known. */
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
  const told = notificationTitle(eventType, resource)
  return {
    facts: [{ kind: 'notification', eventType, severity }],
    title: projectName === null ? told : `${told} in ${projectName}`,
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
