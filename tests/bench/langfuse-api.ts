/** A stand-in for Langfuse's API for prompts, in a process of its own, with as many prompts as it is told to have. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveTasks } from './worker.ts'

export type ApiTask =
  | { kind: 'fill'; prompts: number; versions: number; at: number }
  /** In each of this many prompts a new version is made, and then gets `production`. */
  | { kind: 'edit'; prompts: number; at: number }
  | { kind: 'requests' }

export interface ApiAnswer {
  url: string
  /** Since the last task of this kind. */
  requests: number
}

interface Version {
  version: number
  labels: string[]
  updatedAt: number
  createdAt: number
}

interface Prompt {
  name: string
  versions: Version[]
}

/** Those with a label: all of them have these two. */
const byLabel = new Map<string, Prompt[]>()
const projectId = 'cm0bench00000000000000000'
const prompts: Prompt[] = []
const byName = new Map<string, Prompt>()
let requests = 0

function fill(count: number, versions: number, at: number): void {
  prompts.length = 0
  byName.clear()
  for (let i = 0; i < count; i++) {
    const all = Array.from({ length: versions }, (_, v): Version => {
      const labels = [
        ...(v === versions - 1 ? ['latest'] : []),
        ...(v === versions - 2 ? ['production'] : []),
      ]
      return { version: v + 1, labels, updatedAt: at + v, createdAt: at + v }
    })
    const prompt = { name: `team-${i % 50}/prompt-${String(i).padStart(6, '0')}`, versions: all }
    prompts.push(prompt)
    byName.set(prompt.name, prompt)
  }
  prompts.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const label of ['latest', 'production']) byLabel.set(label, prompts)
}

function edit(count: number, at: number): void {
  for (const { versions } of prompts.slice(0, count)) {
    const last = versions.at(-1)
    for (const one of versions) {
      if (one.labels.length > 0) one.updatedAt = at
      one.labels = []
    }
    const version = (last?.version ?? 0) + 1
    versions.push({ version, labels: ['latest', 'production'], updatedAt: at, createdAt: at })
  }
}

interface Filter {
  label: string | null
  version: number | null
  from: number
}

const matching = ({ versions }: Prompt, { label, version, from }: Filter): Version[] =>
  versions.filter(
    (one) =>
      (label === null || one.labels.includes(label)) &&
      (version === null || one.version === version) &&
      one.updatedAt >= from,
  )

function list(search: URLSearchParams): unknown {
  const [page, limit] = [Number(search.get('page') ?? 1), Number(search.get('limit') ?? 10)]
  const name = search.get('name')
  const filter: Filter = {
    label: search.get('label'),
    version: search.has('version') ? Number(search.get('version')) : null,
    from: Date.parse(search.get('fromUpdatedAt') ?? '1970-01-01T00:00:00Z'),
  }
  const all = filter.label === null ? prompts : (byLabel.get(filter.label) ?? [])
  const own = name === null ? all : [byName.get(name)].filter((one) => one !== undefined)
  // Without a time, every prompt matches, so that only the page has to be read.
  const isWhole =
    filter.from === 0 && filter.version === null && (filter.label === null || byLabel.has(filter.label))
  const part = (page - 1) * limit
  const groups = (isWhole ? own.slice(part, part + limit) : own).flatMap((prompt) => {
    const versions = matching(prompt, filter)
    return versions.length === 0 ? [] : [{ name: prompt.name, versions }]
  })
  const totalItems = isWhole ? own.length : groups.length
  const data = (isWhole ? groups : groups.slice(part, part + limit)).map(({ name: own, versions }) => ({
    ...{ name: own, type: 'text', tags: ['bench'], versions: versions.map(({ version }) => version) },
    labels: [...new Set(versions.flatMap(({ labels }) => labels))],
    lastUpdatedAt: new Date(Math.max(...versions.map(({ updatedAt }) => updatedAt))).toISOString(),
    lastConfig: { model: 'gpt-5.4', temperature: 0.2 },
  }))
  return {
    data,
    meta: { page, limit, totalItems, totalPages: Math.ceil(totalItems / limit) },
  }
}

function one(name: string, search: URLSearchParams): unknown {
  const [version, label] = [search.get('version'), search.get('label')]
  const found = byName
    .get(name)
    ?.versions.find((own) =>
      version === null ? own.labels.includes(label ?? '') : own.version === Number(version),
    )
  if (!found) return null
  return {
    ...{ id: `${name}-${found.version}`, name, projectId, version: found.version, labels: found.labels },
    ...{
      tags: ['bench'],
      type: 'text',
      config: { model: 'gpt-5.4' },
      prompt: 'Answer {{question}}'.repeat(20),
    },
    ...{ commitMessage: null, createdBy: 'API' },
    createdAt: new Date(found.createdAt).toISOString(),
    updatedAt: new Date(found.updatedAt).toISOString(),
  }
}

function send(response: ServerResponse, body: unknown): void {
  response.statusCode = body === null ? 404 : 200
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(body ?? { message: 'Prompt not found', error: 'LangfuseNotFoundError' }))
}

const server = createServer((request, response) => {
  requests++
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost')
  if (pathname === '/api/public/projects') return send(response, { data: [{ id: projectId, name: 'bench' }] })
  if (pathname === '/api/public/v2/prompts') return send(response, list(searchParams))
  send(response, one(decodeURIComponent(pathname.split('/').at(-1) ?? ''), searchParams))
})
const listening = new Promise<string>((resolve) => {
  server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
})

serveTasks<ApiTask, ApiAnswer>(async (task) => {
  const url = await listening
  if (task.kind === 'fill') fill(task.prompts, task.versions, task.at)
  if (task.kind === 'edit') edit(task.prompts, task.at)
  const counted = requests
  requests = 0
  return { url, requests: counted }
})
