import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { freshState, pollName } from '#lib/core/polling/state.ts'
import { createDirectory } from '#lib/core/rules/project-directory.ts'
import type { LangfuseProject } from '#lib/core/rules/projects.ts'
import type { Routes } from '#lib/core/rules/rules.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import { idLearner, learnProjectIds } from '#lib/pipeline/project-ids.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { runLook } from '#lib/pipeline/reconcile/look.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { claimLook, endLease, readLease } from '#lib/store/tables/looks.ts'
import { claimPoll, savePoll } from '#lib/store/tables/polls.ts'
import { insertRejections } from '#lib/store/tables/rejections.ts'
import { fixture, sign, t } from '../fixtures.ts'
import { langfuseProject } from '../projects.ts'
import { engines, type TestStore } from './stores.ts'

const secretOf = (name: string): string => `lf-whsec_${name.padEnd(64, '0')}`
const keysOf = (name: string) => ({ publicKey: `pk-lf-${name}`, secretKey: `sk-lf-${name}` })

const project = (name: string, given: Partial<LangfuseProject> = {}): LangfuseProject =>
  langfuseProject({ name, webhookSecrets: [secretOf(name)], ...given })

const routes: Routes = {
  targets: {
    slack: { type: 'slack', url: 'https://slack.test/a' },
    sales: { type: 'slack', url: 'https://slack.test/b' },
    ops: { type: 'slack', url: 'https://slack.test/c' },
  },
  rules: [
    { name: 'of support', project: 'support', to: ['slack'] },
    { name: 'of sales', project: 'sales', to: ['sales'] },
  ],
  alertTargets: ['ops'],
}

describe.each(engines)('the projects of relay.config.ts on %s', (_, openStore) => {
  let store: TestStore
  let time: number
  const now = () => time
  const { values: env } = readEnv({})

  beforeEach(async () => {
    store = await openStore()
    time = t * 1000
  })
  afterEach(() => store.close())

  const created = JSON.parse(fixture('01-prompt-created-text.json').toString()) as {
    prompt: Record<string, unknown>
  }
  let sent = 0
  /** A new version of a prompt, as Langfuse sends it. */
  const versionOf = (projectId: string, over: Record<string, unknown> = {}) => ({
    ...created,
    id: `event-${++sent}`,
    timestamp: new Date(time).toISOString(),
    prompt: { ...created.prompt, id: `prompt-${sent}`, projectId, ...over },
  })

  /** Sends an event, signed with the secret of a project by its name. `reads`: ids that the store has are looked up. */
  const send = async (
    projects: LangfuseProject[],
    signer: string,
    event: object,
    { reads = false }: { reads?: boolean } = {},
  ) => {
    const directory = createDirectory(projects)
    const body = JSON.stringify(event)
    const signature = sign(body, { secret: secretOf(signer), t: Math.floor(time / 1000) })
    const response = await answerWebhook(
      new Request('http://localhost/api/webhooks/langfuse', {
        method: 'POST',
        headers: { 'x-langfuse-signature': signature },
        body,
      }),
      {
        env,
        directory,
        ...(reads && { learnIds: idLearner(() => learnProjectIds(store.db, directory), now) }),
        now,
        receive: receiver(store.db, { settleMs: 100, now }),
        reject: (rejection) => insertRejections(store.db, [rejection]),
      },
    )
    return { ...((await response.json()) as { error?: string; message?: string }), status: response.status }
  }

  const settle = async (projects: LangfuseProject[], afterMs = 200) => {
    time += afterMs
    const directory = createDirectory(projects)
    while ((await settleDue({ db: store.db, routes, directory, now })).settled > 0);
  }

  const changes = async () =>
    (await store.db.selectFrom('changes').selectAll().orderBy('id').execute()).map((row) => ({
      ...row,
      detail: JSON.parse(row.detail),
    }))
  const queued = async () =>
    (
      await store.db
        .selectFrom('deliveries')
        .select(['target', 'status'])
        .where('status', '=', 'queued')
        .orderBy('id')
        .execute()
    ).map(({ target }) => target)
  const versions = () =>
    store.db.selectFrom('prompt_versions').select(['project_id', 'name', 'version', 'labels']).execute()
  const rejections = () => store.db.selectFrom('rejections').select(['reason', 'message']).execute()

  /** As after the first poll with these keys; null: it failed. */
  const langfuseNames = async ({ baseUrl, keys }: LangfuseProject, projectId: string | null) => {
    const name = pollName({ baseUrl, publicKey: keys?.publicKey ?? '' })
    const claimed = await claimPoll(store.db, name, time, 1)
    if (!claimed) throw new Error('not claimed')
    const error = projectId === null ? { at: time, message: 'Langfuse does not know these API keys' } : null
    await savePoll(store.db, { ...claimed, state: { ...freshState, projectId, error } }, time)
  }

  /** As after a comparison of it with Langfuse. */
  const comparedAs = async ({ name, baseUrl }: LangfuseProject, projectId: string) => {
    const lease = await claimLook(store.db, name, { now: time, leaseMs: 1, restMs: 3_600_000 })
    if (!lease) throw new Error('not claimed')
    await endLease(store.db, { ...lease, state: { ...lease.state, baseUrl, projectId } }, time)
  }

  it('keep the ids that they were compared with if their keys are swapped, so that webhooks still come in', async () => {
    const before = [project('support', { keys: keysOf('a') }), project('sales', { keys: keysOf('b') })]
    const swapped = [project('support', { keys: keysOf('b') }), project('sales', { keys: keysOf('a') })]
    for (const [i, id] of ['cm0support', 'cm0sales'].entries()) {
      const one = before[i]
      if (!one) throw new Error('no project')
      await langfuseNames(one, id)
      await comparedAs(one, id)
    }
    for (const projects of [before, swapped]) {
      const answers = [
        await send(projects, 'support', versionOf('cm0support'), { reads: true }),
        await send(projects, 'sales', versionOf('cm0sales'), { reads: true }),
        await send(projects, 'support', versionOf('cm0sales'), { reads: true }),
      ]
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 401])
    }
    const elsewhere = swapped.map((one) => ({ ...one, baseUrl: 'https://other.test' }))
    for (const [i, id] of ['cm0other', 'cm0third'].entries()) {
      const one = elsewhere[i]
      if (one) await langfuseNames(one, id)
    }
    expect((await send(elsewhere, 'support', versionOf('cm0other'), { reads: true })).status).toBe(202)
    expect((await send(elsewhere, 'support', versionOf('cm0support'), { reads: true })).status).toBe(401)
  })

  const known = [project('support', { id: 'cm0support' }), project('sales', { id: 'cm0sales' })]

  it('keep apart two prompts of one name, and match rules by their names', async () => {
    await send(known, 'support', versionOf('cm0support', { version: 3, labels: ['production'] }))
    await send(known, 'sales', versionOf('cm0sales', { version: 9, labels: [] }))
    await settle(known)
    expect(await queued()).toEqual(['slack', 'sales'])
    expect(await versions()).toMatchObject([
      { project_id: expect.any(String), version: expect.any(Number) },
      { project_id: expect.any(String), version: expect.any(Number) },
    ])
    const bySupport = (await versions()).find((row) => row.project_id === 'cm0support')
    expect(bySupport).toMatchObject({ version: 3, labels: '["production"]' })
    expect((await changes()).map((row) => row.project_id)).toEqual(['cm0support', 'cm0sales'])
  })

  it('refuse an event of one that the secret of another signed, by name and without the secret', async () => {
    const answer = await send(known, 'support', versionOf('cm0sales'))
    expect(answer).toMatchObject({ status: 401, error: 'wrong-project' })
    expect(answer.message).toContain('a secret of support')
    expect(answer.message).not.toContain(secretOf('support').slice(0, 16))
    expect(await rejections()).toMatchObject([{ reason: 'wrong-project', message: answer.message }])
    expect(await changes()).toEqual([])
  })

  it('accept what names no project, whichever secret signed it', async () => {
    const answer = await send(known, 'sales', { type: 'something new', id: 'x' })
    expect(answer.status).toBe(202)
  })

  it('answer 401 to a secret of none', async () => {
    expect(await send(known, 'other', versionOf('cm0support'))).toMatchObject({
      status: 401,
      error: 'signature-mismatch',
    })
  })

  describe('while the id of one is not known', () => {
    const fresh = project('support', { keys: keysOf('support') })
    const projects = [fresh, project('sales', { id: 'cm0sales' })]

    it('store its events, and settle them once Langfuse named it', async () => {
      expect((await send(projects, 'support', versionOf('cm0support'))).status).toBe(202)
      await settle(projects)
      expect((await changes()).map(({ status }) => status)).toEqual(['settling'])
      await langfuseNames(fresh, 'cm0support')
      await settle(projects, 2000)
      expect(await queued()).toEqual(['slack'])
      expect(await versions()).toHaveLength(1)
    })

    it('report an event that turns out to name another, to alertTarget only, and change nothing', async () => {
      expect((await send(projects, 'support', versionOf('cm0other'))).status).toBe(202)
      await langfuseNames(fresh, 'cm0support')
      await settle(projects)
      const [change] = await changes()
      expect(change).toMatchObject({ kind: 'wrong-project', status: 'settled' })
      expect(change?.title).toBe('An event of the project cm0other came with a secret of support')
      expect(change?.detail.facts).toEqual([
        { kind: 'wrong-project', signedFor: 'support', named: 'cm0other', events: 1 },
      ])
      expect(await queued()).toEqual(['ops'])
      expect(await versions()).toEqual([])
    })

    it('never let it touch a project that is known, nor share a change with its events', async () => {
      const event = versionOf('cm0sales', { version: 4, labels: ['production'] })
      expect((await send(projects, 'sales', event)).status).toBe(202)
      const forged = { ...event, id: 'forged', prompt: { ...event.prompt, labels: [], prompt: 'forged' } }
      expect((await send(projects, 'support', forged)).status).toBe(202)
      await settle(projects)
      expect((await changes()).map(({ kind, event_count }) => [kind, event_count])).toEqual([
        ['version-created', 1],
        ['wrong-project', 1],
      ])
      expect(await versions()).toMatchObject([{ project_id: 'cm0sales', labels: '["production"]' }])
    })

    it('wait a minute for Langfuse, and then settle them as what they say', async () => {
      await send(projects, 'support', versionOf('cm0support'))
      await settle(projects, 30_000)
      expect(await queued()).toEqual([])
      await settle(projects, 40_000)
      expect(await queued()).toEqual(['slack'])
      expect((await changes())[0]?.detail.project).toBe('support')
    })

    it('do not wait where Langfuse was asked in vain, for wrong keys, say', async () => {
      await langfuseNames(fresh, null)
      await send(projects, 'support', versionOf('cm0support'))
      await settle(projects)
      expect(await queued()).toEqual(['slack'])
    })

    it('do not delay others meanwhile', async () => {
      await send(projects, 'support', versionOf('cm0support'))
      await send(projects, 'sales', versionOf('cm0sales'))
      await settle(projects)
      expect(await queued()).toEqual(['sales'])
    })
  })

  it('with neither keys nor id match rules by the name of the secret, at once', async () => {
    const projects = [project('support'), project('sales')]
    await send(projects, 'support', versionOf('cm0support'))
    await send(projects, 'sales', versionOf('cm0sales'))
    await settle(projects)
    expect(await queued()).toEqual(['slack', 'sales'])
    expect((await changes()).map(({ detail }) => detail.project)).toEqual(['support', 'sales'])
  })

  it('keep what they stored when the keys of one are rotated', async () => {
    const before = [project('support', { keys: keysOf('support') })]
    await langfuseNames(before[0] as LangfuseProject, 'cm0support')
    await send(before, 'support', versionOf('cm0support', { version: 1, labels: ['production'] }))
    await settle(before)
    const after = [project('support', { keys: keysOf('rotated') })]
    await send(after, 'support', versionOf('cm0support', { version: 2, labels: [] }))
    await langfuseNames(after[0] as LangfuseProject, 'cm0support')
    await settle(after)
    expect((await versions()).map((row) => [row.project_id, row.version])).toEqual([
      ['cm0support', 1],
      ['cm0support', 2],
    ])
  })

  it('settle an event once, where one of two instances does not know the id yet', async () => {
    const fresh = [project('support', { keys: keysOf('support') })]
    const event = versionOf('cm0support')
    expect((await send(fresh, 'support', event)).status).toBe(202)
    await langfuseNames(fresh[0] as LangfuseProject, 'cm0support')
    // The other instance has learned it: Langfuse sends the same event again.
    expect((await send([project('support', { id: 'cm0support' })], 'support', event)).status).toBe(200)
    await Promise.all([settle(fresh), settle(fresh)])
    expect((await changes()).map(({ status, event_count }) => [status, event_count])).toEqual([
      ['settled', 1],
    ])
    expect(await queued()).toEqual(['slack'])
  })

  it('have one change for an edit that came to two instances, of which one has just started', async () => {
    const fresh = project('support', { keys: keysOf('support') })
    await langfuseNames(fresh, 'cm0support')
    await send([project('support', { id: 'cm0support' })], 'support', versionOf('cm0support', { version: 1 }))
    await send([fresh], 'support', versionOf('cm0support', { version: 2 }), { reads: true })
    expect((await send([fresh], 'support', versionOf('cm0sales'), { reads: true })).status).toBe(401)
    expect((await changes()).map(({ event_count }) => event_count)).toEqual([2])
  })

  it('read the store once in 5 s for an id that it does not have either', async () => {
    let reads = 0
    const learn = idLearner(
      async () => {
        reads += 1
        if (reads === 2) throw new Error('The store is out of reach')
      },
      () => time,
    )
    await Promise.all([learn(), learn(), learn()])
    time += 4999
    await learn()
    expect(reads).toBe(1)
    time += 1
    await learn()
    expect(reads).toBe(2)
  })

  it('store an event of either, while two of them have one secret by mistake', async () => {
    const shared = known.map((one) => ({ ...one, webhookSecrets: [secretOf('shared')] }))
    expect((await send(shared, 'shared', versionOf('cm0support'))).status).toBe(202)
    expect((await send(shared, 'shared', versionOf('cm0sales'))).status).toBe(202)
    expect((await send(shared, 'shared', versionOf('cm0other'))).status).toBe(401)
  })

  it('are fifty, each with its secret', async () => {
    const names = Array.from({ length: 50 }, (_, place) => `team-${place}-`)
    const many = names.map((name) => project(name, { id: `cm0${name}` }))
    for (const name of [names[0], names[49]] as string[]) {
      expect((await send(many, name, versionOf(`cm0${name}`))).status).toBe(202)
      expect((await send(many, name, versionOf('cm0team-7-'))).status).toBe(401)
    }
  })

  it('refuse what came with swapped ids, and say so', async () => {
    const swapped = [project('support', { id: 'cm0sales' }), project('sales', { id: 'cm0support' })]
    expect((await send(swapped, 'support', versionOf('cm0support'))).status).toBe(401)
    expect((await send(swapped, 'sales', versionOf('cm0sales'))).status).toBe(401)
    expect((await rejections()).map(({ reason }) => reason)).toEqual(['wrong-project', 'wrong-project'])
  })

  it('compare one project of Langfuse once, where two of them have keys of it', async () => {
    const asked: string[] = []
    const fetch: typeof globalThis.fetch = async (input) => {
      asked.push(new URL(String(input)).pathname)
      if (asked.at(-1) === '/api/public/projects') return Response.json({ data: [{ id: 'cm0same' }] })
      return Response.json({ data: [], meta: { page: 1, limit: 100, totalItems: 0, totalPages: 0 } })
    }
    const two = [project('support', { keys: keysOf('a') }), project('sales', { keys: keysOf('b') })]
    const directory = createDirectory(two)
    const compare = (one: LangfuseProject) =>
      runLook({
        ...{ db: store.db, project: one, directory, now, everyMs: 300_000, settleMs: 2000 },
        api: { baseUrl: one.baseUrl, ...(one.keys ?? keysOf('none')), fetch },
        ...{ stopping: () => false, until: time + 60_000, onStored: () => {} },
      })
    await compare(two[0] as LangfuseProject)
    expect(asked.length).toBeGreaterThan(1)
    asked.length = 0
    await compare(two[1] as LangfuseProject)
    expect(asked).toEqual(['/api/public/projects'])
    expect((await readLease(store.db, 'sales'))?.error?.message).toBe(
      'These API keys belong to the same project in Langfuse as those of support',
    )
    expect((await readLease(store.db, 'support'))?.error).toBeNull()
  })

  it('let changes settle whose project has been removed from the configuration', async () => {
    await send(known, 'support', versionOf('cm0support'))
    await send([project('support')], 'support', versionOf('cm0later'))
    await settle([project('sales', { id: 'cm0sales' })])
    expect((await changes()).map(({ status, kind }) => [status, kind])).toEqual([
      ['settled', 'version-created'],
      ['settled', 'version-created'],
    ])
  })
})

describe('the secret of the plain variables', () => {
  it('signs for any project where there is no section, as before', () => {
    const directory = createDirectory([project('default', { id: 'cm0a', signsForAny: true })])
    const [of] = directory.projects
    expect(of && directory.signedFor(of, 'cm0b')).toBe('right')
  })

  it('belongs to default where there is one', () => {
    const directory = createDirectory([project('default', { id: 'cm0a' }), project('support')])
    const [of] = directory.projects
    expect(of && directory.signedFor(of, 'cm0b')).toBe('wrong')
    expect(of && directory.signedFor(of, 'cm0a')).toBe('right')
  })
})
