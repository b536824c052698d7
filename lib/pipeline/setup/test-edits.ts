import type { VersionState } from '../../core/change/change.ts'

/** No project of Langfuse has such an id, so that a test never touches what is known of a real prompt. */
export const testProject = 'prompt-relay-test'

interface TestVersion {
  state: VersionState
  content: { text: string; config: Record<string, unknown> }
}

/** A test of one kind: the bodies to send, as Langfuse would write them, and what is to be known before. */
export interface TestPlan {
  before: { name: string; versions: TestVersion[] } | null
  bodies: object[]
}

const earlierMs = 60_000
const earlierText = 'You answer questions about {{product}}.\nBe short.'
const laterText = 'You answer questions about {{product}} in {{language}}.\nBe short and kind.'

interface Told {
  version: number
  labels: string[]
  text: string
}

export const iso = (at: number): string => new Date(at).toISOString()

function promptBody(
  id: string,
  now: number,
  { name, action, told }: { name: string; action: string; told: Told },
): object {
  const { version, labels, text } = told
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
      // Of an older version, or the newer ones would be taken for deleted and created anew.
      createdAt: iso(action === 'created' ? now : now - 2 * earlierMs),
      updatedAt: iso(now),
    },
  }
}

function versionBefore(name: string, now: number, { version, labels, text }: Told): TestVersion {
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
      { action: 'created', told: { version: 2, labels: ['latest'], text: laterText } },
      { action: 'updated', told: { version: 1, labels: ['production'], text: earlierText } },
    ],
  },
  promoted: {
    before: [
      { version: 1, labels: ['production'], text: earlierText },
      { version: 2, labels: ['latest'], text: laterText },
    ],
    events: [
      { action: 'updated', told: { version: 2, labels: ['latest', 'production'], text: laterText } },
      { action: 'updated', told: { version: 1, labels: [], text: earlierText } },
    ],
  },
  deleted: {
    before: [
      { version: 1, labels: [], text: earlierText },
      { version: 2, labels: ['production', 'latest'], text: laterText },
    ],
    events: [{ action: 'deleted', told: { version: 1, labels: [], text: earlierText } }],
  },
} satisfies Record<string, { before: Told[]; events: { action: string; told: Told }[] }>

/** An edit of a prompt of the relay's own. `id`: unique; `now`: epoch milliseconds. */
export function promptPlan(kind: keyof typeof edits, id: string, now: number): TestPlan {
  // One name a kind, so that two tests at once are not taken for one edit.
  const name = `prompt-relay/test/${kind}`
  const { before, events } = edits[kind]
  return {
    before: { name, versions: before.map((told) => versionBefore(name, now, told)) },
    bodies: events.map((event, i) => promptBody(`${id}-${i}`, now, { name, ...event })),
  }
}
