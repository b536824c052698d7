import { setTimeout as sleep } from 'node:timers/promises'
import { fixture, sign } from '../fixtures.ts'
import type { StandIn } from '../mocks/stand-in.ts'

const template = JSON.parse(fixture('01-prompt-created-text.json').toString()) as {
  prompt: Record<string, unknown>
}

/**
 * A new version of a prompt with this name and the label `production`: one change for Slack and GitHub. The first version
 * settles at once; for a later one the relay waits for the events of versions that lose labels.
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

/** Posts one event as Langfuse does, signed now. Null: no answer. */
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
  /** Names of the prompts whose event was accepted: 202, or 200 for a repeat. */
  accepted: Set<string>
  /** The number of answers by status; 0: no answer. */
  statuses: Map<number, number>
  stop: () => Promise<void>
}

/** Posts one event after the other, `workers` at a time, to wherever the app is at that moment. */
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

/** How many messages about each prompt a target got. */
export function messagesAt(target: StandIn): Map<string, number> {
  const messages = new Map<string, number>()
  for (const { body } of target.requests) {
    const names = new Set(JSON.stringify(body).match(/load\/prompt-\d+(?!\d)/g))
    for (const name of names) messages.set(name, (messages.get(name) ?? 0) + 1)
  }
  return messages
}

/** Waits up to `timeoutMs` until the condition holds; returns whether it does. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs
  while (Date.now() < deadline) {
    if (await holds()) return true
    await sleep(50)
  }
  return holds()
}
