import type { z } from 'zod'
import type { PromptAction, promptBody } from '#lib/core/change/event.ts'
import {
  bringLatestBack,
  type Clock,
  create,
  duplicate,
  type Happened,
  type ModelVersion,
  pick,
  type Random,
  remove,
  setLabels,
  setTags,
  uuid,
  versionsOf,
  type World,
} from './edits.ts'
import { createListener, type Deed, type Expected, spokenOf } from './listener.ts'

/** A whole webhook body. */
export type PromptWebhook = z.output<typeof promptBody>

export interface Step {
  edit: { kind: EditKind; name: string }
  /** In the order of Langfuse's writes; they may arrive in any other. Empty for what fires nothing. */
  events: PromptWebhook[]
  /** The prompt's versions after each of its edits. */
  states: readonly (readonly ModelVersion[])[]
  /**
   * What a listener that got every event so far can say of it; null when nothing fires, and for a prompt that has had a
   * version of which nothing ever fires. Not to be relied on where the clocks of pods are apart.
   */
  expected: Expected | null
}

interface EditOptions {
  /** Absent: any prompt's. */
  name?: string
  /** Milliseconds after what was before it. */
  after?: number
}

export interface Model {
  projectId: string
  clock: Clock
  /** How far the clocks of Langfuse's pods are ahead of `clock`, milliseconds. */
  pods: readonly number[]
  /** Live versions by prompt name. */
  prompts: ReadonlyMap<string, readonly ModelVersion[]>
  /** A random edit (of this kind, where the prompts have what it takes; a new version otherwise). */
  edit: (kind?: EditKind, options?: EditOptions) => Step
  /** Two edits of one prompt by two people, milliseconds apart: one step. */
  crossing: () => Step
  /** Adds labels to a version and takes them from their holders, as `PATCH` does. */
  labelByApi: (name: string, version: ModelVersion, labels: readonly string[]) => Step
  /** Deletes versions as `DELETE` does: nothing fires. */
  deleteByApi: (name: string, versions: readonly ModelVersion[]) => Step
}

export interface ModelOptions {
  projectId?: string
  /** Shared by the models of several projects. */
  clock?: Clock
  /** Each edit is written by one of them. */
  pods?: readonly number[]
  names?: readonly string[]
  without?: readonly EditKind[]
  /** The share of new versions by API whose config is no object. */
  oddConfigs?: number
}

interface Actor {
  /** As Langfuse sends it: left out for its API. */
  user?: { name: string | null; email: string | null }
  createdBy: string
}

const usualNames = ['support/refund-reply', 'router/intent-classifier', 'experiments/tone ✨ "test"']
const labelNames = ['production', 'staging', 'canary-eu.1']
const tagSets = [[], ['support'], ['support', 'refunds'], ['ci', 'eu']]
const oddConfigs = [[], ['gpt-5.4'], 'gpt-5.4', 7, true]
const api: Actor = { createdBy: 'API' }
const people: Actor[] = [
  { user: { name: 'Maya Okonkwo', email: 'maya@acme.example' }, createdBy: 'cmc2v9k0p000307l5e1yq8abc' },
  { user: { name: null, email: 'jo@acme.example' }, createdBy: 'cmc2v9k0p000307l5e1yq8jo0' },
]

interface Scene {
  world: World
  name: string
  actor: Actor
  /** Of a new version by API; absent: an object. */
  config?: unknown
  /** Absent while the prompt has no version. */
  target: ModelVersion | undefined
}

const someLabels = ({ random }: World): string[] => labelNames.filter(() => random() < 0.5)
const ownLabels = ({ labels }: ModelVersion): string[] => labels.filter((label) => label !== 'latest')
const otherTags = (world: World, tags: string[] | undefined): string[] =>
  pick(
    world,
    tagSets.filter((set) => set.join() !== tags?.join()),
  )

/** Labels that others hold (or nobody does), of which the target gets one. */
function gainOne({ world, name, target }: Scene, isHeld: boolean): Happened | null {
  const elsewhere = versionsOf(world, name).filter((one) => one !== target)
  const held = elsewhere.flatMap(ownLabels)
  const free = labelNames.filter((label) => !held.includes(label) && !target?.labels.includes(label))
  const labels = isHeld ? held : free
  if (!target || labels.length === 0) return null
  return setLabels(world, name, target, [...ownLabels(target), pick(world, labels)])
}

const addLabels = (world: World, name: string, target: ModelVersion, labels: readonly string[]): Happened =>
  setLabels(world, name, target, [...new Set([...ownLabels(target), ...labels])])

/** The last two fire nothing. Null: the prompt has not what it takes. */
const edits = {
  create: ({ world, name, actor }) => create(world, name, { ...actor, labels: [] }),
  'create with labels': ({ world, name, actor }) =>
    create(world, name, { ...actor, labels: someLabels(world) }),
  'create with tags': ({ world, name, actor, target }) =>
    create(world, name, { ...actor, labels: [], tags: otherTags(world, target?.tags) }),
  'create by API': ({ world, name, config }) =>
    create(world, name, { ...api, labels: someLabels(world), config }),
  'move label': (scene) => gainOne(scene, true),
  'add label': (scene) => gainOne(scene, false),
  'remove label': ({ world, name, target }) => {
    if (!target || ownLabels(target).length === 0) return null
    const gone = pick(world, ownLabels(target))
    return setLabels(
      world,
      name,
      target,
      ownLabels(target).filter((label) => label !== gone),
    )
  },
  'set labels': ({ world, name, target }) =>
    target ? setLabels(world, name, target, someLabels(world)) : null,
  'label by API': ({ world, name, target }) =>
    target ? addLabels(world, name, target, someLabels(world)) : null,
  'label nothing by API': ({ world, name, target }) =>
    target ? setLabels(world, name, target, ownLabels(target)) : null,
  'latest goes back': ({ world, name, target }) => {
    const isOlder = versionsOf(world, name).some(
      ({ version, labels }) => target && version > target.version && labels.includes('latest'),
    )
    return target && isOlder ? bringLatestBack(world, name, target) : null
  },
  tags: ({ world, name, target }) => (target ? setTags(world, name, otherTags(world, target.tags)) : null),
  'delete version': ({ world, name, target }) => (target ? remove(world, name, [target]) : null),
  'delete prompt': ({ world, name, target }) =>
    target ? remove(world, name, versionsOf(world, name)) : null,
  duplicate: ({ world, name, actor, target }) =>
    target ? duplicate(world, name, `${name}-copy-${world.prompts.size}`, actor.createdBy) : null,
  'delete version by API': ({ world, name, target }) => (target ? remove(world, name, [target]) : null),
  'delete prompt by API': ({ world, name, target }) =>
    target ? remove(world, name, versionsOf(world, name)) : null,
} as const satisfies Record<string, (scene: Scene) => Happened | null>

export type EditKind = keyof typeof edits
export const editKinds = Object.keys(edits) as EditKind[]

/** New versions more often than the rest, so that there is something to edit. */
const editDeck: EditKind[] = [...editKinds, 'create', 'create with labels', 'create', 'move label']

const silent: EditKind[] = ['delete version by API', 'delete prompt by API']

/** What two people may do to one prompt at a time. */
const crossingDeck: EditKind[] = [
  'create',
  'create with labels',
  'create with tags',
  'move label',
  'move label',
  'move label',
  'add label',
  'remove label',
  'set labels',
  'tags',
  'tags',
  'delete version',
]

interface Applied extends Deed {
  kind: EditKind
  events: PromptWebhook[]
  state: ModelVersion[]
}

/**
 * Langfuse as far as prompts go: applies edits to some prompts, and emits the events that its source fires for
 * each (v4.16.0, `web/src/features/prompts/server`). The same random source gives the same edits.
 */
export function createModel(random: Random, options: ModelOptions = {}): Model {
  const { projectId = 'cmfq1x7h3000108l4b2k9d6tz', pods = [0], names = usualNames, without = [] } = options
  const clock = options.clock ?? { at: Date.UTC(2026, 7, 21, 9) }
  const world: World = { random, clock, podAhead: pods[0] ?? 0, prompts: new Map() }
  const listen = createListener()
  const deck = editDeck.filter((kind) => !without.includes(kind))
  /** Prompts of which some events never fire. */
  const halfHeard = new Set<string>()
  const draws = (share = 0): boolean => share > 0 && random() < share

  function apply(scene: Scene, kind: EditKind, edit: (scene: Scene) => Happened | null): Applied {
    if (pods.length > 1) world.podAhead = pick(world, pods)
    const done = edit(scene)
    const happened = structuredClone(done ?? edits.create(scene))
    const { actor } = scene
    return {
      kind: done ? kind : 'create',
      happened,
      state: structuredClone(versionsOf(world, happened.name)),
      actor: actor.user ? (actor.user.name ?? actor.user.email) : 'API',
      events: silent.includes(kind) && done ? [] : bodiesOf({ world, projectId }, happened, actor),
    }
  }

  /** Of the prompt of this name, or a copy of it. */
  function applyRandom(name: string, kind: EditKind, actor: Actor): Applied {
    const target = pick(world, versionsOf(world, name)) as ModelVersion | undefined
    const config = draws(options.oddConfigs) ? pick(world, oddConfigs) : undefined
    return apply({ world, name, target, actor, config }, kind, edits[kind])
  }

  function stepOf(deeds: readonly Applied[], edit: Step['edit']): Step {
    const events = deeds.flatMap((deed) => deed.events)
    const isMuted = [...spokenOf(deeds), ...deeds.flatMap(({ state }) => state)].some(neverFires)
    const name = deeds.at(-1)?.happened.name ?? edit.name
    if (isMuted) halfHeard.add(name)
    const expected = events.length === 0 || halfHeard.has(name) ? null : listen(deeds)
    return { edit, events, states: deeds.map(({ state }) => state), expected }
  }

  const stepOfOne = (deed: Applied): Step => stepOf([deed], { kind: deed.kind, name: deed.happened.name })
  const byApi = (name: string, target: ModelVersion, kind: EditKind, edit: (scene: Scene) => Happened) =>
    stepOfOne(apply({ world, name, target, actor: api }, kind, edit))

  const anyName = (): string => pick(world, [...names, ...world.prompts.keys()])
  const pass = (): void => {
    const isLong = random() < 0.15
    clock.at += 1000 + Math.floor(random() * (isLong ? 10_000_000 : 60_000))
  }

  return {
    projectId,
    clock,
    pods,
    prompts: world.prompts,
    edit: (kind = pick(world, deck), { name = anyName(), after } = {}) => {
      if (after === undefined) pass()
      else clock.at += after
      return stepOfOne(applyRandom(name, kind, kind.endsWith('by API') ? api : pick(world, people)))
    },
    crossing: () => {
      pass()
      const name = anyName()
      const [one = api, other = api] = pick(world, [people, people.toReversed(), [api, people[0] ?? api]])
      const deeds = [one, other].map((actor) => {
        clock.at += Math.floor(random() * 700)
        return applyRandom(name, pick(world, crossingDeck), actor)
      })
      return stepOf(deeds, { kind: deeds[0]?.kind ?? 'create', name })
    },
    labelByApi: (name, version, labels) =>
      byApi(name, version, 'label by API', () => addLabels(world, name, version, labels)),
    deleteByApi: (name, versions) => {
      const [first] = versions
      if (!first) throw new Error('No version to delete')
      const isAll = versions.length === versionsOf(world, name).length
      const kind = isAll ? 'delete prompt by API' : 'delete version by API'
      return byApi(name, first, kind, () => remove(world, name, [...versions]))
    },
  }
}

/** Langfuse's worker sends no webhook of a version whose config is not an object: its own schema refuses the body. */
const neverFires = ({ config }: ModelVersion): boolean =>
  typeof config !== 'object' || config === null || Array.isArray(config)

interface Source {
  world: World
  projectId: string
}

function bodiesOf(source: Source, happened: Happened, actor: Actor): PromptWebhook[] {
  const all = (action: PromptAction, versions: ModelVersion[]): PromptWebhook[] =>
    versions
      .filter((version) => !neverFires(version))
      .map((version) => bodyOf(source, { action, name: happened.name, version }, actor))
  return [
    ...all('created', happened.created),
    ...all('updated', happened.updated),
    ...all('deleted', happened.deleted),
  ]
}

interface Telling {
  action: PromptAction
  name: string
  version: ModelVersion
}

/** The row of a version, as webhooks and the API have it. */
export const rowOf = ({ projectId }: Pick<Model, 'projectId'>, name: string, version: ModelVersion) => {
  const { text, createdAt, updatedAt, ...rest } = structuredClone(version)
  return {
    ...rest,
    name,
    projectId,
    prompt: text,
    type: 'text',
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
  }
}

function bodyOf(source: Source, { action, name, version }: Telling, { user }: Actor): PromptWebhook {
  const { world } = source
  return {
    id: uuid(world),
    timestamp: new Date(world.clock.at + 200 + Math.floor(world.random() * 300)).toISOString(),
    type: 'prompt-version',
    apiVersion: 'v1',
    action,
    ...(user && { user }),
    prompt: rowOf(source, name, version),
  }
}
