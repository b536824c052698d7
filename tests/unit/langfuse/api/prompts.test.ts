import { HttpResponse, http } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { readLabelHolder, readPromptVersion } from '#lib/langfuse/api/prompts.ts'

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
      const isExpected = pathname.endsWith('/support%2Frefund-reply') && searchParams.get('version') === '6'
      const isAllowed = request.headers.get('authorization') === `Basic ${btoa('pk-lf-1:sk-lf-2')}`
      if (!isAllowed) return HttpResponse.json({ message: 'Invalid credentials' }, { status: 401 })
      if (!isExpected) return HttpResponse.json({ message: `${params.name} not found` }, { status: 404 })
      return answer()
    }),
  )

describe('reading a version from Langfuse', () => {
  it.each(['.', '..', ''])(
    'sends no request for a prompt named %j, whose address would be another',
    async (name) => {
      let requests = 0
      const fetch = async () => {
        requests++
        return Response.json(row)
      }
      const api = { baseUrl: base, publicKey: 'pk', secretKey: 'sk', fetch }
      expect(await readPromptVersion(api, { projectId: 'p1', name, version: 6 })).toBeNull()
      expect(requests).toBe(0)
    },
  )

  it('returns its text and config', async () => {
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
  ])('returns nothing if %s', async (_, answer) => {
    answering(answer)
    expect(await read()).toBeNull()
  })

  it.each<[string, () => Response]>([
    ['Langfuse is down', () => HttpResponse.json({}, { status: 503 })],
    ['the rate limit is reached', () => HttpResponse.json({}, { status: 429 })],
    ['the connection breaks', () => HttpResponse.error()],
    ['it redirects', () => HttpResponse.redirect('https://elsewhere.example/')],
  ])('distinguishes that %s, after which Langfuse gets no more requests', async (_, answer) => {
    answering(answer)
    expect(await read()).toBeUndefined()
  })
})

describe('reading which version carries a label', () => {
  const state = {
    ...row,
    id: 'p6',
    labels: ['latest', 'production'],
    tags: ['support'],
    type: 'text',
    commitMessage: null,
    createdBy: 'maya-id',
    createdAt: '2026-08-21T09:14:07.412Z',
    updatedAt: '2026-08-21T09:15:07.412Z',
  }
  const readLabel = () =>
    readLabelHolder(
      { baseUrl: base, publicKey: 'pk-lf-1', secretKey: 'sk-lf-2', fetch: globalThis.fetch },
      { projectId: 'p1', name: 'support/refund-reply', label: 'production' },
    )
  const projects = (answer: () => Response) => http.get(`${base}/api/public/projects`, answer)
  const label = (answer: () => Response) =>
    http.get(`${base}/api/public/v2/prompts/:name`, ({ request }) => {
      const { pathname, search } = new URL(request.url)
      const isExpected =
        pathname.endsWith('/support%2Frefund-reply') && search === '?label=production&resolve=false'
      return isExpected ? answer() : HttpResponse.json({ message: 'unexpected query' }, { status: 400 })
    })
  const missing = () => HttpResponse.json({ message: 'Prompt not found' }, { status: 404 })
  const ours = (id: string) => () => HttpResponse.json({ data: [{ id }] })

  it('returns that version', async () => {
    server.use(label(() => HttpResponse.json(state)))
    expect(await readLabel()).toEqual({
      holder: expect.objectContaining({
        version: 6,
        promptId: 'p6',
        labels: ['latest', 'production'],
        tags: ['support'],
        promptType: 'text',
        updatedAt: Date.parse(state.updatedAt),
        isRead: true,
      }),
    })
  })

  it('says that no version carries it if Langfuse has none in the project of the keys', async () => {
    server.use(label(missing), projects(ours('p1')))
    expect(await readLabel()).toEqual({ holder: null })
  })

  it.each<[string, Parameters<typeof server.use>]>([
    ['the keys are for another project', [label(missing), projects(ours('p2'))]],
    ['it is not known whose the keys are', [label(missing), projects(missing)]],
    ['the keys are wrong', [label(() => HttpResponse.json({}, { status: 401 }))]],
    ['the version is of another project', [label(() => HttpResponse.json({ ...state, projectId: 'p2' }))]],
    ['the version has no such label', [label(() => HttpResponse.json({ ...state, labels: ['latest'] }))]],
    ['the answer is in another form', [label(() => HttpResponse.json({ data: [] }))]],
  ])('cannot tell if %s', async (_, handlers) => {
    server.use(...handlers)
    expect(await readLabel()).toBeNull()
  })

  it.each<[string, Parameters<typeof server.use>]>([
    ['Langfuse is down', [label(() => HttpResponse.json({}, { status: 503 }))]],
    ['Langfuse limits the rate', [label(() => HttpResponse.json({}, { status: 429 }))]],
    ['the connection breaks', [label(() => HttpResponse.error())]],
    ['it goes down in between', [label(missing), projects(() => HttpResponse.json({}, { status: 503 }))]],
  ])('has no answer if %s', async (_, handlers) => {
    server.use(...handlers)
    expect(await readLabel()).toBeUndefined()
  })
})
