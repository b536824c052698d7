import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import type { Fact } from '#lib/core/change/change.ts'
import { authorOf } from '#lib/core/change/change.ts'
import { factKinds } from '#lib/core/change/kinds.ts'
import { answerWebhook } from '#lib/endpoints/webhook.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { toChange } from '#lib/store/tables/changes.ts'
import { versionsOf } from '#lib/store/tables/prompts.ts'
import { fixture, secret, sign, t } from '../fixtures.ts'
import { createModel, type PromptWebhook } from '../model/langfuse.ts'
import { doubleAutomation, lose, repeat, shuffle } from '../model/network.ts'
import { randomFrom } from '../model/play.ts'
import { engines, type TestStore } from './stores.ts'

const { env } = readEnv({ LANGFUSE_WEBHOOK_SECRET: secret })
const routes = { targets: {}, rules: [], alertTargets: [] }
const projectId = 'cmfq1x7h3000108l4b2k9d6tz'
const edits = 400

/** A relay with its own clock, which gets events as Langfuse sends them. */
function startRelay({ db }: TestStore) {
  let time = t * 1000
  const now = () => time
  const receive = receiver(db, { settleMs: 2000, now })
  const settle = async () => {
    while ((await settleDue({ db, routes, now })).claimed > 0);
  }
  const post = async (body: PromptWebhook) => {
    const raw = JSON.stringify(body)
    const headers = { 'x-langfuse-signature': sign(raw, { t: Math.floor(time / 1000) }) }
    const request = new Request('http://localhost/', { method: 'POST', headers, body: raw })
    if (!env) throw new Error('The environment has problems')
    const answer = await answerWebhook(request, {
      env,
      now,
      receive: (one: Arrival) => receive(one),
      reject: async () => {},
    })
    expect([200, 202]).toContain(answer.status)
  }
  return {
    /** All of them before the loop runs; then a quiet period. */
    hearAtOnce: async (events: PromptWebhook[]) => {
      for (const event of events) await post(event)
      time += 11_000
      await settle()
    },
    /** All of them within 500 ms, with a run of the loop after each; then a quiet period. */
    hear: async (events: PromptWebhook[], random: () => number) => {
      for (const event of events) {
        time += Math.floor((random() * 500) / events.length)
        await post(event)
        await settle()
      }
      const early = await db.selectFrom('changes').select('id').where('status', '=', 'settling').execute()
      time += 11_000
      await settle()
      return { wasEarly: early.length === 0 }
    },
  }
}

describe.each(engines)('changes on %s', (_, openStore) => {
  let store: TestStore
  beforeEach(async () => {
    store = await openStore()
  })
  afterEach(() => store.close())

  const changes = async () => {
    const rows = await store.db.selectFrom('changes').selectAll().orderBy('id').execute()
    return rows.map(toChange)
  }

  it('match the edits that fire events one to one, whatever the order, repeats and automations', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = randomFrom(seed)
    // A copy whose first version holds `latest` looks complete with its first event.
    const model = createModel(random, { without: ['latest goes back'] })
    const relay = startRelay(store)
    const expected: { kind: string; subject: string; version: number; actor: string | null }[] = []
    for (let i = 0; i < edits; i++) {
      const step = model.edit()
      if (!step.expected) continue
      const { kind, version, actor } = step.expected
      expected.push({ kind, subject: step.edit.name, version, actor })
      const twice = doubleAutomation(step.events, random)
      await relay.hear(shuffle(repeat(twice, random), random), random)
    }
    const seen = await changes()
    const told = seen.map(({ kind, subject, version, actor }) => ({ kind, subject, version, actor }))
    expect(told, `seed ${seed}`).toEqual(expected)
    expect(seen.filter(({ status }) => status !== 'settled')).toEqual([])
    for (const [name, versions] of model.prompts) {
      const known = (await versionsOf(store.db, { projectId, name })).filter(({ deleted }) => !deleted)
      for (const version of versions) {
        const one = known.find((state) => state.version === version.version)
        const labels = (list: string[] | undefined) => list?.filter((label) => label !== 'latest').toSorted()
        expect(labels(one?.labels), `seed ${seed}, ${name} v${version.version}`).toEqual(
          labels(version.labels),
        )
      }
    }
  }, 120_000)

  it('name both people who edit within one window, and report an alert that two automations send once', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = randomFrom(seed)
    const model = createModel(random)
    const relay = startRelay(store)
    const expected: string[][] = []
    const names = (facts: readonly Fact[], actor: string | null) =>
      facts
        .map((fact) => `${fact.kind} by ${fact.kind === 'unchanged' ? undefined : authorOf(fact, { actor })}`)
        .toSorted()
    for (let i = 0; i < edits / 8; i++) {
      const step = i % 2 === 0 ? model.edit() : model.crossing()
      if (!step.expected) continue
      expected.push(step.expected.facts.map(({ fact, by }) => `${fact.kind} by ${by}`).toSorted())
      await relay.hearAtOnce(shuffle(doubleAutomation(step.events, random), random))
    }
    const seen = await changes()
    expect(
      seen.map(({ detail, actor }) => names(detail.facts, actor)),
      `seed ${seed}`,
    ).toEqual(expected)

    const alert = JSON.parse(fixture('09-monitor-alert.json').toString())
    await relay.hear(
      doubleAutomation(
        [alert, { ...alert, id: 'later', payload: { ...alert.payload, severity: 'WARNING' } }],
        random,
      ),
      random,
    )
    const alerts = (await changes()).slice(seen.length)
    expect(alerts.map(({ kind }) => kind)).toEqual(['alert', 'alert'])
  }, 120_000)

  it('are settled before the quiet window ends when every predicted event has come', async () => {
    const random = randomFrom(7)
    const model = createModel(random)
    const relay = startRelay(store)
    await relay.hear(model.edit('create').events, random)
    for (const kind of [...Array(15).fill('create'), ...Array(5).fill('add label')]) {
      const step = model.edit(kind)
      expect((await relay.hear(shuffle(step.events, random), random)).wasEarly).toBe(true)
    }
  })

  it('never say "promoted" falsely, or go backward, if a fifth of the events are lost', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = randomFrom(seed)
    const model = createModel(random)
    const relay = startRelay(store)
    /** The successive holders of every label, by prompt and label. */
    const held = new Map<string, Set<number>>()
    for (let i = 0; i < edits / 2; i++) {
      const step = model.edit()
      for (const [name, versions] of model.prompts) {
        for (const { version, labels } of versions) {
          for (const label of labels) {
            const key = `${name} ${label}`
            held.set(key, (held.get(key) ?? new Set()).add(version))
          }
        }
      }
      await relay.hear(shuffle(lose(step.events, random, 0.2), random), random)
    }
    const moves = (await changes()).flatMap(({ subject, detail }) =>
      detail.facts.flatMap((fact) =>
        fact.kind === 'promoted' || fact.kind === 'rolled-back' ? [{ subject, ...fact }] : [],
      ),
    )
    expect(moves.length).toBeGreaterThan(5)
    for (const { subject, label, from, to } of moves) {
      const holders = held.get(`${subject} ${label}`)
      expect(
        [holders?.has(from), holders?.has(to)],
        `seed ${seed}: ${subject} ${label} ${from} → ${to}`,
      ).toEqual([true, true])
    }
  }, 60_000)

  it('have a known kind', async () => {
    const random = randomFrom(11)
    const model = createModel(random)
    const relay = startRelay(store)
    for (let i = 0; i < 30; i++) await relay.hear(model.edit().events, random)
    expect((await changes()).filter(({ kind }) => !factKinds.includes(kind))).toEqual([])
  })
})
