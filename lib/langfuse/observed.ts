import type {
  ObservationBody,
  ObservationEvent,
  ObservedName,
  ScoreBody,
  ScoreEvent,
} from '../core/change/observed.ts'

const actionOf = (event: ObservedName): 'created' | 'updated' =>
  event.endsWith('.updated') ? 'updated' : 'created'

const types = {
  'trace.created': 'trace',
  'trace.updated': 'trace',
  'generation.created': 'generation',
  'observation.created': 'observation',
} as const satisfies Record<ObservationBody['event'], ObservationEvent['type']>

export function fromObservation({ event, timestamp, data }: ObservationBody): ObservationEvent {
  return {
    type: types[event],
    action: actionOf(event),
    projectId: data.projectId,
    traceId: data.traceId,
    id: data.observationId ?? data.traceId,
    observationType: data.type ?? null,
    name: data.name ?? null,
    traceName: data.traceName ?? null,
    environment: data.environment ?? null,
    level: data.level ?? null,
    statusMessage: data.statusMessage ?? null,
    model: data.model ?? null,
    latencyMs: data.latency == null ? null : Math.round(data.latency * 1000),
    cost: data.totalCost ?? null,
    tokens: {
      input: data.inputTokens ?? null,
      output: data.outputTokens ?? null,
      total: data.totalTokens ?? null,
    },
    userId: data.userId ?? null,
    sessionId: data.sessionId ?? null,
    promptName: data.promptName ?? null,
    promptVersion: data.promptVersion ?? null,
    at: Date.parse(timestamp),
  }
}

export function fromScore({ event, timestamp, data }: ScoreBody): ScoreEvent {
  return {
    type: 'score',
    action: actionOf(event),
    projectId: data.projectId,
    id: data.scoreId,
    name: data.name,
    value: data.value ?? null,
    dataType: data.dataType ?? null,
    source: data.source ?? null,
    comment: data.comment ?? null,
    environment: data.environment ?? null,
    traceId: data.traceId ?? null,
    observationId: data.observationId ?? null,
    sessionId: data.sessionId ?? null,
    at: Date.parse(timestamp),
  }
}
