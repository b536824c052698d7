import { randomUUID } from 'node:crypto'
import { fixture, secret, sign } from '../fixtures.ts'

/** One event of a made-up prompt. */
export interface PlannedEvent {
  action: 'created' | 'updated'
  version: number
  labels: string[]
}

/** `count` prompts, `<tag>-000000` and so on, each with these events in this order. */
export interface BodyPlan {
  tag: string
  count: number
  events: PlannedEvent[]
}

export interface SignedBody {
  /** The prompt's name, found again in what reaches a target. */
  marker: string
  body: Buffer
  signature: string
}

const sample = JSON.parse(fixture('01-prompt-created-text.json').toString()) as {
  prompt: { prompt: string }
}

/** The names of prompts as they stand in bodies and messages. */
export const markers = /bench-[a-z0-9]+-\d{6}/

/**
 * Distinct bodies as Langfuse sends them, signed with the time `now` (epoch milliseconds); later ones have a newer state.
 */
export function signedBodies({ tag, count, events }: BodyPlan, now: number): SignedBody[] {
  const timestamp = new Date(now).toISOString()
  const t = Math.floor(now / 1000)
  const names = Array.from({ length: count }, (_, i) => `bench-${tag}-${String(i).padStart(6, '0')}`)
  return names.flatMap((marker) =>
    events.map(({ action, version, labels }, place) => {
      const { prompt } = sample
      const text = `${prompt.prompt}\n\nThis is version ${version}.`
      const updatedAt = new Date(now + place).toISOString()
      const told = { name: marker, id: `${marker}-${version}`, version, labels, prompt: text, updatedAt }
      const changed = { ...sample, id: randomUUID(), timestamp, action, prompt: { ...prompt, ...told } }
      const body = Buffer.from(JSON.stringify(changed))
      return { marker, body, signature: sign(body, { secret, t }) }
    }),
  )
}
