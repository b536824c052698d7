import { type Change, type ChangeDetail, emptyDetail, type Fact, type StoredPromptEvent } from './change.ts'
import type { Db } from './db/client.ts'
import { contentOf, type PromptKey, saveVersions, type VersionContent, versionsOf } from './db/prompts.ts'
import { describe, describeAlert, describeNotification, describeUnrecognised } from './describe.ts'
import type { AlertEvent, NotificationEvent, PromptEvent, SourceEvent, UnrecognisedEvent } from './event.ts'
import { summarise } from './prompt-diff.ts'
import { awaitsCounterpart, type Fold, foldPrompt } from './prompt-state.ts'

/** What a change turned out to be. */
export type Told = Pick<Change, 'kind' | 'title' | 'danger' | 'actor' | 'version'> & { detail: ChangeDetail }

export interface ReceivedEvent {
  id: string
  /** Epoch milliseconds. */
  occurredAt: number
  said: SourceEvent
}

/**
 * Folds the events of one change into the prompt's state and says what changed. `waiting`: the known state
 * predicts more events of the same edit, and the quiet window has not ended (`mayWait`). Writes the new state.
 */
export async function tell(db: Db, events: ReceivedEvent[], mayWait: boolean): Promise<Told | 'waiting'> {
  const said = events.flatMap((event) =>
    event.said.type === 'prompt-version' ? [{ ...event, said: event.said }] : [],
  )
  const [first] = said
  if (first) {
    return tellPrompt(db, { projectId: first.said.projectId, name: first.said.name }, said, mayWait)
  }
  const [other] = events
  if (!other || other.said.type === 'prompt-version') throw new Error('A change without events')
  return tellOther(other.said)
}

async function tellPrompt(
  db: Db,
  key: PromptKey,
  events: (ReceivedEvent & { said: PromptEvent })[],
  mayWait: boolean,
): Promise<Told | 'waiting'> {
  const before = await versionsOf(db, key)
  const stored = events.map(({ id, occurredAt, said }): StoredPromptEvent => {
    const { text: _, config: __, ...rest } = said
    return { ...rest, eventId: id, occurredAt }
  })
  if (mayWait && awaitsCounterpart(before, stored)) return 'waiting'
  const fold = foldPrompt(before, stored)
  const touched = fold.after.filter(({ version }) => fold.touched.includes(version))
  const current = events.filter(({ id }) => !fold.stale.includes(id))
  await saveVersions(db, key, touched, contentsOf(current))
  const { kind, title, danger } = describe({ ...fold, subject: key.name })
  return {
    kind,
    title,
    danger,
    actor: fold.actor,
    version: fold.version,
    detail: {
      ...emptyDetail,
      facts: fold.facts,
      prompt: promptDetail(fold),
      difference: await differenceFor(db, key, fold),
      stale: fold.stale,
    },
  }
}

/** Texts by version, the newest telling winning. A `deleted` event's text is left out: its references are unresolved. */
function contentsOf(events: { said: PromptEvent }[]): Map<number, VersionContent> {
  const telling = events
    .filter(({ said }) => said.text !== undefined && said.action !== 'deleted')
    .toSorted((a, b) => (a.said.updatedAt ?? 0) - (b.said.updatedAt ?? 0))
  return new Map(telling.map(({ said }) => [said.version, { text: said.text, config: said.config ?? {} }]))
}

function promptDetail(fold: Fold): ChangeDetail['prompt'] {
  const state = fold.after.find(({ version }) => version === fold.version)
  if (!state) return null
  const { version, labels, tags, promptType, commitMessage, createdBy } = state
  const { labelsBefore, eventId } = fold
  return { version, labels, labelsBefore, tags, promptType, commitMessage, createdBy, eventId }
}

/** Which two versions a reader wants compared: a new one with the one before, a moved label's two holders. */
export function comparedVersions(facts: Fact[], known: number[]): { from: number; to: number } | null {
  const created = facts.find((fact) => fact.kind === 'version-created')
  if (created) {
    const from = Math.max(...known.filter((version) => version < created.version))
    return Number.isFinite(from) ? { from, to: created.version } : null
  }
  const moves = facts.filter((fact) => fact.kind === 'promoted' || fact.kind === 'rolled-back')
  const moved = moves.find(({ label }) => label === 'production') ?? moves[0]
  return moved ? { from: moved.from, to: moved.to } : null
}

async function differenceFor(db: Db, key: PromptKey, fold: Fold): Promise<ChangeDetail['difference']> {
  const pair = comparedVersions(
    fold.facts,
    fold.after.map(({ version }) => version),
  )
  if (!pair) {
    const created = fold.facts.find((fact) => fact.kind === 'version-created')
    return created && created.version > 1 ? 'The text before is not known, so nothing can be compared.' : null
  }
  const before = await contentOf(db, key, pair.from)
  const after = await contentOf(db, key, pair.to)
  if (before && after) return summarise({ version: pair.from, ...before }, { version: pair.to, ...after })
  return `The text of v${before ? pair.to : pair.from} is not known, so nothing can be compared.`
}

function tellOther(said: AlertEvent | NotificationEvent | UnrecognisedEvent): Told {
  const nobody = { actor: null, version: null }
  if (said.type === 'monitor-alert') {
    const { facts, ...told } = describeAlert(said)
    const links = linksOf(['Open the alert', said.url], ['Open the data', said.dataUrl])
    const detail = { ...emptyDetail, facts, message: said.body, links, environments: said.environments }
    return { ...nobody, ...told, detail }
  }
  if (said.type === 'project-notification') {
    const { facts, ...told } = describeNotification(said)
    const detail = {
      ...emptyDetail,
      facts,
      message: said.message,
      links: linksOf(['Open in Langfuse', said.url]),
    }
    return { ...nobody, ...told, detail }
  }
  const { facts, ...told } = describeUnrecognised(said)
  return { ...nobody, ...told, detail: { ...emptyDetail, facts, problems: said.problems } }
}

const linksOf = (...links: [string, string | null][]): ChangeDetail['links'] =>
  links.flatMap(([label, url]) => (url === null ? [] : [{ label, url }]))
