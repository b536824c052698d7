import { describe, expect, it, vi } from 'vitest'
import type { StoredPromptEvent, VersionState } from '#lib/core/change/change.ts'
import { awaitsCounterpart } from '#lib/core/prompt/counterpart.ts'
import { foldPrompt } from '#lib/core/prompt/fold.ts'
import type { ModelVersion, Random } from '../../../model/edits.ts'
import { lose, shuffle } from '../../../model/network.ts'
import { arrivals, fold, forEachEdit, stored } from '../../../model/play.ts'

vi.setConfig({ testTimeout: 300_000 })

const readAt = Date.UTC(2030, 0)
const live = (states: readonly VersionState[]): VersionState[] => states.filter(({ deleted }) => !deleted)

let count = 0
const eventOf = (
  name: string,
  event: Pick<StoredPromptEvent, 'action' | 'version'> & Partial<StoredPromptEvent>,
) => ({
  type: 'prompt-version' as const,
  projectId: 'project',
  name,
  user: null,
  eventId: `reconciled-${String(++count).padStart(6, '0')}`,
  occurredAt: readAt,
  reconciled: { readAt, knownAt: readAt - 300_000 },
  ...event,
})

const isKnown = (known: VersionState | undefined, one: ModelVersion): boolean =>
  known?.promptId === one.id &&
  known.updatedAt === one.updatedAt &&
  known.labels.toSorted().join() === one.labels.toSorted().join() &&
  known.tags.join() === one.tags.join()

/** What a comparison stores: each version that is not as it was known. */
function found(
  name: string,
  before: readonly VersionState[],
  truth: readonly ModelVersion[],
): StoredPromptEvent[] {
  const known = new Map(live(before).map((state) => [state.version, state]))
  const there = new Set(truth.map(({ version }) => version))
  return [
    ...truth
      .filter((one) => !isKnown(known.get(one.version), one))
      .map(({ id, text: _, config: __, ...rest }) =>
        eventOf(name, {
          action: known.get(rest.version)?.promptId === id ? 'updated' : 'created',
          ...rest,
          promptId: id,
          promptType: 'text',
        }),
      ),
    // Also what was only inferred to be gone.
    ...before
      .filter(({ version, deleted, presumed }) => !there.has(version) && (!deleted || presumed))
      .map(({ version, promptId, labels, tags, updatedAt }) =>
        eventOf(name, {
          action: 'deleted',
          version,
          labels,
          tags,
          ...(promptId !== null && { promptId }),
          ...(updatedAt !== null && { updatedAt }),
        }),
      ),
  ]
}

const comparable = ({ version, promptId, labels, tags, updatedAt }: VersionState) => ({
  version,
  promptId,
  labels: labels.toSorted(),
  tags,
  updatedAt,
})
const truthOf = (truth: readonly ModelVersion[]) =>
  truth.map(({ id, ...one }) => comparable({ ...one, promptId: id, promptType: 'text', deleted: false }))

/** Something that is not true: other labels and tags, gaps, versions that do not exist, times far ahead. */
function distort(states: readonly VersionState[], random: Random): VersionState[] {
  const some = states.filter(() => random() < 0.8)
  const labels = ['latest', 'production', 'staging']
  const wrong = some.map((state): VersionState => {
    if (random() < 0.5) return state
    const at = state.updatedAt ?? 0
    return {
      ...state,
      labels: labels.filter(() => random() < 0.3),
      tags: random() < 0.5 ? state.tags : ['wrong'],
      updatedAt: random() < 0.5 ? at + 86_400_000 : at,
      promptId: random() < 0.2 ? null : random() < 0.2 ? 'other' : state.promptId,
      deleted: random() < 0.3,
      ...(random() < 0.1 && { strayed: ['production'] }),
    }
  })
  const highest = Math.max(0, ...some.map(({ version }) => version))
  const [first] = some
  const more = first && random() < 0.3 ? [{ ...first, version: highest + 1, promptId: 'no-such-row' }] : []
  return [...wrong, ...more]
}

describe('what a comparison with Langfuse found', () => {
  it('makes any wrong state exactly the truth', () => {
    let wrong = 0
    forEachEdit(({ known, random }) => ({ edit, events, truth }) => {
      const arrived = lose(arrivals(events, random), random, 0.5)
      if (arrived.length > 0) fold(known, edit.name, arrived)
      const before = distort(known.get(edit.name) ?? [], random)
      const news = found(edit.name, before, truth)
      if (news.length === 0) return
      wrong++
      const { after, stale } = foldPrompt(before, shuffle(news, random))
      expect({ ...edit, after: live(after).map(comparable) }).toEqual({ ...edit, after: truthOf(truth) })
      expect(stale).toEqual([])
      known.set(edit.name, after)
      expect(found(edit.name, after, truth)).toEqual([])
    })
    expect(wrong).toBeGreaterThan(200)
  })

  it('is reported once: its events arriving late add nothing, in any order, alone or together', () => {
    const seen = { late: 0, together: 0 }
    forEachEdit(({ known, random }) => {
      const missing = new Map<string, StoredPromptEvent[]>()
      return ({ edit, events, truth }) => {
        const arrived = events.map(stored)
        const kept = lose(arrived, random, 0.5)
        const lost = [...(missing.get(edit.name) ?? []), ...arrived.filter((event) => !kept.includes(event))]
        missing.set(edit.name, lost)
        if (kept.length > 0) fold(known, edit.name, kept)
        if (random() < 0.6) return
        const news = found(edit.name, known.get(edit.name) ?? [], truth)
        if (news.length > 0) fold(known, edit.name, news)
        missing.set(edit.name, [])
        // A version that came and went between two comparisons was never known, so its events are news.
        const isKnown = ({ version, promptId }: StoredPromptEvent): boolean =>
          (known.get(edit.name) ?? []).some(
            (state) => state.version === version && state.promptId === promptId,
          )
        const late = shuffle(lost.filter(isKnown), random)
        if (late.length === 0) return
        const state = known.get(edit.name) ?? []
        for (const some of [late, ...late.map((event) => [event])]) {
          seen[some.length > 1 ? 'together' : 'late']++
          const { facts, after } = foldPrompt(state, some)
          expect({ ...edit, facts }).toEqual({ ...edit, facts: [{ kind: 'unchanged' }] })
          expect(live(after).map(comparable)).toEqual(live(state).map(comparable))
        }
      }
    })
    expect(seen.late).toBeGreaterThan(100)
    expect(seen.together).toBeGreaterThan(20)
  })

  it('has no author, except that the API creates versions, and invents no moves there and back', () => {
    let facts = 0
    forEachEdit(({ known, random }) => ({ edit, truth, before }) => {
      if (random() < 0.5) return
      const news = found(edit.name, before, truth)
      if (news.length === 0) return
      const folded = fold(known, edit.name, shuffle(news, random))
      const creators = new Map(truth.map(({ version, createdBy }) => [version, createdBy]))
      for (const fact of folded.facts) {
        facts++
        const by = 'by' in fact && fact.by !== undefined ? fact.by : folded.actor
        expect(by === null || by === 'API').toBe(true)
        if (fact.kind === 'version-created')
          expect(by).toBe(creators.get(fact.version) === 'API' ? 'API' : null)
        if (fact.kind === 'deleted' || fact.kind === 'label-removed') expect(by).toBeNull()
        expect(fact).not.toHaveProperty('revealed')
      }
      expect(folded.steps).toEqual([])
    })
    expect(facts).toBeGreaterThan(200)
  })

  it('reports what a webhook of the same edit would, except for its author', () => {
    let same = 0
    forEachEdit(({ known, random }) => ({ edit, events, expected, before, truth }) => {
      const byWebhooks = events.length > 0 ? fold(known, edit.name, arrivals(events, random)) : null
      const rest = found(edit.name, known.get(edit.name) ?? [], truth)
      if (rest.length > 0) fold(known, edit.name, rest)
      if (!byWebhooks || !expected || rest.length > 0) return
      const news = found(edit.name, before, truth)
      if (news.length === 0) return
      same++
      const byComparison = foldPrompt(before, news)
      const kinds = ({ facts }: typeof byWebhooks) => facts.map(({ kind }) => kind).toSorted()
      expect({ ...edit, kinds: [...new Set(kinds(byComparison))] }).toEqual({
        ...edit,
        kinds: [...new Set(kinds(byWebhooks))],
      })
      expect(byComparison.version).toBe(byWebhooks.version)
    })
    expect(same).toBeGreaterThan(400)
  })

  it('is not waited for', () => {
    let count = 0
    forEachEdit(() => ({ edit, before, truth, events }) => {
      const news = found(edit.name, before, truth)
      if (news.length === 0 || events.length === 0) return
      count++
      expect(awaitsCounterpart(before, news.slice(0, 1))).toBe(false)
    })
    expect(count).toBeGreaterThan(400)
  })
})

describe('a state that was read from listings', () => {
  /** As a listing shows it: without ids, and with the newest time of all versions. */
  const listed = (truth: readonly ModelVersion[]): VersionState[] => {
    const updatedAt = Math.max(...truth.map((one) => one.updatedAt))
    return truth.map(({ version, labels, tags }) => ({
      ...{ version, promptId: null, labels, tags, promptType: 'text', commitMessage: null, createdBy: null },
      ...{ updatedAt, deleted: false, readAt },
    }))
  }
  const stateOf = ({ id, version, labels, tags, createdBy, updatedAt }: ModelVersion): VersionState => ({
    ...{ version, promptId: id, labels, tags, promptType: 'text', commitMessage: null, createdBy, updatedAt },
    deleted: false,
  })

  it('gives later edits the facts that a state from webhooks would', () => {
    let count = 0
    forEachEdit(({ random }) => ({ edit, events, truthBefore }) => {
      if (events.length === 0 || truthBefore.length === 0) return
      count++
      const arrived = arrivals(events, random)
      const { facts, actor } = foldPrompt(listed(truthBefore), arrived)
      const full = foldPrompt(truthBefore.map(stateOf), arrived)
      expect({ ...edit, facts, actor }).toEqual({ ...edit, facts: full.facts, actor: full.actor })
    })
    expect(count).toBeGreaterThan(400)
  })

  it('is not changed by webhooks of the edits before it, in any order', () => {
    let count = 0
    forEachEdit(({ random }) => {
      const past = new Map<string, StoredPromptEvent[]>()
      return ({ edit, events, truth }) => {
        const all = [...(past.get(edit.name) ?? []), ...events.map(stored)]
        past.set(edit.name, all)
        const ids = new Set(truth.map(({ id }) => id))
        const late = shuffle(
          all.filter(({ promptId }) => ids.has(promptId ?? '')),
          random,
        )
        if (late.length === 0) return
        count++
        const state = listed(truth)
        for (const some of [late, ...late.map((event) => [event])]) {
          const { facts, after } = foldPrompt(state, some)
          expect({ ...edit, facts }).toEqual({ ...edit, facts: [{ kind: 'unchanged' }] })
          expect(after.map(({ labels, tags }) => [labels.toSorted(), tags])).toEqual(
            truth.map(({ labels, tags }) => [labels.toSorted(), tags]),
          )
        }
      }
    })
    expect(count).toBeGreaterThan(400)
  })

  it('lets a version that was found deleted be created again under its number', () => {
    let again = 0
    forEachEdit(({ random }) => ({ edit, events, truthBefore, truth }) => {
      const gone = listed(truthBefore).map((state) => ({ ...state, deleted: true }))
      const recreated = truth.filter(({ id }) => !truthBefore.some((one) => one.id === id))
      if (events.length === 0 || recreated.length === 0 || edit.kind === 'duplicate') return
      const replaced = recreated.map((one) => ({
        ...(gone[0] ?? {}),
        version: one.version,
      })) as VersionState[]
      if (gone.length === 0) return
      again++
      const { after } = foldPrompt(replaced, arrivals(events, random))
      for (const { version, id } of recreated)
        expect(after.find((one) => one.version === version)).toMatchObject({ promptId: id, deleted: false })
    })
    expect(again).toBeGreaterThan(100)
  })
})
