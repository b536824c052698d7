import { z } from 'zod'
import type { ObservationBody } from '../../core/change/observed.ts'
import type { PageRequest, PolledPage } from '../../core/polling/rows.ts'
import { amount, pageNumber, pageReader, text, time } from './page.ts'
import { getFromLangfuse, type LangfuseApi } from './request.ts'

const amounts = z.record(z.string(), z.number().catch(0)).nullish().catch(null)

const base = {
  id: z.string().min(1),
  traceId: text,
  startTime: time,
  projectId: text,
  parentObservationId: text,
  type: text,
  name: text,
  level: text,
  statusMessage: text,
  environment: text,
  usageDetails: amounts,
  costDetails: amounts,
  promptName: text,
  promptVersion: amount,
  latency: amount,
}

const row = z.object({
  ...base,
  isRootObservation: z.boolean().nullish().catch(null),
  userId: text,
  sessionId: text,
  updatedAt: time.nullish().catch(null),
  providedModelName: text,
  totalCost: amount,
  traceName: text,
  /** Names of the endpoint before v4. */
  model: text,
  calculatedTotalCost: amount,
})
type Row = z.output<typeof row>

const fields = 'core,basic,time,model,usage,metrics,prompt,trace_context'
/** Half of what Langfuse allows, so that an answer stays well below its limit of 5 MB. */
const limit = 500
const oldLimit = 100

/**
 * One page of observations, newest first: `GET /api/public/v2/observations`, or if `old`, the endpoint of Langfuse v3,
 * `GET /api/public/observations`, whose cursor is a page number. `projectId`: for rows that do not name theirs.
 */
export async function readObservations(
  api: LangfuseApi,
  page: PageRequest,
  projectId: string,
): Promise<PolledPage> {
  const { from, to, cursor, old } = page
  const range = {
    fromStartTime: new Date(from).toISOString(),
    toStartTime: to === null ? undefined : new Date(to).toISOString(),
  }
  const answer = old
    ? await getFromLangfuse(api, '/api/public/observations', {
        ...range,
        page: pageNumber(page),
        limit: oldLimit,
      })
    : await getFromLangfuse(api, '/api/public/v2/observations', {
        ...range,
        fields,
        limit,
        cursor: cursor ?? undefined,
      })
  return readPage(answer, page, projectId)
}

/** As Langfuse itself sums them: details are by kind, such as `input_cached_tokens`. */
function sumOf(details: Row['usageDetails'], kind: string): number | null {
  const of = Object.entries(details ?? {}).filter(([name]) => name.startsWith(kind))
  return of.length === 0 ? null : of.reduce((sum, [, count]) => sum + Math.max(0, count), 0)
}

function bodyOf(one: Row, projectId: string): ObservationBody {
  const { id, type, usageDetails, costDetails } = one
  const isRoot = one.isRootObservation ?? one.parentObservationId == null
  return {
    event: isRoot ? 'trace.created' : type === 'GENERATION' ? 'generation.created' : 'observation.created',
    timestamp: one.startTime,
    data: {
      projectId: one.projectId ?? projectId,
      // An observation without a trace is its own trace.
      traceId: one.traceId || id,
      observationId: id,
      type,
      name: one.name,
      traceName: one.traceName,
      environment: one.environment,
      level: one.level,
      statusMessage: one.statusMessage,
      model: one.providedModelName ?? one.model,
      latency: one.latency,
      totalCost: one.totalCost ?? costDetails?.total ?? one.calculatedTotalCost,
      inputTokens: sumOf(usageDetails, 'input'),
      outputTokens: sumOf(usageDetails, 'output'),
      totalTokens: sumOf(usageDetails, 'total'),
      userId: one.userId,
      sessionId: one.sessionId,
      promptName: one.promptName,
      promptVersion: one.promptVersion,
      updatedAt: one.updatedAt,
    },
  }
}

const readPage = pageReader(row, bodyOf)
