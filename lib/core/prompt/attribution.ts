import type { Fact, StoredPromptEvent } from '../change/change.ts'
import type { Merged } from './merge.ts'

/** What one event shows of its version that was not known before. */
export interface Step {
  event: StoredPromptEvent
  /** Without `latest`, like `lost`. */
  gained: string[]
  lost: string[]
  losesLatest: boolean
  /** Null: the same as before. */
  tags: { before: string[]; after: string[] } | null
  /** The version was not known and this event did not create it, so what it gains may be old. */
  isFirst: boolean
}

interface Own {
  labels: string[]
  tags: string[] | null
}

const isSameSet = (a: readonly string[], b: readonly string[]): boolean => {
  const set = new Set(a)
  return a.length === b.length && b.every((one) => set.has(one))
}

/** The events that changed or confirmed the state, oldest first, each compared with what was known just before. */
export function stepsOf({ known, fresh }: Merged): Step[] {
  const own = new Map<number, Own>(known.map((state) => [state.version, state]))
  return fresh.map((event) => {
    const before =
      event.action === 'created' && !own.has(event.version) ? { labels: [], tags: null } : undefined
    const step = stepOf(event, own.get(event.version) ?? before)
    const { labels = [], tags = null } = own.get(event.version) ?? {}
    if (event.action === 'deleted') own.delete(event.version)
    else own.set(event.version, { labels: event.labels ?? labels, tags: event.tags ?? tags })
    return step
  })
}

function stepOf(event: StoredPromptEvent, before: Own | undefined): Step {
  const after = event.labels ?? before?.labels ?? []
  const had = new Set(before?.labels)
  const has = new Set(after)
  const { tags } = event
  const isRetagged = before?.tags && tags !== undefined && !isSameSet(before.tags, tags)
  return {
    event,
    gained: after.filter((label) => label !== 'latest' && !had.has(label)),
    lost: (before?.labels ?? []).filter((label) => label !== 'latest' && !has.has(label)),
    losesLatest: had.has('latest') && !has.has('latest'),
    tags: isRetagged ? { before: before.tags ?? [], after: tags } : null,
    isFirst: before === undefined,
  }
}

/**
 * Langfuse leaves `user` out for changes through its API, SDKs and MCP server. Before v3.156 it never sent `user`; such
 * versions are recognised by a missing `createdBy`, or by one that names a person on a `created` event.
 */
export function actorOf(event: StoredPromptEvent | undefined): string | null {
  if (!event) return null
  const { user, createdBy, action } = event
  if (user) return user.name || user.email || null
  if (createdBy === undefined || event.isRead) return null
  if (event.reconciled) return action === 'created' && createdBy === 'API' ? 'API' : null
  return action !== 'created' || createdBy === 'API' ? 'API' : null
}

/** Langfuse writes both halves of an edit in one transaction. */
const oneEditMs = 2000

/** A fact and its author; `by` undefined: no event says. */
export interface Attributed {
  fact: Fact
  by: string | null | undefined
}

const revealed = (fact: Fact): Attributed => ({ fact: { ...fact, revealed: true } as Fact, by: null })

/**
 * The author of each fact: the user of the event that brought it about. An edit of tags, or the loss of `latest` to a new
 * version, moves no label, so a label that such an event shows had moved before. The same goes for a label whose new version
 * was not known, shown by an event that another change of its own explains.
 */
export function attribute(
  facts: readonly Fact[],
  steps: readonly Step[],
  strayed: ReadonlySet<string>,
): Attributed[] {
  const gains = lastBy(steps, ({ gained }) => gained)
  const losses = lastBy(steps, ({ lost }) => lost)
  const takers = new Map(
    steps.toReversed().flatMap((step) => step.gained.map((label) => [label, step] as const)),
  )
  const creators = new Map(
    steps.flatMap(({ event }) => (event.action === 'created' ? [[event.version, event] as const] : [])),
  )
  return facts.flatMap((fact): Attributed[] => {
    switch (fact.kind) {
      case 'version-created':
        return [{ fact, by: byOf(creators.get(fact.version)) }]
      case 'promoted':
      case 'rolled-back':
      case 'label-added': {
        const gain = gains.get(fact.to)?.get(fact.label)
        const loss = 'from' in fact ? losses.get(fact.from)?.get(fact.label) : undefined
        if (gain?.event.isRead) return [attributeRead(fact, gain, loss)]
        if (gain?.event.reconciled)
          return [{ fact, by: isAsCreated(gain.event) ? actorOf(gain.event) : null }]
        return gain && isOlder(gain, fact.label, strayed)
          ? [revealed(fact)]
          : [{ fact, by: byOf(gain?.event) }]
      }
      case 'label-removed': {
        // If the event of the loss is missing: the person who put the label on another version in between.
        const loss = losses.get(fact.from)?.get(fact.label) ?? takers.get(fact.label)
        return loss && isLongLost(loss, creators.size > 0)
          ? [revealed(fact)]
          : [{ fact, by: byOf(loss?.event) }]
      }
      case 'tags-changed':
        return attributeTags(fact, steps)
      case 'deleted':
        return attributeDeleted(fact, steps)
      default:
        return [{ fact, by: undefined }]
    }
  })
}

const byOf = (event: StoredPromptEvent | undefined): string | null | undefined => event && actorOf(event)

/** The last step for each label, by version and label. */
function lastBy(steps: readonly Step[], labelsOf: (step: Step) => string[]): Map<number, Map<string, Step>> {
  const last = new Map<number, Map<string, Step>>()
  for (const step of steps) {
    const ofVersion = last.get(step.event.version) ?? new Map<string, Step>()
    last.set(step.event.version, ofVersion)
    for (const label of labelsOf(step)) ofVersion.set(label, step)
  }
  return last
}

/** Whether an event shows a label that its own edit did not put there. */
function isOlder(
  { event, gained, lost, losesLatest, tags, isFirst }: Step,
  label: string,
  strayed: ReadonlySet<string>,
): boolean {
  if (event.action === 'created') return false
  if (losesLatest || tags !== null) return true
  return strayed.has(label) && (isFirst || lost.length > 0 || gained.some((one) => !strayed.has(one)))
}

/** An edit of tags changes no labels, except for a new version, which may bring both. */
const isLongLost = ({ tags, losesLatest, event }: Step, isCreation: boolean): boolean =>
  tags !== null && !losesLatest && !isCreation && !event.reconciled

/** Whether a version was not edited since it was created, so that it got its labels then. */
const isAsCreated = ({ action, createdAt, updatedAt }: StoredPromptEvent): boolean =>
  action === 'created' &&
  createdAt !== undefined &&
  updatedAt !== undefined &&
  Math.abs(updatedAt - createdAt) <= oneEditMs

/** A gain read from the API belongs to the same edit as the loss in an event where Langfuse wrote both at once. */
function attributeRead(fact: Fact, gain: Step, loss: Step | undefined): Attributed {
  const apart = Math.abs((gain.event.updatedAt ?? 0) - (loss?.event.updatedAt ?? Number.POSITIVE_INFINITY))
  return loss && apart <= oneEditMs ? { fact, by: byOf(loss.event) } : revealed(fact)
}

/** How the shared tags changed, by the version with the most steps. */
function tagSteps(steps: readonly Step[]): Step[] {
  const own = Map.groupBy(
    steps.filter(({ tags }) => tags !== null),
    ({ event }) => event.version,
  )
  return [...own.values()].reduce((max, some) => (some.length > max.length ? some : max), [])
}

function tagsOf({ tags }: Step): { added: string[]; removed: string[] } {
  const [had, has] = [new Set(tags?.before), new Set(tags?.after)]
  return { added: [...has].filter((tag) => !had.has(tag)), removed: [...had].filter((tag) => !has.has(tag)) }
}

function attributeTags(fact: Extract<Fact, { kind: 'tags-changed' }>, steps: readonly Step[]): Attributed[] {
  const edits = tagSteps(steps)
  const adder = new Map<string, string | null>()
  const remover = new Map<string, string | null>()
  for (const step of edits) {
    const { added, removed } = tagsOf(step)
    for (const tag of added) adder.set(tag, actorOf(step.event))
    for (const tag of removed) remover.set(tag, actorOf(step.event))
  }
  if (edits.some(isUndecided) && !steps.some(isRetagging)) return [revealed(fact)]
  const people = new Set([...adder.values(), ...remover.values()])
  if (people.size < 2) {
    const any = edits[0] ?? steps.find((step) => hasTagsOf(step, fact))
    return [{ fact, by: byOf(any?.event) }]
  }
  // Tags that no step shows come from versions that contradict each other.
  return [...people, undefined].flatMap((by): Attributed[] => {
    const added = fact.added.filter((tag) => adder.get(tag) === by)
    const removed = fact.removed.filter((tag) => remover.get(tag) === by)
    return added.length + removed.length > 0 ? [{ fact: { ...fact, added, removed }, by }] : []
  })
}

function hasTagsOf({ event }: Step, { added, removed }: Extract<Fact, { kind: 'tags-changed' }>): boolean {
  const has = new Set(event.tags)
  return (
    event.tags !== undefined && added.every((tag) => has.has(tag)) && !removed.some((tag) => has.has(tag))
  )
}

/** An event with other tags and a new label: one of the two is from an earlier edit. */
const isUndecided = ({ tags, gained, event }: Step): boolean =>
  tags !== null && gained.length > 0 && !event.reconciled

/** An event that only an edit of tags can explain. */
const isRetagging = ({ tags, gained, lost, losesLatest, event }: Step): boolean =>
  tags !== null && gained.length + lost.length === 0 && !losesLatest && event.action === 'updated'

function attributeDeleted(fact: Extract<Fact, { kind: 'deleted' }>, steps: readonly Step[]): Attributed[] {
  const deleted = new Map(
    steps.flatMap(({ event }) => (event.action === 'deleted' ? [[event.version, event] as const] : [])),
  )
  const people = Map.groupBy(fact.versions, (version) => byOf(deleted.get(version)))
  if (people.size < 2) return [{ fact, by: [...people.keys()][0] }]
  return [...people].map(([by, versions]) => {
    const carried = new Set(versions.flatMap((version) => deleted.get(version)?.labels ?? []))
    return { fact: { ...fact, versions, labels: fact.labels.filter((label) => carried.has(label)) }, by }
  })
}

/** The steps of labels and tags that several people changed, where the outcome does not show them; each with `by`. */
export function crossings(all: readonly Step[], { known }: Merged): Fact[] {
  // A comparison shows the outcome of many edits, and not who made them.
  const steps = all.filter(({ event }) => !event.reconciled)
  if (new Set(steps.map(({ event }) => actorOf(event))).size < 2) return []
  const labels = [...labelMoves(steps, known).values()].filter(isCrossing)
  const tags = tagSteps(steps).map(
    (step): Fact => ({ kind: 'tags-changed', ...tagsOf(step), by: actorOf(step.event) }),
  )
  return [...labels.flat(), ...(isCrossing(tags) && isUndone(tags) ? tags : [])]
}

const isCrossing = (facts: readonly Fact[]): boolean =>
  facts.length > 1 && new Set(facts.map((fact) => ('by' in fact ? fact.by : null))).size > 1

/** Whether a tag was both added and removed. */
function isUndone(facts: readonly Fact[]): boolean {
  const tags = facts.flatMap((fact) => (fact.kind === 'tags-changed' ? [...fact.added, ...fact.removed] : []))
  return new Set(tags).size < tags.length
}

function labelMoves(steps: readonly Step[], known: Merged['known']): Map<string, Fact[]> {
  const holders = new Map(
    known.flatMap(({ version, labels }) => labels.map((label) => [label, version] as const)),
  )
  const moves = new Map<string, Fact[]>()
  const add = (label: string, fact: Fact): void => {
    moves
      .set(label, moves.get(label) ?? [])
      .get(label)
      ?.push(fact)
  }
  for (const { event, gained, lost, isFirst } of steps) {
    const { version } = event
    const by = actorOf(event)
    for (const label of lost) {
      if (holders.get(label) !== version) continue
      holders.delete(label)
      add(label, { kind: 'label-removed', label, from: version, by })
    }
    if (event.action === 'deleted')
      for (const label of event.labels ?? []) if (holders.get(label) === version) holders.delete(label)
    for (const label of event.action === 'deleted' ? [] : gained) {
      const earlier = moves.get(label)
      const last = earlier?.at(-1)
      // The other half of the same edit, processed first.
      const half = last?.kind === 'label-removed' && last.by === by ? earlier?.pop() : undefined
      const from = holders.get(label) ?? (half as { from?: number } | undefined)?.from
      holders.set(label, version)
      if (from === version || (isFirst && from === undefined)) continue
      if (from === undefined) add(label, { kind: 'label-added', label, to: version, by })
      else add(label, { kind: version > from ? 'promoted' : 'rolled-back', label, from, to: version, by })
    }
  }
  return moves
}
