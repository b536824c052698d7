import { allowedOrigins, type Env } from '../../base/env.ts'
import { pollName } from '../../core/polling/state.ts'
import type { Configuration } from '../../core/rules/configuration.ts'
import type { LangfuseProject } from '../../core/rules/projects.ts'
import type { Routes } from '../../core/rules/rules.ts'
import type { SetupSeen, TargetSeen } from '../../core/setup/checks.ts'
import { unmatched } from '../../core/setup/configuration-checks.ts'
import type { SecretSeen } from '../../core/setup/project-checks.ts'
import { quietness } from '../../core/trouble/quiet.ts'
import type { Db } from '../../store/client.ts'
import type { TargetRow } from '../../store/schema.ts'
import { readPoll } from '../../store/tables/polls.ts'
import { allTargets } from '../../store/tables/targets.ts'
import { readWatch } from '../../store/tables/watch.ts'
import { readWaiting } from '../../store/views/health.ts'
import { lastReason, openFailures } from '../../store/views/open-failures.ts'
import { knownNames, lastDelivered, lastOfKind, lastRejection, lastSigned } from '../../store/views/setup.ts'
import { proofsOf } from '../reconcile/proofs.ts'
import { builtRulesDiffer, builtRulesWarning } from './built-rules.ts'

const endpoint = 'langfuse-webhook'
/** A signed request was meant for this relay; unsigned ones are mostly internet scans. */
const ofSigners = [
  ...['signature-mismatch', 'signature-expired', 'signature-undated', 'scheme-off', 'no-secret'],
  'wrong-project',
]

/** What the checks are based on, and the last change that each target received. */
export interface Seen extends SetupSeen {
  targets: (TargetSeen & { lastChangeId: string | null })[]
}

interface Given {
  env: Env
  configuration: Omit<Configuration, 'env'>
  now: number
  /** No process stays between requests. */
  isServerless: boolean
  address: SetupSeen['address']
  reached: SetupSeen['reached']
  writeProblem: SetupSeen['writeProblem']
}

/** Reads everything that the setup page and the doctor check. */
export async function setupSeen(db: Db, given: Given): Promise<Seen> {
  const { env, configuration, now, isServerless, address, reached, writeProblem } = given
  const states = new Map((await allTargets(db)).map((row) => [row.name, row]))
  const { routes } = configuration
  const targets = configuration.written.map((written) =>
    targetSeen(db, { ...written, isNamed: isNamed(routes, written.name) }, states.get(written.name)),
  )
  return {
    now,
    configuration: await configurationSeen(db, configuration),
    address,
    ...(await eventsSeen(db, { env, projects: configuration.projects }, now)),
    lastRejection: await lastRejection(db, ofSigners),
    targets: await Promise.all(targets),
    alertTargets: routes.alertTargets,
    waiting: await readWaiting(db, now),
    writeProblem,
    isDry: env.RELAY_MODE === 'dry-run',
    hasPassword: env.DASHBOARD_PASSWORD !== undefined,
    hasCronSecret: env.CRON_SECRET !== undefined,
    callbacks: await callbacksSeen(db, env),
    proofs: await proofsOf(db, { ...configuration, env }, { now, isServerless }),
    isServerless,
    store: env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres',
    reached,
  }
}

async function configurationSeen(
  db: Db,
  { routes, projects, problems, warnings }: Given['configuration'],
): Promise<Seen['configuration']> {
  const built = (await builtRulesDiffer()) === true ? [builtRulesWarning] : []
  const unknown = asksForNames(routes) ? unmatched(routes.rules, await knownNames(db), projects) : []
  return { problems, warnings: [...warnings, ...built, ...unknown] }
}

async function eventsSeen(
  db: Db,
  { env, projects }: { env: Env; projects: readonly LangfuseProject[] },
  now: number,
): Promise<Pick<Seen, 'projects' | 'lastEventAt' | 'quiet' | 'troubles' | 'watchedAt'>> {
  const signed = await lastSigned(db, endpoint)
  const watched = await readWatch(db)
  const lastEventAt = Math.max(signed.at ?? 0, watched.lastSignedAt ?? 0) || null
  const quietMs = env.QUIET_HOURS * 3_600_000
  return {
    projects: await projectsSeen(db, projects, { env, bySecret: signed.bySecret }),
    lastEventAt,
    quiet: quietness({
      ...watched,
      lastSignedAt: lastEventAt,
      now,
      quietMs,
      hasKeys: projects.some(({ keys }) => keys !== null),
    }),
    troubles: watched.troubles,
    watchedAt: watched.lookedAt,
  }
}

async function callbacksSeen(db: Db, env: Env): Promise<Seen['callbacks']> {
  return {
    origins: allowedOrigins(env),
    hasToken: env.CALLBACK_TOKEN !== undefined,
    isOpen: env.CALLBACK_OPEN,
    lastAt: await lastOfKind(db, 'trace-callback'),
  }
}

async function projectsSeen(
  db: Db,
  projects: readonly LangfuseProject[],
  { env, bySecret }: { env: Env; bySecret: Map<string, number> },
): Promise<Seen['projects']> {
  const everyMs = env.POLL_SECONDS * 1000
  const seen = projects.map(async ({ name, signsForAny, called, id, keys, baseUrl, webhookSecrets }) => {
    const state = keys && (await readPoll(db, pollName({ baseUrl, publicKey: keys.publicKey })))
    return {
      ...{ name, signsForAny, called },
      id: id ?? state?.projectId ?? null,
      hasKeys: keys !== null,
      secrets: webhookSecrets.map((secret) => secretSeen(secret, bySecret)),
      polling: { everyMs, state },
    }
  })
  return Promise.all(seen)
}

function secretSeen(secret: string, bySecret: Map<string, number>): SecretSeen {
  const hint = secret.slice(-4)
  return { hint, lastAt: bySecret.get(hint) ?? null }
}

const asksForNames = ({ rules }: Routes): boolean =>
  rules.some(({ prompt, project }) => prompt !== undefined || project !== undefined)

const isNamed = ({ rules, alertTargets }: Routes, name: string): boolean =>
  alertTargets.includes(name) || rules.some((rule) => rule.to.includes(name))

async function targetSeen(
  db: Db,
  written: Pick<TargetSeen, 'name' | 'type' | 'missing' | 'settings' | 'isNamed'>,
  state: TargetRow | undefined,
): Promise<Seen['targets'][number]> {
  const last = await lastDelivered(db, written.name)
  const [open] = await openFailures(db, [written.name])
  return {
    ...written,
    failures: state?.failures ?? 0,
    heldUntil: state?.open_until ?? null,
    lastDeliveredAt: last?.at ?? null,
    lastChangeId: last?.changeId ?? null,
    failed: open?.count ?? 0,
    reason: open?.reason ?? (await lastReason(db, written.name)),
  }
}
