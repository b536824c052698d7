import { setTimeout as sleep } from 'node:timers/promises'
import { fixture, sign } from '../fixtures.ts'
import type { StandIn } from '../mocks/stand-in.ts'

const template = JSON.parse(fixture('01-prompt-created-text.json').toString()) as {
  prompt: Record<string, unknown>
}

/**
 * A new version of a prompt with this name, which carries `production`: one change for Slack and for GitHub. The first
 * version settles at once; for a later one the relay waits for what its predecessors lose.
 */
export function eventFor(name: string, { size = 0, version = 1 } = {}): string {
  const prompt = { ...template.prompt, id: `id-${name}`, name, version, labels: ['production', 'latest'] }
  const text = 'x'.repeat(size)
  return JSON.stringify({
    ...template,
    id: `evt-${name}`,
    prompt: size > 0 ? { ...prompt, prompt: text } : prompt,
  })
}

/** Posts one event as Langfuse does, signed now. Null: no answer came. */
export async function post(
  url: string,
  body: string | Uint8Array,
): Promise<{ status: number; answer: string } | null> {
  try {
    const response = await fetch(`${url}/api/webhooks/langfuse`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-langfuse-signature': sign(body, { t: Math.floor(Date.now() / 1000) }),
      },
      body: body as BodyInit,
      signal: AbortSignal.timeout(30_000),
    })
    return { status: response.status, answer: await response.text() }
  } catch {
    return null
  }
}

export interface Load {
  /** Names of the prompts whose event was accepted: 202, or 200 at a repeat. */
  accepted: Set<string>
  /** How often each status was answered; 0: no answer. */
  statuses: Map<number, number>
  stop: () => Promise<void>
}

/** Posts one event after the other, `workers` at once, to wherever the app is at that moment. */
export function startLoad(where: () => string, workers: number, options: { size?: number } = {}): Load {
  const accepted = new Set<string>()
  const statuses = new Map<number, number>()
  let isOver = false
  let count = 0
  const work = async () => {
    while (!isOver) {
      const name = `load/prompt-${count++}`
      const status = (await post(where(), eventFor(name, options)))?.status ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status === 202 || status === 200) accepted.add(name)
      else await sleep(20)
    }
  }
  const working = Promise.all(Array.from({ length: workers }, work))
  return {
    accepted,
    statuses,
    stop: async () => {
      isOver = true
      await working
    },
  }
}

/** How often each prompt was told at a target. */
export function toldAt(target: StandIn): Map<string, number> {
  const told = new Map<string, number>()
  for (const { body } of target.requests) {
    const names = new Set(JSON.stringify(body).match(/load\/prompt-\d+(?!\d)/g))
    for (const name of names) told.set(name, (told.get(name) ?? 0) + 1)
  }
  return told
}

/** Waits until it holds, `timeoutMs` at most; says whether it does. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (await holds()) return true
    await sleep(50)
  }
  return holds()
}
