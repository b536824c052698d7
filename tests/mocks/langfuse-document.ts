import { readFileSync } from 'node:fs'
import { z } from 'zod'

interface Endpoint {
  query: Record<string, { type?: string }>
  answer: z.core.JSONSchema.JSONSchema
}

/** What Langfuse's own OpenAPI document says of these endpoints, its references resolved. */
const document = JSON.parse(
  readFileSync(new URL('../fixtures/langfuse-openapi.json', import.meta.url), 'utf8'),
) as Record<string, Endpoint>

const forms = new Map(
  Object.entries(document).map(([path, { answer }]) => [
    path,
    z.fromJSONSchema(answer, { defaultTarget: 'openapi-3.0' }),
  ]),
)

/** Where an answer does not fit the document; `path` as written there: `/api/public/traces/{traceId}`. */
export function answerProblems(path: string, answer: unknown): string[] {
  const form = forms.get(path)
  if (!form) return [`${path} is not in the document`]
  const { error } = form.safeParse(answer)
  return error ? [`${path} answered: ${z.prettifyError(error)}`] : []
}

/** Where a query does not fit the document. */
export function queryProblems(path: string, query: URLSearchParams): string[] {
  const max = path === '/api/public/v2/observations' ? 1000 : 100
  return [...query].flatMap(([name, value]) => {
    const parameter = document[path]?.query[name]
    if (!parameter) return [`${path} has no parameter ${name}`]
    if (name === 'limit' && Number(value) > max) return [`${path} takes no limit of ${value}`]
    return parameter.type === 'integer' && !/^\d+$/.test(value) ? [`${path}: ${name} is not a number`] : []
  })
}
