import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { saveVersions } from '#lib/store/tables/prompts.ts'
import { changesOfPrompt, projectsWith, shownVersions } from '#lib/store/views/prompt-page.ts'
import { knownNames } from '#lib/store/views/setup.ts'
import { type Seed, seedStore } from '../e2e/seed.ts'
import { engines, type TestStore } from './stores.ts'

const now = Date.UTC(2026, 7, 21, 9)
/** The project of the seeded changes. */
const projectId = 'cm1q7ayx2000008l2g7rz3v5k'

const state = (version: number, deleted = false) => ({
  version,
  promptId: null,
  labels: version === 2 ? ['latest'] : [],
  tags: [],
  promptType: 'text',
  commitMessage: null,
  createdBy: 'clu_maya',
  updatedAt: now,
  deleted,
})

const change = (ago: number, kind: Seed['kind'], more: Partial<Seed> = {}): Seed => ({
  ago,
  kind,
  subject: 'greeting',
  title: `${kind} greeting`,
  version: 2,
  ...more,
})

describe.each(engines)("what a prompt's page reads on %s", (_engine, open) => {
  let store: TestStore
  beforeEach(async () => {
    store = await open()
  })
  afterEach(() => store.close())

  it('finds exactly the projects that have a prompt of this name', async () => {
    expect(await projectsWith(store.db, 'greeting')).toEqual([])
    for (const [project, name] of [
      ['c', 'greeting'],
      ['a', 'greeting'],
      ['b', 'other'],
    ] as const)
      await saveVersions(store.db, { projectId: project, name }, [state(1), state(2)], new Map())
    expect(await projectsWith(store.db, 'greeting')).toEqual(['a', 'c'])
    expect(await projectsWith(store.db, "gree'ting")).toEqual([])
    const { prompts, projects } = await knownNames(store.db)
    expect([prompts?.toSorted(), projects?.toSorted()]).toEqual([
      ['greeting', 'other'],
      ['a', 'b', 'c'],
    ])
  })

  it('shows versions, newest first, with the size of their known text and their author', async () => {
    const prompt = { projectId, name: 'greeting' }
    const contents = new Map([[2, { text: 'Hello ä', config: {} }]])
    await saveVersions(store.db, prompt, [state(1, true), state(2)], contents)
    await saveVersions(store.db, { projectId: 'other', name: 'greeting' }, [state(7)], new Map())
    await seedStore(
      store.url,
      [
        change(2, 'version-created', { actor: 'Maya Okonkwo' }),
        change(1, 'promoted', { actor: 'Jonas Weber' }),
        change(1, 'version-created', { actor: 'Someone', subject: 'other' }),
      ],
      now,
    )
    const versions = await shownVersions(store.db, prompt)
    expect(versions.map(({ version, size, author, deleted }) => [version, size, author, deleted])).toEqual([
      [2, Buffer.byteLength('{"text":"Hello ä","config":{}}'), 'Maya Okonkwo', false],
      [1, null, null, true],
    ])
  })

  it('pages through the changes of the prompt, without alerts of the same name', async () => {
    await seedStore(
      store.url,
      [
        change(1, 'promoted', { deliveries: [{ target: 'slack', status: 'queued' }] }),
        change(2, 'alert'),
        change(3, 'promoted', { subject: 'other' }),
        change(4, 'tags-changed'),
        change(5, 'version-created'),
      ],
      now,
    )
    const prompt = { projectId, name: 'greeting' }
    const kinds = (page: { rows: { change: { kind: string } }[] }) => page.rows.map((row) => row.change.kind)
    const first = await changesOfPrompt(store.db, prompt, {}, 2)
    expect(kinds(first)).toEqual(['promoted', 'tags-changed'])
    expect(first.rows[0]?.deliveries.map(({ target }) => target)).toEqual(['slack'])
    const second = await changesOfPrompt(store.db, prompt, { before: first.older ?? '' }, 2)
    expect(kinds(second)).toEqual(['version-created'])
    expect(second.older).toBeNull()
    const back = await changesOfPrompt(store.db, prompt, { after: second.newer ?? '' }, 2)
    expect(kinds(back)).toEqual(['promoted', 'tags-changed'])
    expect((await changesOfPrompt(store.db, { projectId: 'x', name: 'greeting' }, {}, 2)).rows).toEqual([])
  })
})
