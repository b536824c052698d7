import { z } from 'zod'
import { type Env, fixOf } from '../../base/env.ts'
import type { Problem } from '../../base/problem.ts'
import {
  langfuseUrl,
  list,
  projectId,
  publicKey,
  secretKey,
  webhookSecrets,
} from '../../base/setting-values.ts'
import {
  inFile,
  isPlain,
  type Names,
  type Plain,
  setOnly,
  settingProblems,
  unknownKeys,
} from './file-values.ts'

/** A project of Langfuse, as `projects` in `relay.config.ts` has it. */
export const projectSettings = z.strictObject({
  id: projectId
    .optional()
    .describe(
      'Its id in Langfuse, which follows `/project/` in its address. Absent: Langfuse is asked, with the keys',
    ),
  publicKey: publicKey.optional().describe('An API key of it. Only together with `secretKey`'),
  secretKey: secretKey.optional().describe('The secret key that belongs to `publicKey`'),
  baseUrl: langfuseUrl
    .optional()
    .describe('The address of its Langfuse, for the API. Absent: `LANGFUSE_BASE_URL`'),
  webUrl: langfuseUrl.optional().describe('Where people open Langfuse, for links. Absent: `baseUrl`'),
  webhookSecrets: webhookSecrets
    .optional()
    .describe('The secrets of its webhooks, which sign for no other project'),
})

type Settings = z.output<typeof projectSettings>
type SettingName = keyof Settings

/** A project of Langfuse, with its settings checked. */
export interface LangfuseProject {
  /** The operator's name for it; `default`: made of the plain variables. */
  name: string
  /** Its id in Langfuse; null: not configured. */
  id: string | null
  baseUrl: string
  /** Where people open Langfuse. */
  webUrl: string
  keys: { publicKey: string; secretKey: string } | null
  webhookSecrets: readonly string[]
  /** There is no section `projects`: its secrets sign for any project. */
  signsForAny: boolean
  /** What each setting is called in messages: the variable that it comes from, or its place in `relay.config.ts`. */
  called: Readonly<Record<SettingName, string>>
}

const defaultProject = 'default'

const plainNames = {
  id: 'LANGFUSE_PROJECT_ID',
  publicKey: 'LANGFUSE_PUBLIC_KEY',
  secretKey: 'LANGFUSE_SECRET_KEY',
  baseUrl: 'LANGFUSE_BASE_URL',
  webUrl: 'LANGFUSE_BASE_URL',
  webhookSecrets: 'LANGFUSE_WEBHOOK_SECRET',
} as const satisfies Record<SettingName, keyof Env>

/** What makes a project of the plain variables. The address alone does not: it is the default of every project. */
const ownPlain = ['id', 'publicKey', 'secretKey', 'webhookSecrets'] as const

const nameForm = /^[A-Za-z0-9][\w.-]{0,59}$/

interface ProjectsRead {
  /** At least one. */
  projects: LangfuseProject[]
  problems: Problem[]
}

/** The projects of the section `projects` and of the plain variables that it does not use. */
export function readProjects(section: unknown, env: Env, names: Names): ProjectsRead {
  const entries = isPlain(section) ? Object.entries(section) : []
  const read = entries.map(([name, given]) => readProject(name, given, { env, names }))
  const written = read.flatMap(({ project }) => project ?? [])
  const plain = plainProject(env, written)
  const isTaken = plain.made.length > 0 && entries.some(([name]) => name === defaultProject)
  const projects = [...(plain.made.length > 0 || entries.length === 0 ? [plain.project] : []), ...written]
  return {
    projects,
    problems: [
      ...read.flatMap(({ problems }) => problems),
      ...(isTaken ? [takenDefault(plain.made)] : sameProjects(projects)),
    ],
  }
}

const isSet = (value: string | readonly string[] | undefined): boolean =>
  value !== undefined && value.length > 0

const takenDefault = (variables: readonly string[]): Problem => ({
  name: `projects.${defaultProject}`,
  what: `is the name of the project that ${variables.join(', ')} make${variables.length === 1 ? 's' : ''}`,
  fix: 'Choose another name, or use these variables in it.',
})

/** The project of the plain variables, without what entries use; `made`: the variables that make it. */
function plainProject(
  env: Env,
  written: readonly LangfuseProject[],
): { project: LangfuseProject; made: string[] } {
  const used = new Set(written.flatMap(({ called }) => Object.values(called)))
  const unless = <Value>(key: SettingName, value: Value): Value | undefined =>
    used.has(plainNames[key]) ? undefined : value
  const taken = new Set(written.flatMap((one) => one.webhookSecrets))
  const set = {
    id: unless('id', env.LANGFUSE_PROJECT_ID),
    publicKey: unless('publicKey', env.LANGFUSE_PUBLIC_KEY),
    secretKey: unless('secretKey', env.LANGFUSE_SECRET_KEY),
    // An entry may list some of them, beside others.
    webhookSecrets: env.LANGFUSE_WEBHOOK_SECRET.filter((secret) => !taken.has(secret)),
  }
  const project = projectOf(defaultProject, set, { env, called: plainNames })
  const made = ownPlain.filter((key) => isSet(set[key])).map((key) => plainNames[key])
  return { project: { ...project, signsForAny: written.length === 0 }, made }
}

function projectOf(
  name: string,
  set: Settings,
  { env, called }: { env: Env; called: LangfuseProject['called'] },
): LangfuseProject {
  const { id = null, publicKey, secretKey, baseUrl = env.LANGFUSE_BASE_URL, webUrl = baseUrl } = set
  const keys = publicKey !== undefined && secretKey !== undefined ? { publicKey, secretKey } : null
  const { webhookSecrets = [] } = set
  return { name, id, baseUrl, webUrl, keys, webhookSecrets, signsForAny: false, called }
}

function readProject(
  name: string,
  given: unknown,
  { env, names }: { env: Env; names: Names },
): { project: LangfuseProject | null; problems: Problem[] } {
  const path = `projects.${name}`
  const nothing = (what: string) => ({ project: null, problems: [{ name: path, what, fix: inFile }] })
  if (!isPlain(given)) return nothing('is not an object of settings')
  if (!nameForm.test(name))
    return nothing(
      'is no name for a project: it takes up to 60 letters, digits, dots, hyphens and underscores',
    )
  const set = (setOnly(given) ?? {}) as Plain
  const at: Names = (setting) => names(['projects', name, ...setting])
  const keys = Object.keys(projectSettings.shape) as SettingName[]
  const nameOf = (key: SettingName) =>
    key === 'baseUrl' && set.baseUrl === undefined ? plainNames.baseUrl : at([key])
  const called = Object.fromEntries(keys.map((key) => [key, nameOf(key)])) as LangfuseProject['called']
  // What is right counts even beside a problem: its events are still verified and stored.
  const right = keys.flatMap((key) => {
    const parsed = projectSettings.shape[key].safeParse(set[key])
    return parsed.success ? [[key, parsed.data] as const] : []
  })
  const settings = { ...Object.fromEntries(right), webhookSecrets: validSecrets(set.webhookSecrets) }
  const wrong = [
    ...unknownKeys(given, keys, { name: path, of: 'a project' }),
    ...settingProblems(set, projectSettings, at),
  ]
  return {
    project: projectOf(name, settings, { env, called }),
    problems: [...wrong, ...loneKey(set, called)],
  }
}

const validSecrets = (given: unknown): string[] =>
  (typeof given === 'string' ? list(given) : Array.isArray(given) ? given : []).flatMap(
    (one) => webhookSecrets.safeParse([one]).data ?? [],
  )

/** One key without the other. */
function loneKey(set: Plain, called: LangfuseProject['called']): Problem[] {
  const [missing, ...others] = (['publicKey', 'secretKey'] as const).filter((key) => set[key] === undefined)
  if (missing === undefined || others.length > 0) return []
  const other = missing === 'publicKey' ? called.secretKey : called.publicKey
  const what = "is not set: Langfuse's API needs both keys"
  return [{ name: called[missing], what, fix: `Set it, or unset ${other} too.` }]
}

const addressOf = (url: string): string => (URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : url)

/** A problem for each project after the first with the same mark. */
function repeated(
  projects: readonly LangfuseProject[],
  marksOf: (project: LangfuseProject) => readonly (string | null)[],
  problem: (one: LangfuseProject, other: LangfuseProject) => Problem,
): Problem[] {
  const first = new Map<string, LangfuseProject>()
  return projects.flatMap((one) =>
    [...new Set(marksOf(one))].flatMap((mark) => {
      const other = mark === null ? undefined : first.get(mark)
      if (mark !== null && other === undefined) first.set(mark, one)
      return other === undefined ? [] : [problem(one, other)]
    }),
  )
}

/** Two entries for one project would each report its changes, and one secret cannot stand for two projects. */
const sameProjects = (projects: readonly LangfuseProject[]): Problem[] => [
  ...repeated(
    projects,
    ({ id }) => [id],
    ({ called }, { name }) => ({
      name: called.id,
      what: `is also the id of the project ${name}`,
      fix: 'Remove one of the two, or correct its id.',
    }),
  ),
  ...repeated(
    projects,
    ({ keys, baseUrl }) => [keys && `${addressOf(baseUrl)} ${keys.publicKey}`],
    ({ called }, { name }) => ({
      name: called.publicKey,
      what: `is also the key of the project ${name}`,
      fix: 'Remove one of the two, or create an API key in the other project.',
    }),
  ),
  ...repeated(
    projects,
    ({ webhookSecrets }) => webhookSecrets,
    ({ called }, { name }) => ({
      name: called.webhookSecrets,
      what: `contains a secret of the project ${name}, so it is not known for which of them it signs`,
      fix: 'Keep it with the project whose webhook has it.',
    }),
  ),
]

/** A problem only at start and in health: Langfuse shows the secret once the webhook exists, so it may be set later. */
export function withoutSecret(projects: readonly LangfuseProject[]): Problem[] {
  if (projects.some(({ webhookSecrets }) => webhookSecrets.length > 0)) return []
  const names = projects.map(({ called }) => called.webhookSecrets)
  const what = `${names.length === 1 ? 'is' : 'are'} not set: every event from Langfuse is answered with 503`
  return [{ name: names.join(', '), what, fix: fixOf('LANGFUSE_WEBHOOK_SECRET') }]
}
