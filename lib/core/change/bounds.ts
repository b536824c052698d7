import { type ChangeDetail, type Fact, labelsOf, type Omitted, type ReconciledState } from './change.ts'

/** No one reads more facts and names than these; a version may come with 200,000 labels. */
export const maxFacts = 200
export const maxNames = 200
/** Characters of an alert's text or a commit message; the event keeps the whole. */
const maxText = 20_000
const maxUrl = 4000

/** The names in `keep` and then the first others, `maxNames` in all, in their order. */
function bounded(names: readonly string[], keep: ReadonlySet<string>): string[] {
  if (names.length <= maxNames) return [...names]
  const kept = new Set(names.filter((name) => keep.has(name)).slice(0, maxNames))
  for (const name of names) {
    if (kept.size >= maxNames) break
    kept.add(name)
  }
  return names.filter((name) => kept.has(name)).slice(0, maxNames)
}

const textWithin = (text: string): string =>
  text.length <= maxText ? text : `${text.slice(0, maxText).toWellFormed()}…`

const withOmitted = (omitted: number): { omitted?: number } => (omitted > 0 ? { omitted } : {})

/** A fact whose lists are short enough to be stored and shown. */
export function boundedFact(fact: Fact, keep: ReadonlySet<string>): Fact {
  if ('labels' in fact) {
    const labels = bounded(fact.labels, keep)
    return { ...fact, labels, ...withOmitted(fact.labels.length - labels.length + (fact.omitted ?? 0)) }
  }
  if (fact.kind !== 'tags-changed') return fact
  const [added, removed] = [bounded(fact.added, keep), bounded(fact.removed, keep)]
  const left = fact.added.length + fact.removed.length - added.length - removed.length
  return { ...fact, added, removed, ...withOmitted(left + (fact.omitted ?? 0)) }
}

/** The first fact of each kind, those of labels in `keep`, and then the first others, `maxFacts` in all, in their order. */
function boundedFacts(facts: readonly Fact[], keep: ReadonlySet<string>): Fact[] {
  if (facts.length <= maxFacts) return [...facts]
  const kinds = new Set<Fact['kind']>()
  const isKept = (fact: Fact): boolean => {
    const isFirst = !kinds.has(fact.kind)
    kinds.add(fact.kind)
    return isFirst || labelsOf(fact).some((label) => keep.has(label))
  }
  const kept = new Set(facts.filter(isKept).slice(0, maxFacts))
  for (const fact of facts) {
    if (kept.size >= maxFacts) break
    kept.add(fact)
  }
  return facts.filter((fact) => kept.has(fact))
}

function boundedReconciled(
  reconciled: NonNullable<ChangeDetail['reconciled']>,
  keep: ReadonlySet<string>,
): ChangeDetail['reconciled'] {
  const boundedState = (state: ReconciledState | null): ReconciledState | null =>
    state && { labels: bounded(state.labels, keep), tags: bounded(state.tags, keep) }
  const versions = reconciled.versions?.map(({ version, before, after }) => ({
    version,
    before: boundedState(before),
    after: boundedState(after),
  }))
  return { ...reconciled, ...(versions && { versions }) }
}

/**
 * A detail small enough to be stored, indexed and shown, whatever its events say. `keep`: labels that rules name, which
 * stay however many there are. `omitted` counts what is left out.
 */
export function boundedDetail(detail: ChangeDetail, keep: ReadonlySet<string>): ChangeDetail {
  const { prompt } = detail
  const facts = boundedFacts(detail.facts, keep)
  const labels = bounded(prompt?.labels ?? [], keep)
  const before = bounded(prompt?.labelsBefore ?? [], keep)
  const tags = bounded(prompt?.tags ?? [], keep)
  const left: Omitted = {
    facts: detail.facts.length - facts.length,
    labels: (prompt?.labels.length ?? 0) - labels.length,
    labelsBefore: (prompt?.labelsBefore?.length ?? 0) - before.length,
    tags: (prompt?.tags.length ?? 0) - tags.length,
  }
  const omitted = Object.fromEntries(Object.entries(left).filter(([, count]) => count > 0)) as Omitted
  return {
    ...detail,
    facts: facts.map((fact) => boundedFact(fact, keep)),
    ...(detail.steps && { steps: boundedFacts(detail.steps, keep).map((fact) => boundedFact(fact, keep)) }),
    prompt: prompt && {
      ...prompt,
      labels,
      labelsBefore: prompt.labelsBefore && before,
      tags,
      commitMessage: prompt.commitMessage === null ? null : textWithin(prompt.commitMessage),
    },
    ...(detail.reconciled && { reconciled: boundedReconciled(detail.reconciled, keep) }),
    message: detail.message === null ? null : textWithin(detail.message),
    links: detail.links.filter(({ url }) => url.length <= maxUrl),
    environments: bounded(detail.environments, keep),
    ...(Object.keys(omitted).length > 0 ? { omitted } : {}),
  }
}
