import { z } from 'zod'
import { pathSegment } from '../../base/url-path.ts'
import type { TraceFacts } from '../../core/change/change.ts'
import type { CallbackIds, TraceAnswer } from '../../core/change/describe-callback.ts'
import { levels } from '../../core/change/observed.ts'
import { amount, strangeForm, text, time } from './page.ts'
import { getFromLangfuse, type LangfuseAnswer, type LangfuseApi } from './request.ts'

const moment = time
  .transform((iso) => Date.parse(iso))
  .nullish()
  .catch(null)

const row = z.object({
  id: z.string(),
  traceId: text,
  projectId: z.string(),
  parentObservationId: text,
  isRootObservation: z.boolean().nullish().catch(null),
  name: text,
  traceName: text,
  level: text,
  environment: text,
  userId: text,
  sessionId: text,
  startTime: moment,
  endTime: moment,
  totalCost: amount,
})
type Row = z.output<typeof row>
const rows = z.object({
  data: z.array(row),
  meta: z.object({ cursor: z.string().nullish() }).nullish(),
})

const oldTrace = z.object({
  id: z.string(),
  projectId: z.string(),
  name: text,
  userId: text,
  sessionId: text,
  environment: text,
  timestamp: moment,
  /** Seconds. */
  latency: amount,
  totalCost: amount,
  observations: z.array(z.object({ id: z.string(), level: text })).catch([]),
})
const oldSession = z.object({ id: z.string(), projectId: z.string(), environment: text, createdAt: moment })

const fields = 'core,basic,metrics,usage,model,trace_context'
const limit = 1000

const notFound: TraceAnswer = { state: 'not-found' }
/** Langfuse does not accept ids of this form (400), or has nothing with these (404). */
const isNone = ({ status }: Extract<LangfuseAnswer, { ok: false }>): boolean =>
  status === 400 || status === 404

const noAnswer = ({
  message,
  retryAfterMs,
  isOverBudget,
}: Extract<LangfuseAnswer, { ok: false }>): TraceAnswer => ({
  state: 'no-answer',
  message,
  retryAfterMs,
  ...(isOverBudget && { isOverBudget }),
})
const strange: TraceAnswer = {
  state: 'no-answer',
  message: strangeForm,
  retryAfterMs: null,
}

/**
 * Whether the trace (else the session, else the observation) of a callback exists in its project, and what Langfuse knows
 * of it: `GET /api/public/v2/observations`. If that finds nothing, as in a Langfuse before v4, the endpoints of v3 are read:
 * `GET /api/public/traces/{id}` and `…/sessions/{id}`. The callback's observation is kept if the trace contains it.
 */
export async function readTrace(api: LangfuseApi, ids: CallbackIds): Promise<TraceAnswer> {
  const answer = await getFromLangfuse(api, '/api/public/v2/observations', {
    ...queryFor(ids),
    fields,
    limit,
  })
  if (!answer.ok) return isNone(answer) ? readOld(api, ids) : noAnswer(answer)
  const read = rows.safeParse(answer.json)
  if (!read.success) return strange
  if (read.data.data.length === 0) return readOld(api, ids)
  const own = read.data.data.filter(({ projectId }) => projectId === ids.projectId)
  const [first] = own
  if (!first) return notFound
  const isLeast = Boolean(read.data.meta?.cursor)
  const isSession = ids.traceId === null && ids.sessionId !== null
  return {
    state: 'found',
    ids: {
      ...ids,
      traceId: isSession ? null : (first.traceId ?? ids.traceId),
      // In a trace that was not read to its end, an id that anyone may have sent cannot be confirmed.
      observationId: confirmed(ids.observationId, own, isLeast && !ids.isAnonymous),
      sessionId: isSession ? ids.sessionId : (first.sessionId ?? null),
    },
    trace: factsOf(own, isLeast),
  }
}

function queryFor({ traceId, sessionId, observationId }: CallbackIds): Record<string, string> {
  if (traceId !== null) return { traceId }
  if (sessionId !== null) return { sessionId }
  const filter = [{ type: 'string', column: 'id', operator: '=', value: observationId }]
  return { filter: JSON.stringify(filter) }
}

const confirmed = (id: string | null, known: { id: string }[], isLeast: boolean): string | null =>
  isLeast || known.some((one) => one.id === id) ? id : null

function worst(all: (string | null | undefined)[]): string | null {
  const place = Math.max(...all.map((level) => levels.indexOf(level ?? '')))
  return levels[place] ?? null
}

const isRoot = ({ isRootObservation, parentObservationId }: Row): boolean =>
  isRootObservation ?? parentObservationId == null

/** A sum over part of a trace would be wrong, so there is none unless all of it was read. */
function factsOf(all: Row[], isLeast: boolean): TraceFacts {
  const first = all.find(isRoot) ?? all[0]
  const starts = all.flatMap(({ startTime }) => startTime ?? [])
  const ends = all.flatMap(({ startTime, endTime }) => endTime ?? startTime ?? [])
  const costs = all.flatMap(({ totalCost }) => totalCost ?? [])
  const startedAt = starts.length > 0 && !isLeast ? Math.min(...starts) : null
  return {
    name: first?.traceName || first?.name || null,
    user: first?.userId ?? null,
    environment: first?.environment ?? null,
    level: worst(all.map(({ level }) => level)),
    latencyMs: startedAt === null ? null : Math.max(...ends) - startedAt,
    cost: costs.length === 0 || isLeast ? null : costs.reduce((sum, cost) => sum + cost, 0),
    observations: all.length,
    ...(isLeast && { isLeast }),
    startedAt,
  }
}

async function readOld(api: LangfuseApi, ids: CallbackIds): Promise<TraceAnswer> {
  const { traceId, sessionId } = ids
  if (traceId === null) return sessionId === null ? notFound : readOldSession(api, { ...ids, sessionId })
  const segment = pathSegment(traceId)
  if (segment === null) return notFound
  const answer = await getFromLangfuse(api, `/api/public/traces/${segment}`)
  if (!answer.ok) return isNone(answer) ? notFound : noAnswer(answer)
  const read = oldTrace.safeParse(answer.json)
  if (!read.success) return strange
  const { data } = read
  if (data.projectId !== ids.projectId || data.id !== traceId) return notFound
  return {
    state: 'found',
    ids: {
      ...ids,
      observationId: confirmed(ids.observationId, data.observations, false),
      sessionId: data.sessionId ?? null,
    },
    trace: {
      name: data.name ?? null,
      user: data.userId ?? null,
      environment: data.environment ?? null,
      level: worst(data.observations.map(({ level }) => level)),
      latencyMs: data.latency == null ? null : Math.round(data.latency * 1000),
      cost: data.totalCost ?? null,
      observations: data.observations.length,
      startedAt: data.timestamp ?? null,
    },
  }
}

async function readOldSession(
  api: LangfuseApi,
  ids: CallbackIds & { sessionId: string },
): Promise<TraceAnswer> {
  const segment = pathSegment(ids.sessionId)
  if (segment === null) return notFound
  const answer = await getFromLangfuse(api, `/api/public/sessions/${segment}`)
  if (!answer.ok) return isNone(answer) ? notFound : noAnswer(answer)
  const read = oldSession.safeParse(answer.json)
  if (!read.success) return strange
  const { data } = read
  if (data.projectId !== ids.projectId || data.id !== ids.sessionId) return notFound
  const unknown = { name: null, user: null, level: null, latencyMs: null, cost: null, observations: 0 }
  return {
    state: 'found',
    ids: { ...ids, observationId: null },
    trace: { ...unknown, environment: data.environment ?? null, startedAt: data.createdAt ?? null },
  }
}
