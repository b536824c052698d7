import type { Fact } from '../../core/change/change.ts'
import { type ObservedRow, observationBody, rowOf, scoreBody } from '../../core/change/observed.ts'
import { fromObservation, fromScore } from '../../langfuse/observed.ts'
import { iso, promptPlan, type TestPlan, testProject } from './test-edits.ts'

/** What can be sent as a test: one for each thing that Langfuse tells of. */
export const testKinds = [
  'version-created',
  'promoted',
  'deleted',
  'alert',
  'recovered',
  'notification',
  'error-trace',
  'score',
  'unrecognised',
] as const
export type TestKind = (typeof testKinds)[number]

const once = { count: 1, firstAt: 0, lastAt: 0 }

/** What each turns out to be, for which targets hear of it; of traces and scores without their times. */
export const testFacts: Record<TestKind, Fact[]> = {
  'version-created': [{ kind: 'version-created', version: 2, labels: ['latest'] }],
  promoted: [{ kind: 'promoted', label: 'production', from: 1, to: 2 }],
  deleted: [{ kind: 'deleted', versions: [1], labels: [], whole: false }],
  alert: [{ kind: 'alert', severity: 'ALERT', monitorId: testProject }],
  recovered: [{ kind: 'recovered', severity: 'OK', monitorId: testProject }],
  notification: [{ kind: 'notification', eventType: 'prompt-relay-test', severity: 'INFO' }],
  'error-trace': [{ kind: 'error-trace', name: 'prompt-relay/test', ...once }],
  score: [{ kind: 'score', name: 'prompt-relay/test', ...once, lowest: 0, highest: 0 }],
  unrecognised: [{ kind: 'unrecognised' }],
}

const alertBody = (id: string, now: number, severity: 'ALERT' | 'OK'): object => ({
  id,
  timestamp: iso(now),
  type: 'monitor-alert',
  apiVersion: 'v1',
  payload: {
    monitorId: testProject,
    projectId: testProject,
    message: {
      title: `[${severity}] prompt-relay/test`,
      body: severity === 'OK' ? 'A test: nothing was wrong.' : 'A test: nothing is wrong.',
    },
    severity,
    timestamp: iso(now),
    filters: [],
  },
})

const notificationBody = (id: string, now: number): object => ({
  id,
  timestamp: iso(now),
  type: 'project-notification',
  apiVersion: 'v1',
  event: {
    eventType: 'prompt-relay-test',
    severity: 'INFO',
    projectId: testProject,
    projectName: 'Prompt Relay test',
    resourceName: 'prompt-relay/test',
    message: 'A test: nothing is wrong.',
  },
})

const errorBody = (id: string, now: number): object => ({
  event: 'trace.created',
  timestamp: iso(now),
  data: {
    projectId: testProject,
    traceId: id,
    traceName: 'prompt-relay/test',
    environment: 'test',
    level: 'ERROR',
    statusMessage: 'A test: nothing is wrong.',
    latency: 1.5,
  },
})

/** As when a person marks a trace as bad. */
const lowScoreBody = (id: string, now: number): object => ({
  event: 'score.created',
  timestamp: iso(now),
  data: {
    projectId: testProject,
    scoreId: id,
    name: 'prompt-relay/test',
    value: false,
    dataType: 'BOOLEAN',
    source: 'ANNOTATION',
    comment: 'A test: nothing is wrong.',
    environment: 'test',
    traceId: id,
  },
})

/** What rules ask for of a test that is a trace or a score. */
export function testRows(kind: TestKind): ObservedRow[] {
  if (kind === 'error-trace') return [rowOf(fromObservation(observationBody.parse(errorBody('test', 0))))]
  return kind === 'score' ? [rowOf(fromScore(scoreBody.parse(lowScoreBody('test', 0))))] : []
}

/** `id`: unique; dedupe goes by it. `now`: epoch milliseconds. */
export function testPlan(kind: TestKind, id: string, now: number): TestPlan {
  const alone = (body: object): TestPlan => ({ before: null, bodies: [body] })
  switch (kind) {
    case 'version-created':
    case 'promoted':
    case 'deleted':
      return promptPlan(kind, id, now)
    case 'alert':
      return alone(alertBody(id, now, 'ALERT'))
    case 'recovered':
      return alone(alertBody(id, now, 'OK'))
    case 'notification':
      return alone(notificationBody(id, now))
    case 'error-trace':
      return alone(errorBody(id, now))
    case 'score':
      return alone(lowScoreBody(id, now))
    case 'unrecognised':
      return alone({ id, timestamp: iso(now), type: 'prompt-relay-test' })
  }
}
