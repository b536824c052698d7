import { z } from 'zod'

export interface LangfuseApi {
  baseUrl: string
  publicKey: string
  secretKey: string
  fetch: typeof globalThis.fetch
}

const timeoutMs = 5000
/** Langfuse's own cap on an answer is 5 MB. */
const mostBytes = 6 * 1024 * 1024

const promptVersion = z.object({
  projectId: z.string(),
  version: z.int(),
  prompt: z.unknown(),
  config: z.unknown(),
})

/**
 * Reads one version of a prompt (`GET /api/public/v2/prompts/{name}`), with its references resolved as in a webhook.
 * Null where it does not exist, belongs to another project than the keys, or no good answer came in 5 s: a difference
 * is worth asking once, not waiting for.
 */
export async function readPromptVersion(
  { baseUrl, publicKey, secretKey, fetch }: LangfuseApi,
  { projectId, name, version }: { projectId: string; name: string; version: number },
): Promise<{ text: unknown; config: unknown } | null> {
  const url = `${baseUrl.replace(/\/+$/, '')}/api/public/v2/prompts/${encodeURIComponent(name)}?version=${version}`
  const authorization = `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`
  try {
    const response = await fetch(url, {
      headers: { authorization, accept: 'application/json' },
      signal: AbortSignal.timeout(timeoutMs),
      redirect: 'error',
    })
    if (!response.ok || Number(response.headers.get('content-length')) > mostBytes) {
      await response.body?.cancel()
      return null
    }
    const read = promptVersion.safeParse(await response.json())
    if (!read.success || read.data.projectId !== projectId || read.data.version !== version) return null
    return { text: read.data.prompt, config: read.data.config ?? {} }
  } catch {
    return null
  }
}
