import { z } from 'zod'
import type { ScoreBody } from '../../core/change/observed.ts'
import type { PageRequest, PolledPage } from '../../core/polling/rows.ts'
import { pageNumber, pageReader, text, time } from './page.ts'
import { getFromLangfuse, type LangfuseApi } from './request.ts'

const row = z.object({
  id: z.string().min(1),
  projectId: text,
  name: z.string().min(1),
  value: z.union([z.number(), z.boolean(), z.string()]).nullish().catch(null),
  /** The endpoint before v4 has the text of a category beside its number. */
  stringValue: text,
  dataType: text,
  source: text,
  timestamp: time,
  environment: text,
  updatedAt: time.nullish().catch(null),
  comment: text,
  subject: z.object({ kind: z.string(), id: z.string(), traceId: text }).nullish().catch(null),
  traceId: text,
  observationId: text,
  sessionId: text,
})
type Row = z.output<typeof row>

/** Langfuse's maximum. */
const limit = 100

/**
 * One page of scores, newest first: `GET /api/public/v3/scores`, or if `old`, `GET /api/public/v2/scores`, whose cursor is
 * a page number. `projectId`: for rows that do not name theirs.
 */
export async function readScores(
  api: LangfuseApi,
  page: PageRequest,
  projectId: string,
): Promise<PolledPage> {
  const { from, to, cursor, old } = page
  const range = {
    fromTimestamp: new Date(from).toISOString(),
    toTimestamp: to === null ? undefined : new Date(to).toISOString(),
    limit,
  }
  const answer = old
    ? await getFromLangfuse(api, '/api/public/v2/scores', { ...range, page: pageNumber(page) })
    : await getFromLangfuse(api, '/api/public/v3/scores', {
        ...range,
        fields: 'details,subject',
        cursor: cursor ?? undefined,
      })
  return readPage(answer, page, projectId)
}

function wordsOrNumber({ value, stringValue, dataType }: Row): Row['value'] {
  if (stringValue == null) return value
  return dataType === 'BOOLEAN' ? value === 1 : stringValue
}

function subjectOf(one: Row): Pick<Row, 'traceId' | 'observationId' | 'sessionId'> {
  const { subject } = one
  switch (subject?.kind) {
    case 'trace':
      return { traceId: subject.id, observationId: null, sessionId: null }
    case 'observation':
      return { traceId: subject.traceId, observationId: subject.id, sessionId: null }
    case 'session':
      return { traceId: null, observationId: null, sessionId: subject.id }
    default:
      return one
  }
}

function bodyOf(one: Row, projectId: string): ScoreBody {
  const { traceId, observationId, sessionId } = subjectOf(one)
  return {
    event: 'score.created',
    timestamp: one.timestamp,
    data: {
      projectId: one.projectId ?? projectId,
      scoreId: one.id,
      name: one.name.slice(0, 600).toWellFormed(),
      value: wordsOrNumber(one),
      dataType: one.dataType,
      source: one.source,
      comment: one.comment,
      environment: one.environment,
      traceId,
      observationId,
      sessionId,
      updatedAt: one.updatedAt,
    },
  }
}

const readPage = pageReader(row, bodyOf)
