import type { FlatBody } from '#lib/core/polling/rows.ts'

export const trace: FlatBody = {
  event: 'trace.created',
  timestamp: '2026-08-21T09:00:00.000Z',
  data: {
    projectId: 'p1',
    traceId: 't1',
    observationId: 'o1',
    type: 'GENERATION',
    name: 'call',
    traceName: 'checkout-agent',
    environment: 'production',
    level: 'ERROR',
    statusMessage: 'timeout',
    model: 'gpt-5',
    latency: 1.2345,
    totalCost: 0.02,
    inputTokens: 100,
    outputTokens: 20,
    totalTokens: 120,
    updatedAt: '2026-08-21T09:00:01.000Z',
  },
}
export const score: FlatBody = {
  event: 'score.created',
  timestamp: '2026-08-21T09:00:00.000Z',
  data: {
    projectId: 'p1',
    scoreId: 's1',
    name: 'helpfulness',
    value: 0.3,
    dataType: 'NUMERIC',
    traceId: 't1',
  },
}
export const changed = (body: FlatBody, data: object): FlatBody =>
  ({ ...body, data: { ...body.data, ...data } }) as FlatBody
