import { describe, expect, it } from 'vitest'
import { reachLangfuse } from '#lib/langfuse/api/reach.ts'
import { langfuseProject } from '../../../projects.ts'

const now = Date.UTC(2026, 7, 21, 9)
const date = new Date(now - 90_000).toUTCString()
const keys = { publicKey: 'pk-lf-planted', secretKey: 'sk-lf-planted' }

const called = { ...langfuseProject().called, publicKey: 'LANGFUSE_PUBLIC_KEY' }
const project = langfuseProject({
  baseUrl: 'https://l.test/base',
  keys,
  called: { ...called, secretKey: 'LANGFUSE_SECRET_KEY', baseUrl: 'LANGFUSE_BASE_URL' },
})

/** A Langfuse that is healthy, and answers this about the project of the keys. */
const reach = (status: number, body: object, { health = 200, id = null as string | null } = {}) =>
  reachLangfuse({
    project: { ...project, id },
    now: () => now,
    fetch: async (url) =>
      String(url) === 'https://l.test/base/api/public/health'
        ? new Response('{}', { status: health, headers: { date } })
        : Response.json(body, { status }),
  })

describe('whether Langfuse can be reached', () => {
  it('is yes, with the project of the keys and the time there', async () => {
    expect(await reach(200, { data: [{ id: 'p1' }] })).toEqual({
      words: 'Langfuse knows them for project p1.',
      fix: null,
      aheadMs: 90_000,
    })
  })

  it('is no where it refuses the keys, which are named as the cause before the address', async () => {
    const { words, fix } = await reach(401, { message: 'Invalid credentials' })
    expect(words).toBe('Langfuse does not know these API keys (401).')
    expect(fix).toMatch(/^Check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY\. .*LANGFUSE_BASE_URL/)
    expect(words + fix).not.toContain('planted')
  })

  it('is no where Langfuse is not at the address', async () => {
    expect(await reach(200, {}, { health: 404 })).toMatchObject({
      words: 'Langfuse answered 404.',
      fix: 'Check LANGFUSE_BASE_URL.',
    })
  })

  it('is no where the keys belong to another project than the configured id', async () => {
    const { words, fix } = await reach(200, { data: [{ id: 'p1' }] }, { id: 'p2' })
    expect(words).toBe('These keys belong to another project than projects.default.id names.')
    expect(fix).toBe('Correct projects.default.id, or set the keys of that project.')
    expect((await reach(200, { data: [{ id: 'p1' }] }, { id: 'p1' })).fix).toBeNull()
  })
})
