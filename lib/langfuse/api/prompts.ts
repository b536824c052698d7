import { z } from 'zod'
import { pathSegment } from '../../base/url-path.ts'
import type { StoredPromptEvent } from '../../core/change/change.ts'
import { storable } from '../body.ts'
import { readProject } from './project.ts'
import { getFromLangfuse, type LangfuseAnswer, type LangfuseApi } from './request.ts'

const isNoAnswer = (answer: LangfuseAnswer): boolean =>
  !answer.ok && (answer.status === null || answer.status === 429 || answer.status >= 500)

const promptVersion = z.object({
  projectId: z.string(),
  version: z.int(),
  prompt: z.unknown(),
  config: z.unknown(),
})

/**
 * Reads one version of a prompt (`GET /api/public/v2/prompts/{name}`), with its references resolved as in a webhook.
 * Null if it does not exist, a path cannot contain its name (`..`), or it belongs to another project than the keys.
 * Undefined if there was no answer, a 429 or a 5xx: a difference is worth one request, but no waiting.
 */
export async function readPromptVersion(
  api: LangfuseApi,
  { projectId, name, version }: { projectId: string; name: string; version: number },
): Promise<{ text: unknown; config: unknown } | null | undefined> {
  const segment = pathSegment(name)
  if (segment === null) return null
  const answer = await getFromLangfuse(api, `/api/public/v2/prompts/${segment}`, { version })
  if (isNoAnswer(answer)) return undefined
  const read = promptVersion.safeParse(answer.ok ? answer.json : null)
  if (!read.success || read.data.projectId !== projectId || read.data.version !== version) return null
  return { text: read.data.prompt, config: read.data.config ?? {} }
}

const time = z.iso.datetime({ offset: true }).transform((iso) => Date.parse(iso))

const promptState = z.object({
  projectId: z.string(),
  id: z.string(),
  version: z.int32().min(1),
  labels: z.array(z.string()),
  tags: z.array(z.string()),
  type: z.string(),
  commitMessage: z.string().nullish(),
  createdBy: z.string(),
  createdAt: time,
  updatedAt: time,
})

interface LabelOfPrompt {
  projectId: string
  name: string
  label: string
}

/**
 * Reads which version of a prompt carries a label (`GET /api/public/v2/prompts/{name}?label=…&resolve=false`). `holder` is
 * null if none does; since another project would answer 404 too, the project of the keys is checked then. Null if these
 * keys cannot tell, undefined if there was no answer.
 */
export async function readLabelHolder(
  api: LangfuseApi,
  { projectId, name, label }: LabelOfPrompt,
): Promise<{ holder: StoredPromptEvent | null } | null | undefined> {
  const segment = pathSegment(name)
  if (segment === null) return null
  const answer = await getFromLangfuse(api, `/api/public/v2/prompts/${segment}`, { label, resolve: 'false' })
  if (isNoAnswer(answer)) return undefined
  if (!answer.ok) return answer.status === 404 ? nothingIn(api, projectId) : null
  const read = promptState.safeParse(answer.json)
  if (!read.success || read.data.projectId !== projectId || !read.data.labels.includes(label)) return null
  const { id, type, ...rest } = storable(read.data)
  const holder: StoredPromptEvent = {
    type: 'prompt-version',
    action: 'updated',
    name,
    promptId: id,
    promptType: type,
    ...rest,
    user: null,
    eventId: '',
    occurredAt: rest.updatedAt,
    isRead: true,
  }
  return { holder }
}

async function nothingIn(api: LangfuseApi, projectId: string): Promise<{ holder: null } | null | undefined> {
  const project = await readProject(api)
  if (project.ok) return project.projectId === projectId ? { holder: null } : null
  return isNoAnswer(project) ? undefined : null
}

const page = z.object({ data: z.array(z.object({ lastUpdatedAt: z.iso.datetime({ offset: true }) })) })

/**
 * When a prompt was last changed within this span, as far as the first page shows; `null` if none was
 * (`GET /api/public/v2/prompts`). Epoch milliseconds. Not `ok`: there was no usable answer.
 */
export async function promptChangedAt(
  api: LangfuseApi,
  { from, to }: { from: number; to: number },
): Promise<{ ok: true; changedAt: number | null } | { ok: false }> {
  const answer = await getFromLangfuse(api, '/api/public/v2/prompts', {
    fromUpdatedAt: new Date(from).toISOString(),
    toUpdatedAt: new Date(to).toISOString(),
    limit: 100,
  })
  const rows = answer.ok ? page.safeParse(answer.json).data : undefined
  if (!rows) return { ok: false }
  const times = rows.data.map((row) => Date.parse(row.lastUpdatedAt))
  const within = times.filter((at) => at >= from && at <= to)
  return { ok: true, changedAt: within.length === 0 ? null : Math.max(...within) }
}
