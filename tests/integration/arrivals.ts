import type { AlertEvent, PromptEvent } from '#lib/core/change/event.ts'
import type { Arrival } from '#lib/pipeline/arrival.ts'

const body = new TextEncoder().encode('{"id":"a"}')

export const promptEvent = (version = 7): PromptEvent => ({
  type: 'prompt-version',
  action: 'created',
  projectId: 'p1',
  name: 'support/refund-reply',
  version,
  user: null,
})

export const alertEvent: AlertEvent = {
  type: 'monitor-alert',
  projectId: 'p1',
  monitorId: 'm1',
  title: '[ALERT] latency',
  body: '',
  severity: 'ALERT',
  url: null,
  dataUrl: null,
  environments: [],
  at: 1000,
}

/** An event as the webhook endpoint passes it on. */
export const arrival = (over: Partial<Arrival> = {}): Arrival => ({
  event: promptEvent(),
  source: 'langfuse-webhook',
  dedupeKey: 'langfuse:a',
  twinKey: null,
  projectId: 'p1',
  subject: 'support/refund-reply',
  occurredAt: 1000,
  receivedAt: 2000,
  headers: '{}',
  signature: 'v1',
  secretHint: 'cdef',
  body,
  test: false,
  ...over,
})
