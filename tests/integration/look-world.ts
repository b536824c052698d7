import type { Change } from '#lib/core/change/change.ts'
import { openEvent } from '#lib/langfuse/opened-event.ts'
import { receiver } from '#lib/pipeline/receive.ts'
import { runLook } from '#lib/pipeline/reconcile/look.ts'
import type { LookDeps } from '#lib/pipeline/reconcile/run.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { changeColumns } from '#lib/store/schema.ts'
import { nextOpenChange, toChange } from '#lib/store/tables/changes.ts'
import { type Look, readLease, readLook } from '#lib/store/tables/looks.ts'
import { createApi, type ModelApi } from '../model/api.ts'
import type { ModelVersion } from '../model/edits.ts'
import {
  createModel,
  type EditKind,
  type Model,
  type ModelOptions,
  type PromptWebhook,
  type Step,
} from '../model/langfuse.ts'
import { randomFrom } from '../model/play.ts'
import { langfuseProject } from '../projects.ts'
import type { TestStore } from './stores.ts'

const keys = { publicKey: 'pk-lf-model', secretKey: 'sk-lf-model' }
export const baseUrl = 'https://langfuse.test'
export const settleMs = 2000
export const everyMs = 300_000
export const graceMs = settleMs + 120_000
export const minute = 60_000
const routes = { targets: {}, rules: [], alertTargets: [] }

/** The relay is killed where it asks for the time: between steps, in them, and in transactions. */
export class Killed extends Error {}

/** How long a webhook takes, milliseconds; null: it is lost. */
type DelayOf = (event: PromptWebhook) => number | null

interface WorldOptions extends ModelOptions {
  seed?: number
  delayOf?: DelayOf
  api?: Partial<Parameters<typeof createApi>[1]>
  look?: Partial<LookDeps>
}

export interface World {
  model: Model
  api: ModelApi
  now: () => number
  /** An edit now, and its webhooks on their way. */
  edit: (kind?: EditKind, name?: string) => Step
  send: (events: readonly PromptWebhook[], delayOf?: DelayOf) => void
  delayOf: DelayOf
  /** Time passes: webhooks arrive, changes settle, looks are made when they are due. */
  pass: (ms: number) => Promise<void>
  /** Makes what is due now. */
  look: (over?: Partial<LookDeps>) => Promise<number | null>
  /** How likely the relay is killed at each of these moments. */
  killShare: number
  /** Stands between the relay and Langfuse's API; null: nothing does. */
  between: ((url: URL, ask: () => Promise<Response>) => Promise<Response>) | null
  /** For the keys of the relay; another secret is not known to Langfuse. */
  keys: { publicKey: string; secretKey: string }
  settle: () => Promise<void>
  /** Webhooks that are due arrive. */
  arrive: () => Promise<void>
  state: () => Promise<Look>
  lease: () => ReturnType<typeof readLease>
  changes: () => Promise<Change[]>
  /** Those that a comparison found. */
  found: () => Promise<Change[]>
  counts: () => Promise<Record<string, number>>
  /** What the relay knows and what is so, in the same form. */
  known: () => Promise<string[]>
  truth: () => string[]
}

const line = (name: string, version: number, labels: readonly string[], tags: readonly string[]): string =>
  `${name} v${version} [${labels.toSorted().join()}] (${tags.toSorted().join()})`

/** Langfuse as a model, with its API and its webhooks, beside a relay over a store, on one clock. */
export function lookWorld({ db }: TestStore, options: WorldOptions = {}): World {
  const { seed = 1, delayOf: _, api: apiOptions = {}, look: lookOptions = {}, ...more } = options
  const model = createModel(randomFrom(seed), more)
  const { clock, projectId } = model
  const now = () => clock.at
  const onWay: { at: number; body: PromptWebhook }[] = []
  const api = createApi([{ name: 'Model', ...keys, model }], {
    random: randomFrom(seed + 1),
    onStep: (step) => send(step.events),
    ...apiOptions,
  })
  const project = langfuseProject({ name: 'support', baseUrl, keys })
  const receive = receiver(db, { settleMs, now })

  function send(events: readonly PromptWebhook[], delay = world.delayOf): void {
    for (const body of events) {
      const ms = delay(body)
      if (ms !== null) onWay.push({ at: now() + ms, body })
    }
  }

  async function arrive(): Promise<void> {
    const due = onWay.filter(({ at }) => at <= now()).toSorted((a, b) => a.at - b.at)
    for (const one of due) onWay.splice(onWay.indexOf(one), 1)
    for (const { body } of due) {
      const json = JSON.parse(JSON.stringify(body))
      const bytes = Buffer.from(JSON.stringify(json))
      const meta = { source: 'langfuse-webhook' as const, headers: '{}', signature: 'v1', secretHint: 'cdef' }
      const timestamp = Date.parse(body.timestamp)
      const opened = openEvent(json, { rawBody: bytes, timestamp, now: now() })
      await receive({ ...opened, ...meta, receivedAt: now(), body: bytes, test: false })
    }
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      const { claimed } = await settleDue({ db, routes, now })
      if (claimed === 0) return
    }
    throw new Error('It does not settle')
  }

  const fetch: typeof globalThis.fetch = (input, init) => {
    const ask = () => api.fetch(input, init)
    return world.between ? world.between(new URL(new Request(input, init).url), ask) : ask()
  }
  const drawn = randomFrom(seed + 2)
  const nowOrDie = () => {
    if (world.killShare > 0 && drawn() < world.killShare) throw new Killed()
    return now()
  }
  const look = (over: Partial<LookDeps> = {}) =>
    runLook({
      ...{
        db,
        project,
        now: nowOrDie,
        everyMs,
        settleMs,
        stopping: () => false,
        until: Number.POSITIVE_INFINITY,
      },
      ...{ api: { baseUrl, ...world.keys, fetch }, onStored: () => {}, ...lookOptions, ...over },
    })

  /** A relay that was killed is started again, and finds the lease of the one before. */
  async function nextLook(): Promise<number> {
    try {
      return (await look()) ?? now() + everyMs
    } catch (error) {
      if (!(error instanceof Killed)) throw error
      return now() + 1000
    }
  }

  let lookAt = 0
  async function pass(ms: number): Promise<void> {
    const end = now() + ms
    while (true) {
      await arrive()
      await settle()
      if (lookAt <= now()) {
        lookAt = await nextLook()
        if (lookAt <= now()) lookAt = now() + 100
        await settle()
      }
      const settleAt = (await nextOpenChange(db)) ?? end + 1
      const next = Math.min(lookAt, Math.max(settleAt, now() + 100), ...onWay.map(({ at }) => at))
      if (next > end) break
      clock.at = Math.max(now(), next)
    }
    clock.at = Math.max(now(), end)
    await arrive()
    await settle()
  }

  const changes = async (): Promise<Change[]> => {
    const rows = await db.selectFrom('changes').select(changeColumns).orderBy('id').execute()
    return rows.map(toChange)
  }
  const world: World = {
    ...{
      model,
      api,
      now,
      send,
      pass,
      look,
      settle,
      arrive,
      changes,
      killShare: 0,
      between: null,
      keys,
      delayOf: options.delayOf ?? (() => 500),
    },
    edit: (kind, name) => {
      const step = model.edit(kind, { after: 0, ...(name !== undefined && { name }) })
      send(step.events)
      return step
    },
    state: () => readLook(db, { baseUrl, projectId }),
    lease: () => readLease(db, 'support'),
    found: async () => {
      const rows = await db
        .selectFrom('events')
        .select('change_id')
        .where('source', '=', 'langfuse-reconcile')
        .execute()
      const ids = new Set(rows.map(({ change_id }) => change_id))
      return (await changes()).filter(({ id }) => ids.has(id))
    },
    counts: async () => {
      const rows = await db.selectFrom('reconcile_counts').select(['what', 'count']).execute()
      return Object.fromEntries(rows.map(({ what, count }) => [what, Number(count)]))
    },
    known: async () => {
      const rows = await db
        .selectFrom('prompt_versions')
        .select(['name', 'version', 'labels', 'tags'])
        .where('project_id', '=', projectId)
        .where('deleted', '=', 0)
        .execute()
      return rows
        .map((row) => line(row.name, row.version, JSON.parse(row.labels), JSON.parse(row.tags)))
        .toSorted()
    },
    truth: () =>
      [...model.prompts]
        .flatMap(([name, versions]: [string, readonly ModelVersion[]]) =>
          versions.map(({ version, labels, tags }) => line(name, version, labels, tags)),
        )
        .toSorted(),
  }
  return world
}
