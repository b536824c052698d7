import type { Problem } from '../../base/problem.ts'
import type { LangfuseProject } from '../rules/projects.ts'
import { unlessWrong } from './configuration-checks.ts'
import { type Check, type Finding, notYet, ok, quantity } from './finding.ts'
import { checkPolling, type PollSeen } from './polling-check.ts'
import { type Reach, withReach } from './reach.ts'

export interface SecretSeen {
  /** The last four characters. */
  hint: string
  /** When an event was last signed with it. Null: not among the newest events. */
  lastAt: number | null
}

/** What is known of one project. */
export interface ProjectSeen extends Pick<LangfuseProject, 'name' | 'signsForAny' | 'called'> {
  /** Its id in Langfuse; null: neither configured, nor named by Langfuse yet. */
  id: string | null
  hasKeys: boolean
  secrets: SecretSeen[]
  polling: Omit<PollSeen, 'hasKeys' | 'called'>
}

/** A check of one project, by its id. With a single project without a name of its own, it is called as if there were no other. */
const checkId = (id: string, { name, signsForAny }: ProjectSeen): string =>
  signsForAny ? id : `${id}:${name}`

export const isSecretsCheck = (id: string, project: ProjectSeen): boolean =>
  id === checkId('secrets', project)

export const setSecret = ({ called, signsForAny }: Pick<ProjectSeen, 'called' | 'signsForAny'>): string =>
  `Set ${called.webhookSecrets} to the secret that Langfuse shows when you create the webhook${signsForAny ? '' : ' in this project'}.`

function checkSecrets(project: ProjectSeen): Finding {
  const { secrets, signsForAny, id, hasKeys, called } = project
  if (secrets.length === 0)
    return notYet(
      signsForAny
        ? 'None is set, so every request is answered 503.'
        : 'None is set, so its webhooks are refused.',
      setSecret(project),
    )
  const unused = secrets.filter(({ lastAt }) => lastAt === null)
  const words = `${quantity(secrets.length, 'secret is', 'secrets are')} set.`
  if (!signsForAny && id === null && !hasKeys)
    return notYet(
      `${words} The id of this project is not known, so its secrets are also accepted for ids that no other project has.`,
      `Set ${called.id}, or its API keys.`,
    )
  if (unused.length === 0 || unused.length === secrets.length) return ok(words)
  const which = unused.map(({ hint }) => `…${hint}`).join(', ')
  return ok(`${words} The newest events were not signed with ${which}: it may be left over from a rotation.`)
}

function checkKeys({ hasKeys, called, signsForAny }: ProjectSeen, reach: Reach | undefined): Finding {
  if (hasKeys) return withReach(reach, ok('Set: a text that no event carried is read from Langfuse.'))
  // Without keys nothing is ever read there, so it does not matter whether it was reached.
  return notYet(
    'Not set. A version whose text no event carried cannot be compared.',
    `Set ${called.publicKey} and ${called.secretKey} to ${signsForAny ? "a project's" : 'its'} keys.`,
  )
}

interface ProjectsSeen {
  now: number
  projects: readonly ProjectSeen[]
  configuration: { problems: Problem[] }
  reached: { langfuse: Readonly<Record<string, Reach>> } | null
}

type ProjectCheck = 'secrets' | 'langfuse-keys' | 'polling'

const titles: Record<ProjectCheck, string> = {
  secrets: 'Webhook secret',
  'langfuse-keys': "Langfuse's API keys",
  polling: 'Traces and scores',
}

/** The checks of one kind, of each project. */
export function projectChecks(
  kind: ProjectCheck,
  { now, projects, configuration: { problems }, reached }: ProjectsSeen,
): Check[] {
  return projects.map((project) => {
    const { name, signsForAny, called, polling, hasKeys } = project
    const ofApi = [
      called.publicKey,
      called.secretKey,
      called.baseUrl,
      ...(signsForAny ? [] : [`projects.${name}`]),
    ]
    const made: Record<ProjectCheck, () => Finding> = {
      secrets: () => unlessWrong(problems, [called.webhookSecrets], () => checkSecrets(project)),
      'langfuse-keys': () => unlessWrong(problems, ofApi, () => checkKeys(project, reached?.langfuse[name])),
      polling: () =>
        unlessWrong(problems, [...ofApi, 'POLL_SECONDS'], () =>
          checkPolling({ ...polling, hasKeys, called }, now),
        ),
    }
    const title = signsForAny ? titles[kind] : `${titles[kind]}: ${name}`
    return { id: checkId(kind, project), title, ...made[kind]() }
  })
}
