import type { Fact, VersionState } from '../../core/change/change.ts'
import { type ObservedRow, observationBody, rowOf, scoreBody } from '../../core/change/observed.ts'
import { fromObservation, fromScore } from '../../langfuse/body.ts'

/** Not the id of any Langfuse project, so that a test never changes the state of a real prompt. */
export const testProject = 'prompt-relay-test'

interface TestVersion {
  state: VersionState
  content: { text: string; config: Record<string, unknown> }
}

/** A test: bodies to send, as Langfuse would write them, and the state before. */
export interface TestPlan {
  before: { name: string; versions: TestVersion[] } | null
  bodies: object[]
}

/** One test for each kind of thing that Langfuse sends. */
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

/** The facts of each test, to show which targets receive it; without the times of traces and scores. */
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

const earlierMs = 60_000
const earlierText = 'You answer questions about {{product}}.\nBe short.'
const laterText = 'You answer questions about {{product}} in {{language}}.\nBe short and kind.'

interface Version {
  version: number
  labels: string[]
  text: string
}

const iso = (at: number): string => new Date(at).toISOString()

function promptBody(
  id: string,
  now: number,
  { name, action, prompt }: { name: string; action: string; prompt: Version },
): object {
  const { version, labels, text } = prompt
  return {
    id,
    timestamp: iso(now),
    type: 'prompt-version',
    apiVersion: 'v1',
    action,
    user: { name: 'Prompt Relay', email: null },
    prompt: {
      id: `${name}-v${version}`,
      name,
      version,
      projectId: testProject,
      createdBy: 'prompt-relay',
      labels,
      prompt: text,
      type: 'text',
      config: { temperature: version > 1 ? 0.2 : 0.7 },
      commitMessage: 'A test sent from the setup page',
      tags: [],
      // In the past for older versions; otherwise newer ones would count as deleted and created again.
      createdAt: iso(action === 'created' ? now : now - 2 * earlierMs),
      updatedAt: iso(now),
    },
  }
}

function versionBefore(name: string, now: number, { version, labels, text }: Version): TestVersion {
  return {
    state: {
      version,
      promptId: `${name}-v${version}`,
      labels,
      tags: [],
      promptType: 'text',
      commitMessage: null,
      createdBy: 'prompt-relay',
      updatedAt: now - earlierMs,
      deleted: false,
    },
    content: { text, config: { temperature: version > 1 ? 0.2 : 0.7 } },
  }
}

/** Versions before the edit, and each event of it. */
const edits = {
  'version-created': {
    before: [{ version: 1, labels: ['production', 'latest'], text: earlierText }],
    events: [
      { action: 'created', prompt: { version: 2, labels: ['latest'], text: laterText } },
      { action: 'updated', prompt: { version: 1, labels: ['production'], text: earlierText } },
    ],
  },
  promoted: {
    before: [
      { version: 1, labels: ['production'], text: earlierText },
      { version: 2, labels: ['latest'], text: laterText },
    ],
    events: [
      { action: 'updated', prompt: { version: 2, labels: ['latest', 'production'], text: laterText } },
      { action: 'updated', prompt: { version: 1, labels: [], text: earlierText } },
    ],
  },
  deleted: {
    before: [
      { version: 1, labels: [], text: earlierText },
      { version: 2, labels: ['production', 'latest'], text: laterText },
    ],
    events: [{ action: 'deleted', prompt: { version: 1, labels: [], text: earlierText } }],
  },
} satisfies Record<string, { before: Version[]; events: { action: string; prompt: Version }[] }>

/** An edit of the test prompt. `id`: unique; `now`: epoch milliseconds. */
function promptPlan(kind: keyof typeof edits, id: string, now: number): TestPlan {
  // One name for each kind, so that simultaneous tests do not count as one edit.
  const name = `prompt-relay/test/${kind}`
  const { before, events } = edits[kind]
  return {
    before: { name, versions: before.map((version) => versionBefore(name, now, version)) },
    bodies: events.map((event, i) => promptBody(`${id}-${i}`, now, { name, ...event })),
  }
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

/** The rows of a test that is a trace or a score, for matching rules. */
export function testRows(kind: TestKind): ObservedRow[] {
  if (kind === 'error-trace') return [rowOf(fromObservation(observationBody.parse(errorBody('test', 0))))]
  return kind === 'score' ? [rowOf(fromScore(scoreBody.parse(lowScoreBody('test', 0))))] : []
}

/** `id`: unique, for deduplication. `now`: epoch milliseconds. */
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
