import { sql } from 'kysely'
import type { ChangeDetail, FactKind, VersionState } from '../../core/change/change.ts'
import { indexable } from '../../core/change/indexable.ts'
import { factKinds, kinds } from '../../core/change/kinds.ts'
import type { PromptKey } from '../../core/prompt/fold.ts'
import type { Db } from '../client.ts'
import { changeColumns } from '../schema.ts'
import { versionsOf } from '../tables/prompts.ts'
import { type ListedChange, withDeliveries } from './listed-changes.ts'
import { type Cursor, type Page, readPage } from './paged-lists.ts'

/**
 * The projects that have a prompt of this name, in order. The table's key begins with the project, so the query steps from
 * project to project in its index; a plain `where name =` would read all versions of all prompts.
 */
export async function projectsWith(db: Db, name: string): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive projects (id) as (
      select min(project_id) from prompt_versions
      union all
      select (select min(project_id) from prompt_versions where project_id > projects.id)
      from projects where projects.id is not null
    )
    select id from projects
    where exists (select 1 from prompt_versions where project_id = projects.id and name = ${indexable(name)})
    order by id`.execute(db)
  return rows.map(({ id }) => id)
}

export interface ShownVersion extends VersionState {
  /** Of the stored text and config, in bytes; null: no event contained them. */
  size: number | null
  /** The name of its author; null: no stored change has it. */
  author: string | null
}

/** All known versions, deleted ones too, newest first. */
export async function shownVersions(db: Db, key: PromptKey): Promise<ShownVersion[]> {
  const sizes = await db
    .selectFrom('prompt_versions')
    .select([
      'version',
      // Until it is copied, the size of its event, which is a little more.
      sql<number>`coalesce((select size from events where id = content_event), length(content))`.as('size'),
    ])
    .where('project_id', '=', key.projectId)
    .where('name', '=', indexable(key.name))
    .where((eb) => eb.or([eb('content', 'is not', null), eb('content_event', 'is not', null)]))
    .execute()
  const created = await db
    .selectFrom('changes')
    .select((eb) => [
      'version',
      'actor',
      eb.case().when('actor', 'is', null).then(eb.ref('detail')).end().as('detail'),
    ])
    .where('subject', '=', indexable(key.name))
    .where('project_id', '=', key.projectId)
    .where('kind', '=', 'version-created' satisfies FactKind)
    // Of one that a comparison found, only a webhook that came late names the author.
    .where((eb) => eb.or([eb('actor', 'is not', null), eb('detail', 'like', '%"late":{%')]))
    .orderBy('id')
    .execute()
  const sizeOf = new Map(sizes.map(({ version, size }) => [version, Number(size)]))
  const authorOf = new Map(
    created.map(({ version, actor, detail }) => [version, actor ?? lateAuthor(detail ?? '{}')]),
  )
  const versions = await versionsOf(db, key)
  return versions.toReversed().map((state) => ({
    ...state,
    size: sizeOf.get(state.version) ?? null,
    author: authorOf.get(state.version) ?? null,
  }))
}

function lateAuthor(json: string): string | null {
  const { reconciled } = JSON.parse(json) as Partial<ChangeDetail>
  return reconciled?.late && !reconciled.late.isPartial ? reconciled.late.by : null
}

/** Kinds whose subject is not a prompt, but may have the same name as one. */
const otherKinds = factKinds.filter((kind) => kind !== 'undescribed' && kinds[kind].about !== 'prompt')

/** The changes of one prompt, newest first. */
export async function changesOfPrompt(
  db: Db,
  { projectId, name }: PromptKey,
  cursor: Cursor,
  size: number,
): Promise<Page<ListedChange>> {
  const page = await readPage(
    db
      .selectFrom('changes')
      .select(changeColumns)
      .where('subject', '=', indexable(name))
      .where('project_id', '=', projectId)
      .where('kind', 'not in', otherKinds),
    'changes',
    cursor,
    size,
  )
  return { ...page, rows: await withDeliveries(db, page.rows) }
}
