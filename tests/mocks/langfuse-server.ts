import { createApi } from '../model/api.ts'
import type { Clock } from '../model/edits.ts'
import { createModel, type Model } from '../model/langfuse.ts'
import { randomFrom } from '../model/play.ts'
import {
  type LangfuseMock,
  mockKeys,
  mockLangfuse,
  mockProject,
  startLangfuseStandIn,
} from './langfuse-api.ts'
import type { StandIn } from './stand-in.ts'

export interface LangfuseServer extends StandIn {
  /** Its traces and scores. */
  mock: LangfuseMock
  /** Its prompts. Edits are written at the time of the last request, or of `setClock`. */
  model: Model
  setClock: (at: number) => void
}

/** Langfuse as a server on this machine: prompts as the model has them, whose webhooks nobody sends, and the rest as the mock. */
export async function startLangfuseServer(): Promise<LangfuseServer> {
  const mock = mockLangfuse(Date.now)
  const clock: Clock = { at: Date.now() }
  const model = createModel(randomFrom(1), { projectId: mockProject, clock })
  const api = createApi([{ name: 'Demo', ...mockKeys, model }], { random: randomFrom(2) })
  const standIn = await startLangfuseStandIn(mock)
  standIn.answerWith(({ method, path, headers }, response) => {
    const url = new URL(path, standIn.url)
    const { authorization = '' } = headers
    // The one path that needs no keys.
    if (url.pathname === '/api/public/health') return { status: 200, body: '{"status":"OK"}' }
    if (!url.pathname.startsWith('/api/public/v2/prompts'))
      return mock.answer(url, authorization) ?? { status: 503 }
    clock.at = Date.now()
    void api.fetch(url, { method, headers: { authorization } }).then(async (answer) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
    })
    return 'by hand'
  })
  const setClock = (at: number) => {
    clock.at = at
  }
  return { ...standIn, mock, model, setClock }
}
