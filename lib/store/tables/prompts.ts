import type { VersionState } from '../../core/change/change.ts'
import type { PromptEvent } from '../../core/change/event.ts'
import { indexable } from '../../core/change/indexable.ts'
import type { PromptKey, VersionContent } from '../../core/prompt/fold.ts'
import type { Db } from '../client.ts'
import { type PromptVersionRow, promptVersionColumns } from '../schema.ts'
import { chunksOf, insertion, statement } from '../statement.ts'

/** A text, or the event whose body contains it. */
export type TextSource = VersionContent | { eventId: string }

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const ofPrompt = (db: Db, { projectId, name }: PromptKey) =>
  db.selectFrom('prompt_versions').where('project_id', '=', projectId).where('name', '=', indexable(name))

const stateColumns = [
  'version',
  'prompt_id',
  'labels',
  'tags',
  'prompt_type',
  'commit_message',
  'created_by',
  'updated_at',
  'deleted',
  'presumed',
  'strayed',
  'read_at',
] as const

/** All known versions of a prompt, deleted ones too, without their texts. */
export async function versionsOf(db: Db, key: PromptKey): Promise<VersionState[]> {
  return statesOf(await ofPrompt(db, key).select(stateColumns).orderBy('version').execute())
}

const ours = 'project_id = ? and name = ?'
const states = `select ${stateColumns.join()} from prompt_versions where ${ours}`
const firstConcerned = `coalesce((
  select version from prompt_versions
  where ${ours} and version < ? and deleted = 0 and tags = ?
  order by version desc limit 1
), 0)`
/** For 2,000 versions, three parts that each use their own index take 13 µs; one condition with `or` would take 600. */
const concernedVersions = statement<StateRow & { known: number }>(`
  select concerned.*, (select count(*) from prompt_versions where ${ours}) as known from (
    ${states} and labels <> '[]'
    union all
    ${states} and labels = '[]' and version >= ${firstConcerned}
    union all
    ${states} and strayed is not null and labels = '[]' and version < ${firstConcerned}
  ) as concerned`)

/**
 * The known versions, in no order, that these events may concern: those with a label, those that lost one to an unknown
 * version, and all from the last live version below the lowest version of the events. `unread`: how many others there are.
 * Those are deleted, or have no label and the tags that the events report, since all live versions of a prompt share their
 * tags. If the events report different tags, all versions are read.
 */
export async function versionsFor(
  db: Db,
  { projectId, name }: PromptKey,
  events: readonly Pick<PromptEvent, 'version' | 'tags'>[],
): Promise<{ versions: VersionState[]; unread: number }> {
  const [tags = null, ...otherTags] = new Set(events.map((event) => JSON.stringify(event.tags)))
  const lowest = Math.min(...events.map(({ version }) => version))
  const key = [projectId, indexable(name)]
  const first = [...key, lowest, otherTags.length === 0 ? tags : null]
  const rows = await concernedVersions(db, [...key, ...key, ...key, ...first, ...key, ...first])
  return { versions: statesOf(rows), unread: (rows[0]?.known ?? 0) - rows.length }
}

type StateRow = Pick<PromptVersionRow, (typeof stateColumns)[number]>

function statesOf(rows: StateRow[]): VersionState[] {
  // Nearly all of thousands of versions are alike: no labels and the shared tags.
  const lists = new Map<string, string[]>()
  const listOf = (json: string): string[] => {
    const list = lists.get(json) ?? (JSON.parse(json) as string[])
    lists.set(json, list)
    return list
  }
  return rows.map((row) => ({
    ...(row.deleted === 1 && row.presumed !== 0 && { presumed: true as const }),
    ...(row.strayed && { strayed: listOf(row.strayed) }),
    ...(row.read_at !== null && { readAt: row.read_at }),
    version: row.version,
    promptId: row.prompt_id,
    labels: listOf(row.labels),
    tags: listOf(row.tags),
    promptType: row.prompt_type,
    commitMessage: row.commit_message,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    deleted: row.deleted === 1,
  }))
}

/**
 * Saves the current state of versions. `contents`: their texts, or the events whose bodies contain them, to be copied later.
 * A version without one keeps its text.
 */
export async function saveVersions(
  db: Db,
  { projectId, name }: PromptKey,
  versions: VersionState[],
  contents: ReadonlyMap<number, TextSource>,
): Promise<void> {
  const rows = versions.map((state): PromptVersionRow => {
    const source = contents.get(state.version)
    return {
      project_id: projectId,
      name: indexable(name),
      version: state.version,
      prompt_id: state.promptId,
      labels: JSON.stringify(state.labels),
      tags: JSON.stringify(state.tags),
      prompt_type: state.promptType,
      commit_message: state.commitMessage,
      created_by: state.createdBy,
      updated_at: state.updatedAt,
      deleted: state.deleted ? 1 : 0,
      presumed: state.presumed ? 1 : 0,
      strayed: state.strayed ? JSON.stringify(state.strayed) : null,
      content: source && 'text' in source ? encoded(source) : null,
      content_event: source && 'eventId' in source ? source.eventId : null,
      deleted_at: null,
      read_at: state.readAt ?? null,
    }
  })
  for (const some of chunksOf(rows, promptVersionColumns.length)) await upsertVersions(db, some)
}

const encoded = (content: VersionContent): Uint8Array => encoder.encode(JSON.stringify(content))

/** A prompt that is created again starts at version 1 again, which clears `deleted_at`. A known text is kept. */
const upsertVersions = insertion<PromptVersionRow>(
  'prompt_versions',
  promptVersionColumns,
  `on conflict (project_id, name, version) do update set
    prompt_id = excluded.prompt_id,
    labels = excluded.labels,
    tags = excluded.tags,
    prompt_type = excluded.prompt_type,
    commit_message = excluded.commit_message,
    created_by = excluded.created_by,
    updated_at = excluded.updated_at,
    deleted = excluded.deleted,
    presumed = excluded.presumed,
    strayed = excluded.strayed,
    content = coalesce(excluded.content, prompt_versions.content),
    deleted_at = case when excluded.deleted = 1 then prompt_versions.deleted_at end,
    read_at = coalesce(excluded.read_at, prompt_versions.read_at),
    content_event = case when excluded.content is null
      then coalesce(excluded.content_event, prompt_versions.content_event) end`,
)

/** The text of one version (null: no event contained it), and the event with a newer one (null: none has). */
export async function contentOf(
  db: Db,
  key: PromptKey,
  version: number,
): Promise<{ content: VersionContent | null; eventId: string | null }> {
  const row = await ofPrompt(db, key)
    .select(['content', 'content_event'])
    .where('version', '=', version)
    .executeTakeFirst()
  const content = row?.content ? (JSON.parse(decoder.decode(row.content)) as VersionContent) : null
  return { content, eventId: row?.content_event ?? null }
}

/** A version whose text is still in the body of an event. */
export type VersionToCopy = PromptKey & { version: number; eventId: string }

export async function versionToCopy(db: Db): Promise<VersionToCopy | null> {
  const row = await db
    .selectFrom('prompt_versions')
    .select(['project_id', 'name', 'version', 'content_event'])
    .where('content_event', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  if (!row || row.content_event === null) return null
  return { projectId: row.project_id, name: row.name, version: row.version, eventId: row.content_event }
}

/** Copies the text, unless a newer one has arrived. `content` null: the event was deleted, and the known text stays. */
export async function storeContent(
  db: Db,
  { projectId, name, version, eventId }: VersionToCopy,
  content: VersionContent | null,
): Promise<void> {
  await db
    .updateTable('prompt_versions')
    .set({ content_event: null, ...(content && { content: encoded(content) }) })
    .where('project_id', '=', projectId)
    .where('name', '=', indexable(name))
    .where('version', '=', version)
    .where('content_event', '=', eventId)
    .execute()
}

export async function forgetPrompt(db: Db, { projectId, name }: PromptKey): Promise<void> {
  await db
    .deleteFrom('prompt_versions')
    .where('project_id', '=', projectId)
    .where('name', '=', indexable(name))
    .execute()
}
