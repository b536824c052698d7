import type { StoredPromptEvent } from '../../core/change/change.ts'
import { readLabelHolder } from '../../langfuse/api/prompts.ts'
import { barelyKnown, fillDetails } from '../../store/tables/listed-versions.ts'
import type { Pause, Run } from './run.ts'

/** Prompts that one step reads, and how many at once. */
const atATime = 40
const atOnce = 4
/** Labels that users are served by. */
const liveLabel = 'production'

/**
 * Reads what listings do not say (id, author, message) of the versions that users are served by, some at a time. Those that
 * there is no answer for are read after the next full look.
 */
export async function readDetails(run: Run): Promise<{ isTaken: boolean; pause: Pause | null }> {
  const { projectId, state } = run.look
  if (state.details === null) return { isTaken: false, pause: null }
  const wanted = { label: liveLabel, after: state.details, max: atATime }
  const prompts = await barelyKnown(run.deps.db, projectId, wanted)
  const read: StoredPromptEvent[] = []
  let pause: Pause | null = null
  let done = 0
  while (done < prompts.length && pause === null) {
    const some = prompts.slice(done, done + atOnce)
    const answers = await Promise.all(
      some.map(({ name }) => readLabelHolder(run.api, { projectId, name, label: liveLabel })),
    )
    if (answers.includes(undefined)) pause = { message: 'Langfuse did not answer', retryAfterMs: null }
    read.push(...answers.flatMap((answer) => answer?.holder ?? []))
    done += some.length
  }
  const isAll = done === prompts.length && prompts.length < atATime
  await run.commit(async (trx) => {
    await fillDetails(trx, projectId, read)
    return { ...state, details: isAll ? null : (prompts[done - 1]?.indexed ?? null) }
  })
  return { isTaken: true, pause }
}
