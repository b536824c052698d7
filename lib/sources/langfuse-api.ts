import { z } from 'zod'
import { pathSegment } from '../path-segment.ts'
import { askLangfuse, type LangfuseApi } from './langfuse-request.ts'

const promptVersion = z.object({
  projectId: z.string(),
  version: z.int(),
  prompt: z.unknown(),
  config: z.unknown(),
})

/**
 * Reads one version of a prompt (`GET /api/public/v2/prompts/{name}`), with its references resolved as in a webhook.
 * Null where it does not exist, no address can hold its name (`..`), or it belongs to another project than the keys;
 * undefined where no answer came, or one that asks for patience: a difference is worth asking once, not waiting for.
 */
export async function readPromptVersion(
  api: LangfuseApi,
  { projectId, name, version }: { projectId: string; name: string; version: number },
): Promise<{ text: unknown; config: unknown } | null | undefined> {
  const segment = pathSegment(name)
  if (segment === null) return null
  const answer = await askLangfuse(api, `/api/public/v2/prompts/${segment}`, { version })
  if (!answer.ok && (answer.status === null || answer.status === 429 || answer.status >= 500))
    return undefined
  const read = promptVersion.safeParse(answer.ok ? answer.json : null)
  if (!read.success || read.data.projectId !== projectId || read.data.version !== version) return null
  return { text: read.data.prompt, config: read.data.config ?? {} }
}
