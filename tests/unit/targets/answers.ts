import type { Answer } from '#lib/targets/http.ts'

export const now = Date.UTC(2026, 7, 21)

export const answerOf = (status: number, body = '', headers: Record<string, string> = {}): Answer => ({
  status,
  body,
  headers: new Headers(headers),
})
