import type { ProjectDirectory } from '../core/rules/project-directory.ts'
import { type TroubleFact, troubleFix, troubleTitle } from '../core/trouble/trouble.ts'
import {
  awayAfter,
  compareTroubles,
  type Findings,
  isFirstAsk,
  likelyLangfuse,
  spanToAskAbout,
  type WatchState,
  withFindings,
} from '../core/trouble/watch.ts'
import { promptChangedAt } from '../langfuse/api/prompts.ts'
import type { LangfuseApi } from '../langfuse/api/request.ts'
import { projectIdOf } from '../langfuse/project-id.ts'
import type { Db } from '../store/client.ts'
import type { ChangeRow } from '../store/schema.ts'
import { newChange, openKeyedChange, overdueChanges } from '../store/tables/changes.ts'
import { savePoll } from '../store/tables/polls.ts'
import { allTargets } from '../store/tables/targets.ts'
import { claimWatch, mismatches, newestEvent, signersSince } from '../store/tables/watch.ts'
import { projectFindings } from './reconcile/project-findings.ts'
import { requestLooks } from './reconcile/request.ts'
import type { Interpretation } from './settle/interpret.ts'

const source = 'langfuse-webhook'
/** Longer than Langfuse may take to answer. */
const leaseMs = 30_000
/** Between two runs, over all instances. */
const everyMs = 60_000
/** Events are committed a little after the time in their ids. */
const overlapMs = 120_000
const maxBackMs = 24 * 3_600_000

export interface WatchDeps {
  db: Db
  now: () => number
  /** One for each project with keys. None: it is not known whether prompts changed. */
  apis?: readonly LangfuseApi[]
  directory?: ProjectDirectory | undefined
  /** Projects are compared with Langfuse. */
  compares?: boolean
  /** Without a signed event for this long, Langfuse is asked; milliseconds, 0: never. */
  quietMs: number
  targets: readonly string[]
  /** A change of the relay's own was opened and is to be settled. */
  onTrouble: () => void
}

/**
 * Finds what is wrong around the relay, and opens a change for what began and for what ended: each once, since one
 * instance at a time does. Returns when to run again.
 */
export async function watch(deps: WatchDeps): Promise<number> {
  const { db, now } = deps
  const time = now()
  const claimed = await claimWatch(db, time, leaseMs)
  if (!claimed) return time + everyMs
  const findings = await findingsOf(deps, claimed.state, time)
  const { state, began, ended } = compareTroubles(
    await withAnswer(deps, withFindings(claimed.state, findings), time),
    findings,
  )
  await db.transaction().execute(async (trx) => {
    // First, because it locks the row: an instance that lost the claim reports nothing.
    if (!(await savePoll(trx, { ...claimed, state }, time + everyMs))) return
    for (const fact of [...began, ...ended]) await openKeyedChange(trx, changeOf(fact, time))
  })
  if (began.length + ended.length > 0) deps.onTrouble()
  return time + everyMs
}

async function findingsOf(
  { db, targets, directory, compares = false }: WatchDeps,
  state: WatchState,
  now: number,
): Promise<Findings> {
  // A run in the future was before the clock was set back.
  const since = Math.max(Math.min(state.lookedAt, now) - overlapMs, now - maxBackMs)
  // At the first run, the stored events show which projects each secret was always used for.
  const signers = await signersSince(db, source, state.secrets === null ? 0 : since)
  const refused = (await mismatches(db, source, now)).map(({ head, size, at }) => ({
    projectId: projectIdOf(head, size),
    at,
  }))
  const projectIds = [
    ...(state.secrets ?? []).flatMap((one) => one.projectIds),
    ...signers.map((one) => one.projectId),
    ...(directory?.projects ?? []).flatMap(({ name }) => directory?.idOf(name) ?? []),
  ]
  return {
    now,
    signedAt: await newestEvent(db, source, { from: since, to: now }),
    signers: signers.filter(({ hint }) => !isBound(directory, hint)),
    mismatches: likelyLangfuse(refused, projectIds),
    overdueSince: (await overdueChanges(db, now)).oldest,
    circuits: (await allTargets(db)).filter(({ name }) => targets.includes(name)),
    projects:
      directory && compares
        ? await projectFindings(db, { directory, signers, away: awayAfter(state, now), now })
        : [],
  }
}

/** A secret of a project whose id is known: what it signs for another project is refused. */
const isBound = (directory: ProjectDirectory | undefined, hint: string): boolean =>
  directory?.projects.some(
    ({ name, signsForAny, webhookSecrets }) =>
      !signsForAny && directory.idOf(name) !== null && webhookSecrets.some((secret) => secret.endsWith(hint)),
  ) ?? false

async function withAnswer(
  { db, apis = [], directory, compares = false, quietMs }: WatchDeps,
  state: WatchState,
  now: number,
): Promise<WatchState> {
  const span = apis.length > 0 ? spanToAskAbout(state, { now, quietMs }) : null
  if (span === null) return state
  if (compares && directory && isFirstAsk(state)) {
    const projects = directory.projects.filter(({ keys }) => keys !== null)
    await requestLooks(db, projects, { why: 'quiet', now })
  }
  const answers = await Promise.all(apis.map((api) => promptChangedAt(api, span)))
  const changed = answers.flatMap((answer) => (answer.ok ? (answer.changedAt ?? []) : []))
  // Unless all answered, a prompt may have changed where it is not known.
  if (changed.length === 0 && answers.some(({ ok }) => !ok)) return { ...state, askedAt: now }
  const changedAt = changed.length === 0 ? null : Math.min(...changed)
  return { ...state, askedAt: now, answeredAt: now, changedAt }
}

const changeOf = (fact: TroubleFact, now: number): ChangeRow => {
  const isTrouble = fact.kind === 'trouble'
  const about = fact.target ?? fact.project?.name ?? Object.values(fact.secret ?? {}).join(':')
  const openKey = `${fact.kind}:${fact.what}:${about}`
  const url = fact.project?.url ?? null
  const links = fact.what === 'webhooks' && url !== null ? [{ label: 'Open the automations', url }] : []
  return newChange({
    now,
    openKey,
    kind: fact.kind,
    subject: fact.target ?? 'Langfuse',
    title: troubleTitle(fact, now),
    danger: isTrouble,
    detail: { facts: [fact], message: isTrouble ? troubleFix(fact) : null, links },
  })
}

/** The change holds what was found. */
export const interpretTrouble = ({ kind, title, danger, detail }: ChangeRow): Interpretation => ({
  kind: kind as Interpretation['kind'],
  title,
  danger: danger === 1,
  actor: null,
  version: null,
  detail: JSON.parse(detail),
})
