import { describe, expect, it } from 'vitest'
import type { Fact } from '#lib/core/change/change.ts'
import {
  describeAlert,
  describe as describeChange,
  describeNotification,
  describeUnrecognised,
} from '#lib/core/change/describe.ts'
import type { AlertEvent, NotificationEvent } from '#lib/core/change/event.ts'

const subject = 'support/refund-reply'
const described = (facts: Fact[], actor: string | null = 'Maya Okonkwo') =>
  describeChange({ subject, facts, actor, version: 7 })

const createdV8: Fact = { kind: 'version-created', version: 8, labels: ['latest'] }
const promotion = (label: string, from: number, to: number): Fact => ({ kind: 'promoted', label, from, to })

describe('the sentence of a change', () => {
  it.each<[string, Fact[]]>([
    ['Maya Okonkwo created support/refund-reply v8', [createdV8]],
    ['Maya Okonkwo promoted support/refund-reply v7 to production, was v6', [promotion('production', 6, 7)]],
    [
      'Maya Okonkwo created support/refund-reply v8 and promoted it to production, was v7',
      [createdV8, promotion('production', 7, 8)],
    ],
    [
      'Maya Okonkwo created support/refund-reply v8, put staging on it and promoted it to production, was v7',
      [createdV8, promotion('production', 7, 8), { kind: 'label-added', label: 'staging', to: 8 }],
    ],
    [
      'Maya Okonkwo created support/refund-reply v1–v3, put production on v2 and put staging on v3',
      [
        { kind: 'version-created', version: 3, labels: ['latest', 'staging'] },
        { kind: 'version-created', version: 2, labels: ['production'] },
        { kind: 'version-created', version: 1, labels: [] },
        { kind: 'label-added', label: 'production', to: 2 },
        { kind: 'label-added', label: 'staging', to: 3 },
      ],
    ],
    [
      'Maya Okonkwo promoted support/refund-reply v7 to production, canary and eu, was v6',
      [promotion('production', 6, 7), promotion('canary', 6, 7), promotion('eu', 6, 7)],
    ],
    [
      'Maya Okonkwo promoted support/refund-reply v7 to production (was v6); promoted support/refund-reply v7 to canary (was v4)',
      [promotion('production', 6, 7), promotion('canary', 4, 7)],
    ],
    [
      'Maya Okonkwo created support/refund-reply v8 and put canary and eu on it',
      [
        createdV8,
        { kind: 'label-added', label: 'canary', to: 8 },
        { kind: 'label-added', label: 'eu', to: 8 },
      ],
    ],
    [
      'Maya Okonkwo rolled production and canary of support/refund-reply back from v7 to v6',
      [
        { kind: 'rolled-back', label: 'production', from: 7, to: 6 },
        { kind: 'rolled-back', label: 'canary', from: 7, to: 6 },
      ],
    ],
    [
      'Maya Okonkwo removed canary and eu from support/refund-reply v6; put staging on support/refund-reply v6',
      [
        { kind: 'label-removed', label: 'canary', from: 6 },
        { kind: 'label-removed', label: 'eu', from: 6 },
        { kind: 'label-added', label: 'staging', to: 6 },
      ],
    ],
    [
      'Maya Okonkwo rolled production of support/refund-reply back from v7 to v6',
      [{ kind: 'rolled-back', label: 'production', from: 7, to: 6 }],
    ],
    [
      'Maya Okonkwo put staging on support/refund-reply v7',
      [{ kind: 'label-added', label: 'staging', to: 7 }],
    ],
    [
      'Maya Okonkwo removed staging from support/refund-reply v6',
      [{ kind: 'label-removed', label: 'staging', from: 6 }],
    ],
    [
      'Maya Okonkwo tagged support/refund-reply with eu and ci',
      [{ kind: 'tags-changed', added: ['eu', 'ci'], removed: [] }],
    ],
    [
      'Maya Okonkwo removed the tag eu from support/refund-reply',
      [{ kind: 'tags-changed', added: [], removed: ['eu'] }],
    ],
    [
      'Maya Okonkwo removed the tags a, b and c from support/refund-reply and tagged it with eu',
      [{ kind: 'tags-changed', added: ['eu'], removed: ['a', 'b', 'c'] }],
    ],
    [
      'Maya Okonkwo created support/refund-reply v8; tagged the prompt with eu',
      [createdV8, { kind: 'tags-changed', added: ['eu'], removed: [] }],
    ],
    [
      'Maya Okonkwo deleted v2 of support/refund-reply',
      [{ kind: 'deleted', versions: [2], labels: ['latest'], whole: false }],
    ],
    [
      'Maya Okonkwo deleted v2, v3 and v5 of support/refund-reply',
      [{ kind: 'deleted', versions: [2, 3, 5], labels: [], whole: false }],
    ],
    [
      'Maya Okonkwo deleted the prompt support/refund-reply (versions 1–4)',
      [{ kind: 'deleted', versions: [1, 2, 3, 4], labels: ['latest'], whole: true }],
    ],
    [
      'Maya Okonkwo deleted the prompt support/refund-reply (version 1)',
      [{ kind: 'deleted', versions: [1], labels: ['latest'], whole: true }],
    ],
    [
      'support/refund-reply v21 is labelled production, latest (seen for the first time)',
      [{ kind: 'first-seen', version: 21, labels: ['production', 'latest'] }],
    ],
    [
      'support/refund-reply v7 is labelled latest and v3 is labelled production (seen for the first time)',
      [
        { kind: 'first-seen', version: 7, labels: ['latest'] },
        { kind: 'first-seen', version: 3, labels: ['production'] },
      ],
    ],
    [
      'support/refund-reply v3 has no label (seen for the first time)',
      [{ kind: 'first-seen', version: 3, labels: [] }],
    ],
    ['Nothing visible changed on support/refund-reply v7', [{ kind: 'unchanged' }]],
  ])('%s', (title, facts) => {
    expect(described(facts)).toMatchObject({ title, danger: false })
  })

  it('says of an event that arrived too late that it did, not that nothing changed', () => {
    const late = { subject: 'support/refund-reply', actor: null, version: 7, eventId: null }
    expect(describeChange({ ...late, facts: [{ kind: 'unchanged' }] }).title).toBe(
      'An event of support/refund-reply v7 was older than the known state and changed nothing',
    )
  })

  it('names the API, or someone where the author is not known', () => {
    expect(described([createdV8], 'API').title).toBe('The API created support/refund-reply v8')
    expect(described([createdV8], null).title).toBe('Someone created support/refund-reply v8')
  })

  it('keeps a very long name whole', () => {
    const long = `support/${'x'.repeat(5000)}`
    const { title } = describeChange({ subject: long, facts: [createdV8], actor: null, version: 8 })
    expect(title).toContain(long)
  })
})

describe('the sentence of a change by several people', () => {
  it.each<[string, Fact[]]>([
    [
      'Maya Okonkwo promoted support/refund-reply v3 to production, was v2; Jo put staging on support/refund-reply v1',
      [promotion('production', 2, 3), { kind: 'label-added', label: 'staging', to: 1, by: 'Jo' }],
    ],
    [
      'Maya Okonkwo created support/refund-reply v8; The API promoted support/refund-reply v8 to production, was v7',
      [createdV8, { ...promotion('production', 7, 8), by: 'API' } as Fact],
    ],
    [
      'Maya Okonkwo deleted v1 of support/refund-reply; Jo deleted v2 of support/refund-reply',
      [
        { kind: 'deleted', versions: [1], labels: [], whole: true },
        { kind: 'deleted', versions: [2], labels: [], whole: true, by: 'Jo' },
      ],
    ],
    [
      'Maya Okonkwo tagged support/refund-reply with eu; production of support/refund-reply moved from v6 to v7',
      [
        { ...promotion('production', 6, 7), revealed: true } as Fact,
        { kind: 'tags-changed', added: ['eu'], removed: [] },
      ],
    ],
    [
      'production and staging are on support/refund-reply v7',
      [
        { kind: 'label-added', label: 'production', to: 7, revealed: true },
        { kind: 'label-added', label: 'staging', to: 7, revealed: true },
      ],
    ],
    [
      'the tags of support/refund-reply changed +eu −us',
      [{ kind: 'tags-changed', added: ['eu'], removed: ['us'], revealed: true }],
    ],
    [
      'Maya Okonkwo rolled latest of support/refund-reply back from v2 to v1',
      [{ kind: 'rolled-back', label: 'latest', from: 2, to: 1 }],
    ],
  ])('%s', (title, facts) => {
    expect(described(facts)).toMatchObject({ title, danger: false })
  })

  it('says who undid whose edit where nothing else is left of it', () => {
    const steps: Fact[] = [
      { ...promotion('production', 2, 3), by: 'Maya' } as Fact,
      { kind: 'rolled-back', label: 'production', from: 3, to: 2, by: 'Jo' },
    ]
    const { title } = describeChange({
      subject,
      facts: [{ kind: 'unchanged' }],
      actor: 'Jo',
      version: 3,
      steps,
    })
    expect(title).toBe(
      'Maya promoted support/refund-reply v3 to production, was v2; Jo rolled production of support/refund-reply back from v3 to v2: nothing changed in the end',
    )
  })
})

describe('the kind of a change', () => {
  it.each<[Fact['kind'], Fact[]]>([
    ['version-created', [promotion('production', 7, 8), createdV8]],
    ['deleted', [createdV8, { kind: 'deleted', versions: [2], labels: [], whole: false }]],
    ['promoted', [{ kind: 'tags-changed', added: ['eu'], removed: [] }, promotion('production', 6, 7)]],
    ['rolled-back', [{ kind: 'rolled-back', label: 'production', from: 7, to: 6 }]],
    ['unchanged', [{ kind: 'unchanged' }]],
  ])('is %s, that of its most important fact, in any order', (kind, facts) => {
    expect(described(facts).kind).toBe(kind)
  })
})

describe('danger', () => {
  it.each<[string, Fact[]]>([
    [
      'Maya Okonkwo removed production from support/refund-reply v6: nothing carries production now',
      [{ kind: 'label-removed', label: 'production', from: 6 }],
    ],
    [
      'Maya Okonkwo deleted v6 of support/refund-reply: nothing carries production now',
      [{ kind: 'deleted', versions: [6], labels: ['production'], whole: false }],
    ],
    [
      'Maya Okonkwo deleted the prompt support/refund-reply (versions 1 and 2): nothing carries production now',
      [{ kind: 'deleted', versions: [1, 2], labels: ['production', 'latest'], whole: true }],
    ],
  ])('%s', (title, facts) => {
    expect(described(facts)).toMatchObject({ title, danger: true })
  })

  it.each<[string, Fact[], boolean]>([
    [
      'Maya Okonkwo removed production from support/refund-reply v6: no version is known to carry production now',
      [{ kind: 'label-removed', label: 'production', from: 6, now: 'unknown' }],
      true,
    ],
    [
      'production left support/refund-reply v6; its new version is unknown',
      [{ kind: 'label-removed', label: 'production', from: 6, now: 'newer' }],
      false,
    ],
  ])('claims no more than is known: %s', (title, facts, danger) => {
    expect(described(facts)).toMatchObject({ title, danger })
  })

  it.each<[string, Fact[]]>([
    ['another label is removed', [{ kind: 'label-removed', label: 'staging', from: 6 }]],
    [
      'a version without production is deleted',
      [{ kind: 'deleted', versions: [6], labels: [], whole: true }],
    ],
    ['production goes back', [{ kind: 'rolled-back', label: 'production', from: 7, to: 6 }]],
    [
      'another version took production from the deleted one',
      [
        { kind: 'deleted', versions: [6], labels: ['production'], whole: false },
        promotion('production', 6, 7),
      ],
    ],
    [
      'a new version got production after the deletion',
      [
        { kind: 'deleted', versions: [6], labels: ['production'], whole: false },
        { kind: 'label-added', label: 'production', to: 7 },
      ],
    ],
  ])('there is none where %s', (_, facts) => {
    expect(described(facts).danger).toBe(false)
  })

  it('there is where another label moved on, but production did not', () => {
    const facts: Fact[] = [
      { kind: 'deleted', versions: [6], labels: ['production', 'staging'], whole: false },
      promotion('staging', 6, 7),
    ]
    expect(described(facts).danger).toBe(true)
  })
})

describe('an alert', () => {
  const alert = (severity: string, title: string): AlertEvent => ({
    type: 'monitor-alert',
    projectId: 'project',
    monitorId: 'monitor',
    title,
    body: '',
    severity,
    url: null,
    dataUrl: null,
    environments: [],
    at: 0,
  })

  it.each([
    ['ALERT', '[ALERT] p95 latency [eu]', 'Alert: p95 latency [eu]', 'alert', true],
    ['WARNING', '[WARNING] p95 latency', 'Warning: p95 latency', 'alert', false],
    ['NO_DATA', '[NO_DATA] p95 latency', 'No data: p95 latency', 'alert', false],
    ['OK', '[OK] p95 latency', 'Recovered: p95 latency', 'recovered', false],
    ['PAUSED', 'p95 latency', 'PAUSED: p95 latency', 'alert', false],
  ] as const)('of severity %s named "%s" reads "%s"', (severity, name, title, kind, danger) => {
    const facts = [{ kind, severity, monitorId: 'monitor' }]
    expect(describeAlert(alert(severity, name))).toEqual({ title, kind, danger, facts })
  })
})

describe('a notification', () => {
  const notification: NotificationEvent = {
    type: 'project-notification',
    projectId: 'project',
    projectName: 'Support Bot (prod)',
    eventType: 'evaluator-blocked',
    severity: 'ALERT',
    resource: 'hallucination-judge',
    message: 'Evaluator paused: provider rejected the credentials.',
    url: null,
  }

  it.each<[string, Partial<NotificationEvent>]>([
    ['Evaluator hallucination-judge is blocked in Support Bot (prod)', {}],
    [
      'Blob export to acme-exports failed in Support Bot (prod)',
      { eventType: 'blob-export-failed', resource: 'acme-exports' },
    ],
    [
      'PostHog export to eu.posthog.com failed',
      { eventType: 'posthog-export-failed', resource: 'eu.posthog.com', projectName: null },
    ],
    [
      'quota nearly used: traces in Support Bot (prod)',
      { eventType: 'quota-nearly-used', resource: 'traces' },
    ],
    ['Evaluator blocked in Support Bot (prod)', { resource: null }],
  ])('reads "%s"', (title, more) => {
    const event = { ...notification, ...more }
    const { eventType, severity } = event
    expect(describeNotification(event)).toEqual({
      title,
      kind: 'notification',
      danger: true,
      facts: [{ kind: 'notification', eventType, severity }],
    })
  })

  it('is no danger below the severity ALERT', () => {
    expect(describeNotification({ ...notification, severity: 'WARNING' }).danger).toBe(false)
  })
})

describe('a signed request of unknown shape', () => {
  it('names the first problem', () => {
    const problems = ['`type`: expected one of prompt-version, …', 'and more']
    expect(describeUnrecognised({ type: 'unrecognised', projectId: null, problems })).toEqual({
      title: 'A signed request of unknown shape: `type`: expected one of prompt-version, …',
      kind: 'unrecognised',
      danger: false,
      facts: [{ kind: 'unrecognised' }],
    })
    expect(describeUnrecognised({ type: 'unrecognised', projectId: null, problems: [] }).title).toBe(
      'A signed request of unknown shape',
    )
  })
})

describe('the sentence of a change that a comparison with Langfuse found', () => {
  const found = (facts: Fact[], more: Partial<Parameters<typeof describeChange>[0]> = {}) =>
    describeChange({ subject, facts, actor: null, version: 7, isReconciled: true, ...more })

  it.each<[string, Fact[]]>([
    ['support/refund-reply v8 was created', [createdV8]],
    [
      'support/refund-reply v8 was created and promoted to production, was v7',
      [createdV8, promotion('production', 7, 8)],
    ],
    [
      'support/refund-reply v8 was created, labelled staging and promoted to production, was v7',
      [createdV8, promotion('production', 7, 8), { kind: 'label-added', label: 'staging', to: 8 }],
    ],
    [
      'support/refund-reply v7 and v8 were created; support/refund-reply v8 was promoted to production, was v6',
      [createdV8, { kind: 'version-created', version: 7, labels: [] }, promotion('production', 6, 8)],
    ],
    [
      'support/refund-reply v7 was promoted to production and eu, was v6',
      [promotion('production', 6, 7), promotion('eu', 6, 7)],
    ],
    [
      'production of support/refund-reply was rolled back from v7 to v6',
      [{ kind: 'rolled-back', label: 'production', from: 7, to: 6 }],
    ],
    [
      'production and eu of support/refund-reply were rolled back from v7 to v6',
      [
        { kind: 'rolled-back', label: 'production', from: 7, to: 6 },
        { kind: 'rolled-back', label: 'eu', from: 7, to: 6 },
      ],
    ],
    [
      'support/refund-reply v7 was labelled eu and canary',
      [
        { kind: 'label-added', label: 'eu', to: 7 },
        { kind: 'label-added', label: 'canary', to: 7 },
      ],
    ],
    [
      'staging was removed from support/refund-reply v6',
      [{ kind: 'label-removed', label: 'staging', from: 6 }],
    ],
    [
      'support/refund-reply was tagged with eu and ci',
      [{ kind: 'tags-changed', added: ['eu', 'ci'], removed: [] }],
    ],
    [
      'support/refund-reply lost the tag eu and was tagged with ci',
      [{ kind: 'tags-changed', added: ['ci'], removed: ['eu'] }],
    ],
    [
      'support/refund-reply lost the tags eu and ci',
      [{ kind: 'tags-changed', added: [], removed: ['eu', 'ci'] }],
    ],
    ['support/refund-reply v3 was deleted', [{ kind: 'deleted', versions: [3], labels: [], whole: false }]],
    [
      'support/refund-reply v3–v5 were deleted',
      [{ kind: 'deleted', versions: [3, 4, 5], labels: [], whole: false }],
    ],
    [
      'support/refund-reply was deleted (versions 1–4)',
      [{ kind: 'deleted', versions: [1, 2, 3, 4], labels: [], whole: true }],
    ],
    ['Nothing visible changed on support/refund-reply v7', [{ kind: 'unchanged' }]],
  ])('%s', (title, facts) => {
    expect(found(facts)).toMatchObject({ title, danger: false })
  })

  it('is as dangerous as any other', () => {
    expect(found([{ kind: 'label-removed', label: 'production', from: 6 }])).toMatchObject({
      title: 'production was removed from support/refund-reply v6: nothing carries production now',
      danger: true,
    })
  })

  it('names the API, which creates versions', () => {
    const facts: Fact[] = [createdV8, { ...promotion('production', 7, 8), by: null } as Fact]
    expect(found(facts, { actor: 'API' }).title).toBe(
      'The API created support/refund-reply v8; support/refund-reply v8 was promoted to production, was v7',
    )
  })

  it('says which version inherited `latest`', () => {
    expect(found([{ kind: 'unchanged' }], { regained: ['latest'] }).title).toBe(
      'latest of support/refund-reply is on v7 now',
    )
  })
})
