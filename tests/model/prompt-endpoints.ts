import { z } from 'zod'
import { answerProblems, queryProblems } from '../mocks/langfuse-document.ts'
import type { ModelVersion, Random } from './edits.ts'
import { type Model, rowOf, type Step } from './langfuse.ts'
import { shuffle } from './network.ts'

export interface ApiProject {
  name: string
  publicKey: string
  secretKey: string
  model: Model
}

export interface Answer {
  status: number
  /** As JSON; a string: as it is. */
  body?: unknown
  headers?: Record<string, string>
}

/** One request, and the server that gets it. */
export interface Asked {
  request: Request
  /** What follows `/api/public`. */
  path: string
  projects: readonly ApiProject[]
  /** `v3` is 3.120: no deletion by API, `resolve` is ignored, and the rows of one page come in any order. */
  version: 'v3' | 'v4'
  /** For that order. */
  random: Random
  /** A moment at which someone may edit a prompt. */
  meanwhile: (model: Model) => Promise<void>
  /** Called with each edit that the request makes. */
  made: (step: Step, model: Model) => Promise<void>
  /** Called with what does not match Langfuse's OpenAPI document. */
  report: (problems: string[]) => void
}

interface Allowed extends Asked {
  project: ApiProject
  query: Record<string, string | string[]>
}

type Handler = (asked: Allowed, ...segments: string[]) => Answer | Promise<Answer>

export const root = '/api/public'

export const notFoundPage: Answer = {
  status: 404,
  body: '<!DOCTYPE html><title>404: This page could not be found</title>',
}
export const refuse = (status: number, error: string, message: string): Answer => ({
  status,
  body: { message, error },
})
const methodNotAllowed = refuse(405, 'MethodNotAllowedError', 'Method not allowed')
const bothGiven = refuse(400, 'InvalidRequestError', 'Cannot specify both version and label')
const invalid = ({ issues }: z.ZodError): Answer => ({
  status: 400,
  body: { message: 'Invalid request data', error: issues },
})

/** Empty text does not filter, unknown parameters are ignored, and one that is given twice is an array, which is refused. */
const version = z.coerce.number().int().nullish()
const text = z.string().optional()
const time = z.iso.datetime({ offset: true }).nullish()
const listQuery = z.object({
  name: text,
  version,
  label: text,
  tag: text,
  page: z.coerce.number().int().min(1).default(1),
  limit: z.coerce.number().int().min(1).max(100).default(10),
  fromUpdatedAt: time,
  toUpdatedAt: time,
})
const oneQuery = z.object({ version, label: text, resolve: z.enum(['true', 'false']).nullish() })
const labelsBody = z.object({ newLabels: z.array(z.string()).refine((labels) => !labels.includes('latest')) })

/** Postgres sorts by the collation of the database, not by code units. */
const collator = new Intl.Collator('en')
const byText = (a: string, b: string): number => collator.compare(a, b) || (a < b ? -1 : 1)

interface Group {
  name: string
  versions: readonly ModelVersion[]
}

/** The prompts that have matching versions, with these versions only. */
function groupsOf({ prompts }: Model, filter: z.output<typeof listQuery>): Group[] {
  const { name, version, label, tag, fromUpdatedAt, toUpdatedAt } = filter
  const isWanted = (one: ModelVersion): boolean =>
    (!version || one.version === version) &&
    (!label || one.labels.includes(label)) &&
    (!tag || one.tags.includes(tag)) &&
    (!fromUpdatedAt || one.updatedAt >= Date.parse(fromUpdatedAt)) &&
    (!toUpdatedAt || one.updatedAt < Date.parse(toUpdatedAt))
  return [...prompts]
    .filter(([own]) => !name || own === name)
    .map(([own, versions]) => ({ name: own, versions: versions.filter(isWanted) }))
    .filter(({ versions }) => versions.length > 0)
}

const listRowOf = ({ name, versions }: Group) => ({
  name,
  tags: versions.at(-1)?.tags ?? [],
  lastUpdatedAt: new Date(Math.max(...versions.map(({ updatedAt }) => updatedAt))).toISOString(),
  versions: versions.map((one) => one.version),
  labels: [...new Set(versions.flatMap(({ labels }) => labels))].toSorted(byText),
  type: 'text',
  lastConfig: versions.at(-1)?.config,
})

async function list({ query, project: { model }, version, random, meanwhile }: Allowed): Promise<Answer> {
  const read = listQuery.safeParse(query)
  if (!read.success) return invalid(read.error)
  const { page, limit } = read.data
  const rows = groupsOf(model, read.data)
    .toSorted((a, b) => byText(a.name, b.name))
    .slice((page - 1) * limit, page * limit)
    .map(listRowOf)
  const data = version === 'v3' ? shuffle(rows, random) : rows
  // Langfuse reads rows and total in two queries without a transaction.
  await meanwhile(model)
  const totalItems = groupsOf(model, read.data).length
  const meta = { page, limit, totalPages: Math.ceil(totalItems / limit), totalItems }
  return { status: 200, body: { data, meta, pagination: meta } }
}

const notFound = (message: string): Answer => refuse(404, 'LangfuseNotFoundError', message)

function findOne(asked: Allowed, name: string): Answer {
  const { project, version: server } = asked
  const read = (server === 'v3' ? oneQuery.omit({ resolve: true }) : oneQuery).safeParse(asked.query)
  if (!read.success) return invalid(read.error)
  const { version, label } = read.data
  if (version && label) return bothGiven
  const holds = (one: ModelVersion): boolean => one.labels.includes(label || 'production')
  const versions = project.model.prompts.get(name) ?? []
  const found = versions.find((one) => (version ? one.version === version : holds(one)))
  const by = version ? `version ${version}` : `label '${label ?? 'production'}'`
  if (!found) return notFound(`Prompt not found: '${name}' with ${by}`)
  const isActive = server === 'v3' ? null : found.labels.includes('production')
  return { status: 200, body: { ...rowOf(project.model, name, found), isActive, resolutionGraph: null } }
}

async function deleteSome({ query, project: { model }, made, ...asked }: Allowed, name: string) {
  if (asked.version === 'v3') return methodNotAllowed
  const read = oneQuery.safeParse(query)
  if (!read.success) return invalid(read.error)
  const { version, label } = read.data
  if (version && label) return bothGiven
  const versions = (model.prompts.get(name) ?? []).filter(
    (one) => (!version || one.version === version) && (!label || one.labels.includes(label)),
  )
  if (versions.length === 0) return notFound('Prompt not found')
  await made(model.deleteByApi(name, versions), model)
  return { status: 204 }
}

async function addLabels({ request, project: { model }, made }: Allowed, name: string, number: string) {
  const read = labelsBody.safeParse(await request.json().catch(() => null))
  if (!read.success) return invalid(read.error)
  const target = model.prompts.get(name)?.find(({ version }) => version === Number(number))
  if (!target) return notFound(`Prompt '${name}' version ${number} not found in project`)
  const step = model.labelByApi(name, target, read.data.newLabels)
  const body = { ...rowOf(model, name, target), isActive: null }
  await made(step, model)
  return { status: 200, body }
}

const ownProject: Handler = ({ project: { model, name } }) => ({
  status: 200,
  body: {
    data: [{ id: model.projectId, name, organization: { id: 'org-1', name: 'Acme' }, metadata: {} }],
  },
})

interface Route {
  pattern: RegExp
  /** As Langfuse's document writes it. */
  documented: string
  methods: Partial<Record<string, Handler>>
}

const routes: Route[] = [
  { pattern: /^\/projects$/, documented: `${root}/projects`, methods: { GET: ownProject } },
  { pattern: /^\/v2\/prompts$/, documented: `${root}/v2/prompts`, methods: { GET: list } },
  {
    pattern: /^\/v2\/prompts\/([^/]+)$/,
    documented: `${root}/v2/prompts/{promptName}`,
    methods: { GET: findOne, DELETE: deleteSome },
  },
  {
    pattern: /^\/v2\/prompts\/([^/]+)\/versions\/([^/]+)$/,
    documented: `${root}/v2/prompts/{name}/versions/{version}`,
    methods: { PATCH: addLabels },
  },
]

/** As Next reads it: a parameter that is given more than once is an array. */
function queryOf(search: URLSearchParams): Allowed['query'] {
  const names = [...new Set(search.keys())]
  return Object.fromEntries(
    names.map((name) => {
      const [one = '', ...more] = search.getAll(name)
      return [name, more.length === 0 ? one : [one, ...more]]
    }),
  )
}

function segmentsOf({ pattern }: Route, path: string): string[] | null {
  try {
    return (pattern.exec(path) ?? []).slice(1).map((segment) => decodeURIComponent(segment))
  } catch {
    return null
  }
}

const basic = ({ publicKey, secretKey }: ApiProject): string =>
  `Basic ${Buffer.from(`${publicKey}:${secretKey}`).toString('base64')}`

/**
 * The public API as in v4.16.0 (`web/src/features/prompts/server`): health, the project of the keys, listing prompts, reading
 * one version, adding labels, deleting. Other paths are not found.
 */
export async function answerOf(asked: Asked): Promise<Answer> {
  const { request, path, projects, version, report } = asked
  const health = { status: 'OK', version: version === 'v3' ? '3.120.0' : '4.16.0' }
  if (path === '/health') return { status: 200, body: health }
  const { search, searchParams } = new URL(request.url)
  // Next redirects an address with a trailing slash to the one without.
  const location = `${root}${path.replace(/\/+$/, '')}${search}`
  if (path.endsWith('/')) return { status: 308, headers: { location } }
  const route = routes.find(({ pattern }) => pattern.test(path))
  if (!route) return notFoundPage
  const segments = segmentsOf(route, path)
  if (!segments) return { status: 400, body: 'Bad Request' }
  const handler = route.methods[request.method]
  if (!handler) return methodNotAllowed
  const authorization = request.headers.get('authorization')
  if (authorization === null) return refuse(401, 'UnauthorizedError', 'No authorization header')
  const project = projects.find((one) => basic(one) === authorization)
  const wrong = "Invalid credentials. Confirm that you've configured the correct host."
  if (!project) return refuse(401, 'UnauthorizedError', wrong)
  await asked.meanwhile(project.model)
  const answer = await handler({ ...asked, project, query: queryOf(searchParams) }, ...segments)
  // Langfuse accepts a version here, though its document does not mention it.
  if (handler === list) searchParams.delete('version')
  report(queryProblems(route.documented, searchParams))
  if (answer.status === 200) report(answerProblems(route.documented, answer.body))
  await asked.meanwhile(project.model)
  return answer
}
