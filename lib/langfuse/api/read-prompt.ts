import { z } from 'zod'
import { isDeeperThan, type JsonObject } from '../../base/json.ts'
import { pathSegment } from '../../base/url-path.ts'
import type { VersionState } from '../../core/change/change.ts'
import type { TrueVersion } from '../../core/reconcile/compare.ts'
import { problemOf, storable } from '../body.ts'
import { type ListedPrompt, listPrompts, strange } from './listing.ts'
import { time } from './page.ts'
import { getFromLangfuse, type LangfuseApi, type LangfuseFailure } from './request.ts'

/** One version of a prompt as it was read. */
export interface VersionRead extends TrueVersion {
  /** As Langfuse gave it, with its text and config, unless they are nested too deeply to be stored. */
  row: JsonObject | null
}

export interface PromptTruth {
  ok: true
  /** The live versions, ascending; none: there is no such prompt. */
  versions: VersionRead[]
  /** The newest `updatedAt` of them, epoch milliseconds; null: there is no such prompt. */
  lastUpdatedAt: number | null
  /** Known versions that do not exist any more: a listing is without them, and each was not found. */
  gone: number[]
  /** Known versions that a listing is without; there were too many to look for each. */
  unconfirmed: number[]
  /**
   * Labels that there were too many of to read, and that are given to those known to have them: how many have been passed.
   * Null: none.
   */
  passed: number | null
  /** Langfuse's own time, epoch milliseconds. */
  at: number | null
}

/** `isChanging`: an edit came between the requests, so the prompt has to be read again. */
export type PromptRead = PromptTruth | PromptFailure
type PromptFailure = LangfuseFailure & { isChanging?: true }

export interface KnownPrompt {
  projectId: string
  name: string
  known: readonly VersionState[]
  /** Labels that an earlier reading passed; absent: none. */
  passed?: number
}

const maxRequests = 200
/** For the holders of labels; the rest is for versions. */
const maxHolders = 150

const moment = time.transform((iso) => Date.parse(iso))

const fullRow = z.object({
  id: z.string().min(1),
  projectId: z.string(),
  name: z.string(),
  version: z.int32().min(1),
  labels: z.array(z.string()),
  tags: z.array(z.string()).default([]),
  type: z.string(),
  commitMessage: z.string().nullish(),
  createdBy: z.string().nullish(),
  createdAt: moment,
  updatedAt: moment,
})

type Selector = { version: number } | { label: string }

interface Asking extends KnownPrompt {
  api: LangfuseApi
  /** Whether another request may be sent. */
  mayRead: () => boolean
}

/** One prompt while it is read. */
interface Reading extends Asking {
  listed: ListedPrompt
  found: Map<number, VersionRead>
  /** The labels of the versions found so far. */
  held: Set<string>
}

/**
 * The live versions of one prompt, in as few requests as tell which version has each label: its listing, the holder of each
 * label, known holders that have lost one, new versions, and versions that the listing is without. All others have no label.
 * At most 200 requests, one after another: of very many labels, some at a time. The keys must be those of the project.
 */
export async function readPrompt(api: LangfuseApi, prompt: KnownPrompt): Promise<PromptRead> {
  const { name, known } = prompt
  let requests = 0
  const fetch: LangfuseApi['fetch'] = (...request) => {
    requests++
    return api.fetch(...request)
  }
  const counted = { ...api, fetch }
  const listing = await listPrompts(counted, { name, page: 1, limit: 1 })
  if (!listing.ok) return listing
  const { at, rows } = listing
  const [listed] = rows
  const live = known.filter(({ deleted }) => !deleted).map(({ version }) => version)
  const mayRead = (): boolean => requests < maxRequests
  if (!listed) {
    const missing = await readMissing({ ...prompt, api: counted, mayRead }, live)
    if (!missing.ok) return missing
    // Without a row, those that there are too many of to be asked for are gone with the others.
    const gone = [...missing.gone, ...missing.unconfirmed].toSorted((a, b) => a - b)
    return { ok: true, versions: [], lastUpdatedAt: null, gone, unconfirmed: [], passed: null, at }
  }
  if (listed.name !== name) return strange(`expected the prompt ${name}, received ${listed.name}`)
  const reading: Reading = { ...prompt, api: counted, mayRead, listed, found: new Map(), held: new Set() }
  const holders = await readHolders(reading, () => requests < maxHolders)
  if ('ok' in holders) return holders
  const failure = (await readOthers(reading)) ?? (await readReplaced(reading))
  if (failure) return failure
  const versions = new Set(listed.versions)
  const missing = await readMissing(
    reading,
    live.filter((one) => !versions.has(one)),
  )
  return missing.ok ? { ...missing, ...truthOf(reading), ...holders, at } : missing
}

const changing: PromptFailure = {
  ok: false,
  status: 200,
  retryAfterMs: null,
  message: 'The prompt was edited while it was read',
  isChanging: true,
}

const firstLabels = ['latest', 'production']

/** Reads the holders of labels: `latest` and `production` each time, of all others some at a time. */
async function readHolders(
  reading: Reading,
  mayRead: () => boolean,
): Promise<PromptFailure | { passed: number | null }> {
  const { listed, held, passed = 0 } = reading
  const first = firstLabels.filter((label) => listed.labels.includes(label))
  const others = listed.labels.filter((label) => !firstLabels.includes(label)).toSorted()
  const ordered = [...first, ...others.slice(passed), ...others.slice(0, passed)]
  for (const [at, label] of ordered.entries()) {
    if (held.has(label)) continue
    if (!mayRead()) {
      const reached = passed + at - first.length
      return { passed: reached < others.length ? reached : null }
    }
    const failure = await readInto(reading, { label })
    if (failure) return failure
  }
  return { passed: null }
}

/** Labels whose holders were not read. */
const unreadOf = ({ listed, held }: Reading): Set<string> =>
  new Set(listed.labels.filter((label) => !held.has(label)))

/** Known holders that have lost a label, and new versions. Of very many, the last stay as the listing shows them. */
async function readOthers(reading: Reading): Promise<PromptFailure | null> {
  const { listed, known, found, mayRead } = reading
  const states = new Map(known.flatMap((state) => (state.deleted ? [] : [[state.version, state] as const])))
  const unread = unreadOf(reading)
  const isWorthReading = (version: number): boolean => {
    const state = states.get(version)
    return !state || state.labels.some((label) => !unread.has(label))
  }
  for (const version of listed.versions.filter(isWorthReading).toReversed()) {
    if (found.has(version)) continue
    if (!mayRead()) return null
    const failure = await readInto(reading, { version })
    if (failure) return failure
  }
  return null
}

/**
 * A version that was deleted and created again has the same number and another id. All live versions with higher numbers
 * were then created later, so the highest known one shows whether there is any.
 */
async function readReplaced(reading: Reading): Promise<PromptFailure | null> {
  const { listed, known, found, mayRead } = reading
  const versions = new Set(listed.versions)
  const comparable = known
    .filter(({ version, promptId, deleted }) => !deleted && promptId !== null && versions.has(version))
    .toSorted((a, b) => b.version - a.version)
  for (const { version, promptId } of comparable) {
    if (!found.has(version)) {
      if (!mayRead()) return null
      const failure = await readInto(reading, { version })
      if (failure) return failure
    }
    const id = found.get(version)?.promptId ?? null
    if (id === null || id === promptId) return null
  }
  return null
}

type Missing = { ok: true; gone: number[]; unconfirmed: number[] } | PromptFailure

/** Asks for known versions that a listing is without, the highest first: one that is behind shows no deletion. */
async function readMissing(reading: Asking, unlisted: readonly number[]): Promise<Missing> {
  const gone: number[] = []
  const unconfirmed: number[] = []
  for (const version of unlisted.toSorted((a, b) => b - a)) {
    if (!reading.mayRead()) {
      unconfirmed.push(version)
      continue
    }
    const read = await readVersion(reading, { version })
    if (!read.ok) return read
    if (read.version) return changing
    gone.push(version)
  }
  return { ok: true, gone: gone.toReversed(), unconfirmed }
}

/** Reads a version that the listing shows. */
async function readInto(reading: Reading, selector: Selector): Promise<PromptFailure | null> {
  const read = await readVersion(reading, selector)
  if (!read.ok) return read
  const { version } = read
  const isAsked = version && ('version' in selector || version.labels.includes(selector.label))
  if (!isAsked || !reading.listed.versions.includes(version.version)) return changing
  reading.found.set(version.version, version)
  for (const label of version.labels) reading.held.add(label)
  return null
}

type OneRead = { ok: true; version: VersionRead | null } | LangfuseFailure

/**
 * By its own address, or where that proves nothing, by a listing: no address can contain `..`, a proxy may not find what is
 * encoded, such as a slash, and an answer may be too large.
 */
async function readVersion(reading: Asking, selector: Selector): Promise<OneRead> {
  const segment = pathSegment(reading.name)
  if (segment !== null) {
    const path = `/api/public/v2/prompts/${segment}`
    const answer = await getFromLangfuse(reading.api, path, { ...selector, resolve: 'false' })
    if (answer.ok) return fullVersion(reading, answer.json)
    if (answer.status === 404 && segment === reading.name) return { ok: true, version: null }
    if (answer.status !== 404 && !answer.isTooLarge) return answer
  }
  const listing = await listPrompts(reading.api, { name: reading.name, ...selector, page: 1, limit: 1 })
  if (!listing.ok) return listing
  const [listed] = listing.rows
  const version = listed?.versions.findLast((one) => !('version' in selector) || one === selector.version)
  if (!listed || version === undefined) return { ok: true, version: null }
  // Langfuse takes `version` here, but does not document it.
  if (listed.versions.length > 1 && 'version' in selector)
    return strange(`expected version ${version} alone, received ${listed.versions.length} versions`)
  const { labels, tags, type, lastUpdatedAt } = listed
  const none = { createdAt: null, promptId: null, commitMessage: null, createdBy: null, row: null }
  return {
    ok: true,
    version: { version, labels, tags, promptType: type, updatedAt: lastUpdatedAt, ...none },
  }
}

/** Text with a reference to another prompt, which webhooks contain resolved. */
const reference = '@@@langfusePrompt:'

/** The body of an event may have 100 levels, one of them around the row. */
const maxRowDepth = 99

/** Null: it is nested too deeply. */
const storableRow = (row: JsonObject): JsonObject | null => (isDeeperThan(maxRowDepth, row) ? null : row)

async function fullVersion(reading: Asking, json: unknown): Promise<OneRead> {
  const read = fullRow.safeParse(json)
  if (!read.success) return strange(read.error.issues.slice(0, 1).map(problemOf).join())
  const { id, projectId, name, type, commitMessage, createdBy, ...rest } = storable(read.data)
  if (projectId !== reading.projectId)
    return strange(`\`projectId\`: expected ${reading.projectId}, received ${projectId}`)
  if (name !== reading.name) return strange(`\`name\`: expected ${reading.name}, received ${name}`)
  const row = storableRow(json as JsonObject)
  const isComposed = row !== null && JSON.stringify(row.prompt ?? null).includes(reference)
  const resolved = isComposed ? await resolvedText(reading, read.data) : undefined
  return {
    ok: true,
    version: {
      ...rest,
      promptType: type,
      promptId: id,
      commitMessage: commitMessage ?? null,
      createdBy: createdBy ?? null,
      row: resolved === undefined ? row : { ...row, prompt: resolved },
    },
  }
}

/** Undefined where a reference cannot be resolved. */
async function resolvedText(
  { api, name, mayRead }: Asking,
  { id, version }: { id: string; version: number },
): Promise<unknown> {
  if (!mayRead()) return undefined
  const answer = await getFromLangfuse(api, `/api/public/v2/prompts/${pathSegment(name)}`, { version })
  const read = z.object({ id: z.literal(id), prompt: z.unknown() }).safeParse(answer.ok ? answer.json : null)
  const prompt = read.data?.prompt
  return isDeeperThan(maxRowDepth - 1, prompt) ? undefined : prompt
}

/** What was read at different times, made one: each label is on the version that was changed last, and tags are shared. */
function truthOf(reading: Reading): Pick<PromptTruth, 'versions' | 'lastUpdatedAt'> {
  const { listed, found, known } = reading
  const open = unreadOf(reading)
  const states = new Map(known.flatMap((state) => (state.deleted ? [] : [[state.version, state] as const])))
  const holders = new Map<string, VersionRead>()
  for (const one of [...found.values()].toSorted((a, b) => (a.updatedAt ?? 0) - (b.updatedAt ?? 0)))
    for (const label of one.labels) holders.set(label, one)
  const tags = found.get(listed.versions.at(-1) ?? 0)?.tags ?? listed.tags
  const unread = {
    labels: [],
    tags,
    promptType: listed.type,
    updatedAt: null,
    createdAt: null,
    promptId: null,
    commitMessage: null,
    createdBy: null,
    row: null,
  }
  const versions = listed.versions.map((version): VersionRead => {
    const one = found.get(version)
    if (!one) {
      const state = states.get(version)
      const labels = state?.labels.filter((label) => open.has(label)) ?? []
      // What was not read may have been updated since.
      return { version, ...unread, ...(state && labels.length > 0 && { labels, updatedAt: state.updatedAt }) }
    }
    return { ...one, tags, labels: one.labels.filter((label) => holders.get(label) === one) }
  })
  const times = versions.map(({ updatedAt }) => updatedAt ?? 0)
  return { versions, lastUpdatedAt: times.reduce((max, at) => Math.max(max, at), listed.lastUpdatedAt) }
}
