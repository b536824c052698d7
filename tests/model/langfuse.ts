import type { z } from 'zod'
import type { PromptAction, promptBody } from '#lib/core/change/event.ts'
import {
  bringLatestBack,
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
import { createListener, type Deed, type Expected } from './listener.ts'

/** A whole webhook body. */
export type PromptWebhook = z.output<typeof promptBody>

export interface Step {
  edit: { kind: EditKind; name: string }
  /** In the order of Langfuse's writes; they may arrive in any other. Empty for what fires nothing. */
  events: PromptWebhook[]
  /** The prompt's versions after each of its edits. */
  states: readonly (readonly ModelVersion[])[]
  /** What can be said of it by one who heard every event so far; null when nothing fires. */
  expected: Expected | null
}

export interface Model {
  /** Live versions by prompt name. */
  prompts: ReadonlyMap<string, readonly ModelVersion[]>
  /** A random edit (of this kind, where the prompts have what it takes; a new version otherwise). */
  edit: (kind?: EditKind) => Step
  /** Two edits of one prompt by two people, milliseconds apart: one step. */
  crossing: () => Step
}

interface Actor {
  /** As Langfuse sends it: left out for its API. */
  user?: { name: string | null; email: string | null }
  createdBy: string
}

const projectId = 'cmfq1x7h3000108l4b2k9d6tz'
const names = ['support/refund-reply', 'router/intent-classifier', 'experiments/tone ✨ "test"']
const labelNames = ['production', 'staging', 'canary-eu.1']
const tagSets = [[], ['support'], ['support', 'refunds'], ['ci', 'eu']]
const api: Actor = { createdBy: 'API' }
const people: Actor[] = [
  { user: { name: 'Maya Okonkwo', email: 'maya@acme.example' }, createdBy: 'cmc2v9k0p000307l5e1yq8abc' },
  { user: { name: null, email: 'jo@acme.example' }, createdBy: 'cmc2v9k0p000307l5e1yq8jo0' },
]

interface Scene {
  world: World
  name: string
  actor: Actor
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

/** The last two fire nothing. Null: the prompt has not what it takes. */
const edits = {
  create: ({ world, name, actor }) => create(world, name, { ...actor, labels: [] }),
  'create with labels': ({ world, name, actor }) =>
    create(world, name, { ...actor, labels: someLabels(world) }),
  'create with tags': ({ world, name, actor, target }) =>
    create(world, name, { ...actor, labels: [], tags: otherTags(world, target?.tags) }),
  'create by API': ({ world, name }) => create(world, name, { ...api, labels: someLabels(world) }),
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
    target
      ? setLabels(world, name, target, [...new Set([...ownLabels(target), ...someLabels(world)])])
      : null,
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

/**
 * Langfuse as far as prompts go: applies edits to some prompts, and emits the events that its source fires for
 * each (v4.16.0, `web/src/features/prompts/server`). The same random source gives the same edits.
 */
export function createModel(
  random: Random,
  { start = Date.UTC(2026, 7, 21, 9), without = [] }: { start?: number; without?: EditKind[] } = {},
): Model {
  const world: World = { random, clock: start, prompts: new Map() }
  const listen = createListener()
  const deck = editDeck.filter((kind) => !without.includes(kind))

  interface Applied extends Deed {
    kind: EditKind
    events: PromptWebhook[]
    state: ModelVersion[]
  }

  /** Of the prompt of this name, or a copy of it. */
  function apply(name: string, wanted: EditKind, actor: Actor): Applied {
    const target = pick(world, versionsOf(world, name)) as ModelVersion | undefined
    const scene = { world, name, target, actor }
    const done = edits[wanted](scene)
    const happened = structuredClone(done ?? edits.create(scene))
    const { user } = actor
    return {
      kind: done ? wanted : 'create',
      happened,
      state: structuredClone(versionsOf(world, happened.name)),
      actor: user ? (user.name ?? user.email) : 'API',
      events: silent.includes(wanted) && done ? [] : bodiesOf(world, happened, actor),
    }
  }

  const anyName = (): string => pick(world, [...names, ...world.prompts.keys()])
  const pass = (): void => {
    const isLong = random() < 0.15
    world.clock += 1000 + Math.floor(random() * (isLong ? 10_000_000 : 60_000))
  }

  return {
    prompts: world.prompts,
    edit: (wanted = pick(world, deck)) => {
      pass()
      const deed = apply(anyName(), wanted, wanted.endsWith('by API') ? api : pick(world, people))
      const edit = { kind: deed.kind, name: deed.happened.name }
      return {
        edit,
        events: deed.events,
        states: [deed.state],
        expected: deed.events.length === 0 ? null : listen([deed]),
      }
    },
    crossing: () => {
      pass()
      const name = anyName()
      const [one = api, other = api] = pick(world, [people, people.toReversed(), [api, people[0] ?? api]])
      const deeds = [one, other].map((actor) => {
        world.clock += Math.floor(random() * 700)
        return apply(name, pick(world, crossingDeck), actor)
      })
      const events = deeds.flatMap((deed) => deed.events)
      const states = deeds.map(({ state }) => state)
      return { edit: { kind: deeds[0]?.kind ?? 'create', name }, events, states, expected: listen(deeds) }
    },
  }
}

function bodiesOf(world: World, happened: Happened, actor: Actor): PromptWebhook[] {
  const all = (action: PromptAction, versions: ModelVersion[]): PromptWebhook[] =>
    versions.map((version) => bodyOf(world, { action, name: happened.name, version }, actor))
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

function bodyOf(world: World, { action, name, version }: Telling, { user }: Actor): PromptWebhook {
  const { text, createdAt, updatedAt, ...rest } = structuredClone(version)
  return {
    id: uuid(world),
    timestamp: new Date(world.clock + 200 + Math.floor(world.random() * 300)).toISOString(),
    type: 'prompt-version',
    apiVersion: 'v1',
    action,
    ...(user && { user }),
    prompt: {
      ...rest,
      name,
      projectId,
      prompt: text,
      type: 'text',
      config: { model: 'gpt-5.4', temperature: 0.2 },
      createdAt: new Date(createdAt).toISOString(),
      updatedAt: new Date(updatedAt).toISOString(),
    },
  }
}
