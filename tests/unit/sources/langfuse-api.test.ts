import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readPromptVersion } from '#lib/sources/langfuse-api.ts'

const server = setupServer()
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }))
afterEach(() => server.resetHandlers())
afterAll(() => server.close())

const base = 'https://langfuse.example/base'
const row = {
  projectId: 'p1',
  version: 6,
  name: 'support/refund-reply',
  prompt: 'Hello {{name}}',
  config: { a: 1 },
}

const read = (baseUrl = base) =>
  readPromptVersion(
    { baseUrl, publicKey: 'pk-lf-1', secretKey: 'sk-lf-2', fetch: globalThis.fetch },
    { projectId: 'p1', name: 'support/refund-reply', version: 6 },
  )

/** Langfuse takes the whole name as one encoded segment, and basic authentication. */
const answering = (answer: () => Response) =>
  server.use(
    http.get(`${base}/api/public/v2/prompts/:name`, ({ request, params }) => {
      const { pathname, searchParams } = new URL(request.url)
      const isAsked = pathname.endsWith('/support%2Frefund-reply') && searchParams.get('version') === '6'
      const isAllowed = request.headers.get('authorization') === `Basic ${btoa('pk-lf-1:sk-lf-2')}`
      if (!isAllowed) return HttpResponse.json({ message: 'Invalid credentials' }, { status: 401 })
      if (!isAsked) return HttpResponse.json({ message: `${params.name} not found` }, { status: 404 })
      return answer()
    }),
  )

describe('reading a version from Langfuse', () => {
  it.each(['.', '..', ''])(
    'asks nothing for a prompt named %j, whose address would be another',
    async (name) => {
      let asked = 0
      const fetch = async () => {
        asked++
        return Response.json(row)
      }
      const api = { baseUrl: base, publicKey: 'pk', secretKey: 'sk', fetch }
      expect(await readPromptVersion(api, { projectId: 'p1', name, version: 6 })).toBeNull()
      expect(asked).toBe(0)
    },
  )

  it('gives its text and config', async () => {
    answering(() => HttpResponse.json(row))
    expect(await read()).toEqual({ text: 'Hello {{name}}', config: { a: 1 } })
    expect(await read(`${base}/`)).not.toBeNull()
  })

  it.each<[string, () => Response]>([
    ['it is gone', () => HttpResponse.json({ message: 'not found' }, { status: 404 })],
    ['the keys are wrong', () => HttpResponse.json({ message: 'no' }, { status: 401 })],
    ['the keys are for another project', () => HttpResponse.json({ ...row, projectId: 'p2' })],
    ['another version comes', () => HttpResponse.json({ ...row, version: 7 })],
    ['the answer is no JSON', () => HttpResponse.text('<html>')],
  ])('gives nothing where %s', async (_, answer) => {
    answering(answer)
    expect(await read()).toBeNull()
  })

  it.each<[string, () => Response]>([
    ['Langfuse is down', () => HttpResponse.json({}, { status: 503 })],
    ['the rate limit is reached', () => HttpResponse.json({}, { status: 429 })],
    ['the connection breaks', () => HttpResponse.error()],
    ['it redirects', () => HttpResponse.redirect('https://elsewhere.example/')],
  ])('tells apart that %s, after which it is to be left alone', async (_, answer) => {
    answering(answer)
    expect(await read()).toBeUndefined()
  })
})
