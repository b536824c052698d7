import { type Fact, type FactKind, factKinds } from '#lib/change.ts'
import type { Happened } from './edits.ts'

export interface Expected {
  kind: FactKind
  /** In no particular order. */
  facts: Fact[]
  version: number
  actor: string | null
}

/** What is known of one prompt by whoever heard every event; silent deletions are not among them. */
interface Heard {
  live: Set<number>
  /** Every number that was ever heard of. */
  numbers: Set<number>
  /** Holder by label, without `latest`. */
  holders: Map<string, number>
  tags: string[]
}

/** Says of each edit what can be said of it by one who heard all events so far. */
export function createListener(): (happened: Happened, actor: string | null) => Expected {
  const prompts = new Map<string, Heard>()
  return (happened, actor) => {
    const heard = prompts.get(happened.name) ?? {
      live: new Set(),
      numbers: new Set(),
      holders: new Map(),
      tags: [],
    }
    prompts.set(happened.name, heard)
    forgetSilentlyDeleted(heard, happened)
    const facts = [
      ...tagFacts(heard, happened),
      ...labelFacts(heard, happened),
      ...createdFacts(heard, happened),
      ...deletedFacts(heard, happened),
    ]
    const kind = factKinds.find((one) => facts.some((fact) => fact.kind === one)) ?? 'unchanged'
    return {
      kind,
      facts: facts.length > 0 ? facts : ([{ kind }] as Fact[]),
      version: happened.version,
      actor,
    }
  }
}

/** A new version gets the number after the highest live one, so nothing from there on is left. */
function forgetSilentlyDeleted({ live, holders }: Heard, { created }: Happened): void {
  const first = Math.min(...created.map(({ version }) => version))
  for (const version of [...live].filter((one) => one >= first)) live.delete(version)
  for (const [label, version] of [...holders]) if (version >= first) holders.delete(label)
}

function tagFacts(heard: Heard, { created, updated }: Happened): Fact[] {
  const tags = (created[0] ?? updated[0])?.tags ?? heard.tags
  const added = tags.filter((tag) => !heard.tags.includes(tag))
  const removed = heard.tags.filter((tag) => !tags.includes(tag))
  heard.tags = tags
  const isNews = heard.live.size > 0 && added.length + removed.length > 0
  return isNews ? [{ kind: 'tags-changed', added, removed }] : []
}

function labelFacts({ holders }: Heard, { gained, lost }: Happened): Fact[] {
  const losses = lost.map(({ label, from }): Fact => {
    holders.delete(label)
    return { kind: 'label-removed', label, from }
  })
  const gains = gained.map(({ label, to }): Fact => {
    const from = holders.get(label)
    holders.set(label, to)
    if (from === undefined) return { kind: 'label-added', label, to }
    return { kind: to > from ? 'promoted' : 'rolled-back', label, from, to }
  })
  return [...losses, ...gains]
}

function createdFacts({ live, numbers }: Heard, { created }: Happened): Fact[] {
  for (const { version } of created) {
    live.add(version)
    numbers.add(version)
  }
  return created.map(({ version, labels }) => ({ kind: 'version-created', version, labels: [...labels] }))
}

function deletedFacts({ live, numbers, holders }: Heard, { deleted }: Happened): Fact[] {
  if (deleted.length === 0) return []
  const versions = deleted.map(({ version }) => version)
  for (const version of versions) live.delete(version)
  for (const [label, version] of [...holders]) if (versions.includes(version)) holders.delete(label)
  const labels = [...new Set(deleted.flatMap((one) => one.labels))]
  // A copied prompt may start with a gap, which to a listener could be versions from before its time.
  const hasGaps = numbers.size < Math.max(...numbers)
  return [{ kind: 'deleted', versions, labels, whole: live.size === 0 && !hasGaps }]
}
