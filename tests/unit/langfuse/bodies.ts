import type { JsonObject } from '#lib/base/json.ts'
import { type FixtureName, fixture } from '../../fixtures.ts'

export const objectOf = (name: FixtureName): JsonObject => JSON.parse(fixture(name).toString())

/** As Langfuse sends it. */
export const prompt = objectOf('01-prompt-created-text.json') as JsonObject & { prompt: JsonObject }
export const withPrompt = (changes: JsonObject): JsonObject => ({
  ...prompt,
  prompt: { ...prompt.prompt, ...changes },
})

/** As tutorials have it. */
export const flat: JsonObject & { data: JsonObject } = {
  event: 'prompt.updated',
  timestamp: '2026-08-21T09:14:07.412Z',
  data: { promptName: 'greeting', promptVersion: 3, projectId: 'p1', labels: ['production'] },
}
