import { emptyDetail } from '../../core/change/change.ts'
import type { SourceEvent } from '../../core/change/event.ts'
import type { ProjectDirectory, Signed } from '../../core/rules/project-directory.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow } from '../../store/schema.ts'
import type { EventHead } from '../../store/tables/events.ts'
import { signedForOf } from '../arrival.ts'
import { learnProjectIds } from '../project-ids.ts'
import type { Interpretation } from './interpret.ts'

/**
 * How long a change waits for Langfuse to be asked for the project of the keys. If it does not name one, the events count as
 * what they say: the secret is right, and only the id is not confirmed.
 */
const waitMs = 60_000

interface Judged {
  row: ChangeRow
  events: EventHead[]
  parsed: SourceEvent[]
}

/**
 * Whether the events of a change name the project whose secret signed them, for those that came before its id was known.
 * `unknown`: it may be known soon.
 */
export async function judge(
  db: Db,
  { row, events, parsed }: Judged,
  { directory, now }: { directory?: ProjectDirectory | undefined; now: number },
): Promise<Signed> {
  if (!directory || events.every((one) => signedForOf(one) === null)) return 'right'
  const askedInVain = await learnProjectIds(db, directory)
  const found = events.map((event, place): Signed => {
    const project = directory.projects.find(({ name }) => name === signedForOf(event))
    if (!project) return 'right'
    const named = parsed[place]?.projectId ?? null
    const signed = directory.signedFor(project, named)
    if (signed !== 'unknown') return signed
    // What is known to be another project's cannot be its own.
    if (directory.withId(named) !== null) return 'wrong'
    const mayBeKnown = project.keys !== null && !askedInVain.includes(project.name)
    return mayBeKnown && now < row.opened_at + waitMs ? 'unknown' : 'right'
  })
  return found.find((one) => one === 'wrong') ?? found.find((one) => one === 'unknown') ?? 'right'
}

/** What came with the secret of one project and the name of another changes nothing, and is reported. */
export function interpretWrongProject({ project_id }: ChangeRow, events: EventHead[]): Interpretation {
  const signedFor = events.flatMap((one) => signedForOf(one) ?? [])[0] ?? ''
  const named = project_id ?? ''
  const count = events.length
  return {
    kind: 'wrong-project',
    title: `${count === 1 ? 'An event' : `${count} events`} of the project ${named} came with a secret of ${signedFor}`,
    danger: false,
    actor: null,
    version: null,
    detail: {
      ...emptyDetail,
      facts: [{ kind: 'wrong-project', signedFor, named, events: count }],
      message: `The webhook secrets of ${signedFor} sign for that project alone, so nothing was changed by it and no rule was applied. If the secret belongs to the other project, move it there in the configuration. If ${signedFor} has another id than it should, correct its id or its keys. Otherwise someone else has the secret: regenerate it in Langfuse.`,
    },
  }
}
