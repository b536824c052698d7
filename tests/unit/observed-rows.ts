import type { ObservedRow } from '#lib/core/change/observed.ts'

export const observedAt = Date.parse('2026-08-21T09:00:00Z')

/** A trace of the checkout agent that went well. */
export const traceRow = (over: Partial<ObservedRow> = {}): ObservedRow => ({
  event: 'trace.created',
  id: 'o1',
  traceId: 't1',
  observationId: 'o1',
  isGeneration: false,
  name: 'checkout',
  at: observedAt,
  environment: 'production',
  level: 'DEFAULT',
  message: null,
  model: null,
  latencyMs: 1200,
  cost: 0.02,
  promptName: null,
  value: null,
  dataType: null,
  source: null,
  ...over,
})

export const scoreRow = (over: Partial<ObservedRow> = {}): ObservedRow =>
  traceRow({
    event: 'score.created',
    id: 's1',
    observationId: null,
    name: 'helpfulness',
    level: null,
    latencyMs: null,
    cost: null,
    value: 0.3,
    dataType: 'NUMERIC',
    source: 'EVAL',
    ...over,
  })
