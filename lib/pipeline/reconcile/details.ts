import type { StoredPromptEvent } from '../../core/change/change.ts'
import { readLabelHolder } from '../../langfuse/api/prompts.ts'
import { barelyKnown, fillDetails } from '../../store/tables/listed-versions.ts'
import type { Pause, Run } from './run.ts'

/** Prompts that one step reads, and how many at once. */
const atATime = 40
const atOnce = 4
/** Labels that users are served by. */
const liveLabel = 'production'

/** Reads what listings do not say (id, author, message) of the versions that users are served by, some at a time. */
export async function readDetails(run: Run): Promise<{ isTaken: boolean; pause: Pause | null }> {
  const { projectId, state } = run.look
  if (state.details === null) return { isTaken: false, pause: null }
  const wanted = { label: liveLabel, after: state.details, max: atATime }
  const prompts = await barelyKnown(run.deps.db, projectId, wanted)
  const read: StoredPromptEvent[] = []
  for (let start = 0; start < prompts.length; start += atOnce) {
    const some = prompts.slice(start, start + atOnce)
    const answers = await Promise.all(
      some.map(({ name }) => readLabelHolder(run.api, { projectId, name, label: liveLabel })),
    )
    if (answers.includes(undefined))
      return { isTaken: false, pause: { message: 'Langfuse did not answer', retryAfterMs: null } }
    read.push(...answers.flatMap((answer) => answer?.holder ?? []))
  }
  await run.commit(async (trx) => {
    await fillDetails(trx, projectId, read)
    return { ...state, details: prompts.length < atATime ? null : (prompts.at(-1)?.indexed ?? null) }
  })
  return { isTaken: true, pause: null }
}
