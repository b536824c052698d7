/** From 0 to below 1. */
export type Random = () => number

export interface ModelVersion {
  id: string
  version: number
  labels: string[]
  tags: string[]
  text: string
  /** Usually an object. The API takes any JSON. */
  config: unknown
  commitMessage: string | null
  createdBy: string
  createdAt: number
  updatedAt: number
}

export interface Clock {
  /** Epoch milliseconds. */
  at: number
}

/** Langfuse's table of prompts: live versions by name, ascending. */
export interface World {
  random: Random
  /** The clock of the database, which sets `createdAt`. */
  clock: Clock
  /** How far the clock of the writing pod, which sets `updatedAt`, is ahead of the database's; milliseconds. */
  podAhead: number
  prompts: Map<string, ModelVersion[]>
}

/** What an edit did. It fires events, unless it is a silent deletion. */
export interface Happened {
  name: string
  /** What the edit is mostly about. */
  version: number
  created: ModelVersion[]
  updated: ModelVersion[]
  deleted: ModelVersion[]
  /** Without `latest`. */
  gained: { label: string; to: number }[]
  lost: { label: string; from: number }[]
  /** `latest` moved to an older version. */
  latestBack?: { from: number; to: number }
}

const nothing = { created: [], updated: [], deleted: [], gained: [], lost: [] }

export const pick = <T>({ random }: { random: Random }, items: readonly T[]): T =>
  items[Math.floor(random() * items.length)] as T

export const uuid = ({ random }: { random: Random }): string =>
  'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () => Math.floor(random() * 16).toString(16))

export const versionsOf = ({ prompts }: World, name: string): ModelVersion[] => prompts.get(name) ?? []

/** Rows of one transaction are milliseconds apart. Gives the time by the pod's clock. */
function tick(world: World): number {
  world.clock.at += 1 + Math.floor(world.random() * 5)
  return world.clock.at + world.podAhead
}

/** Puts labels on one version and takes them from the others; returns those that lost one. */
function give(world: World, name: string, target: ModelVersion, labels: readonly string[]): ModelVersion[] {
  target.labels = [...new Set([...target.labels, ...labels])]
  const losers = versionsOf(world, name).filter(
    (one) => one !== target && one.labels.some((label) => labels.includes(label)),
  )
  for (const loser of losers) {
    loser.labels = loser.labels.filter((label) => !labels.includes(label))
    loser.updatedAt = tick(world)
  }
  return losers
}

/** The label form of an older version was opened while that had `latest`, and is saved now with the labels of then. */
export function bringLatestBack(world: World, name: string, target: ModelVersion): Happened {
  const from = versionsOf(world, name).find(({ labels }) => labels.includes('latest'))
  target.updatedAt = tick(world)
  const updated = [target, ...give(world, name, target, ['latest'])]
  const { version } = target
  return { ...nothing, name, version, updated, latestBack: { from: from?.version ?? 0, to: version } }
}

/** Tags are shared by all versions of a name. */
function retag(world: World, versions: ModelVersion[], tags: string[]): ModelVersion[] {
  for (const one of versions) {
    one.tags = tags
    one.updatedAt = tick(world)
  }
  return versions
}

export interface NewVersion {
  createdBy: string
  labels: string[]
  /** Absent: the prompt's current ones. */
  tags?: string[]
  /** Absent: an object. */
  config?: unknown
}

const usualConfig = { model: 'gpt-5.4', temperature: 0.2 }

export function create(
  world: World,
  name: string,
  { createdBy, labels, tags, config = usualConfig }: NewVersion,
): Happened {
  const older = versionsOf(world, name)
  const updatedAt = tick(world)
  const created: ModelVersion = {
    id: uuid(world),
    version: (older.at(-1)?.version ?? 0) + 1,
    labels: [],
    tags: tags ?? older[0]?.tags ?? [],
    text: `Answer {{question}} in ${Math.floor(world.random() * 9)} sentences`,
    config,
    commitMessage: world.random() < 0.5 ? 'Shorter answers' : null,
    createdBy,
    createdAt: world.clock.at,
    updatedAt,
  }
  world.prompts.set(name, [...older, created])
  const losers = give(world, name, created, ['latest', ...labels])
  const isRetagged = older[0] !== undefined && older[0].tags.join() !== created.tags.join()
  const updated = isRetagged ? retag(world, older, created.tags) : losers
  const { version } = created
  const gained = labels.map((label) => ({ label, to: version }))
  return { ...nothing, name, version, created: [created], updated, gained }
}

/** `setLabels` of the page: the version then has exactly these, and `latest` if it had that. */
export function setLabels(world: World, name: string, target: ModelVersion, labels: string[]): Happened {
  const { version, labels: had } = target
  target.labels = had.filter((label) => label === 'latest')
  target.updatedAt = tick(world)
  const losers = give(world, name, target, labels)
  const gained = labels.filter((label) => !had.includes(label)).map((label) => ({ label, to: version }))
  const lost = had
    .filter((label) => !target.labels.includes(label))
    .map((label) => ({ label, from: version }))
  return { ...nothing, name, version, updated: [target, ...losers], gained, lost }
}

export function setTags(world: World, name: string, tags: string[]): Happened {
  const updated = retag(world, versionsOf(world, name), tags)
  return { ...nothing, name, version: updated.at(-1)?.version ?? 0, updated }
}

/** The highest remaining version then gets `latest`, without an event. */
export function remove(world: World, name: string, deleted: ModelVersion[]): Happened {
  const rest = versionsOf(world, name).filter((one) => !deleted.includes(one))
  world.prompts.set(name, rest)
  const heir = rest.at(-1)
  if (heir && !rest.some((one) => one.labels.includes('latest'))) {
    heir.labels = [...heir.labels, 'latest']
    heir.updatedAt = tick(world)
  }
  return { ...nothing, name, version: deleted.at(-1)?.version ?? 0, deleted }
}

/** All versions under another name, with their numbers and labels; each row at a different time, in any order. */
export function duplicate(world: World, name: string, copy: string, createdBy: string): Happened {
  const sources = versionsOf(world, name)
  const times = sources.map(() => tick(world)).toSorted(() => world.random() - 0.5)
  const created = sources.map((source, i) => ({
    ...structuredClone(source),
    id: uuid(world),
    createdBy,
    createdAt: times[i] ?? world.clock.at,
    updatedAt: times[i] ?? world.clock.at,
  }))
  world.prompts.set(copy, created)
  const gained = created.flatMap(({ version, labels }) =>
    labels.filter((label) => label !== 'latest').map((label) => ({ label, to: version })),
  )
  return { ...nothing, name: copy, version: created.at(-1)?.version ?? 0, created, gained }
}
