import type { ChangeDetail } from '#lib/core/change/change.ts'
import { move, type Seed, type SeedDelivery } from './seed.ts'

const ok = (target: string, ms: number, code = 200): SeedDelivery => ({
  target,
  status: 'delivered',
  attempts: [
    {
      outcome: 'delivered',
      status_code: code,
      duration_ms: ms,
      reason: null,
      request: '{"text":"Maya promoted support/refund-reply v7 to production, was v6","blocks":[]}',
      response: 'ok',
    },
  ],
})

const skipped: SeedDelivery = {
  target: 'github',
  status: 'skipped',
  rule: 'production to GitHub: tags-changed is not promoted or rolled-back or label-added or first-seen',
}

const retried = (
  target: string,
  reason: string,
  code: number | null,
  status: SeedDelivery['status'],
): SeedDelivery => ({
  target,
  status,
  failures: 3,
  nextIn: 7.5,
  reason,
  attempts: [1, 2, 3].map(() => ({
    outcome: status === 'failed' ? 'failed' : 'retry',
    status_code: code,
    duration_ms: 10_012,
    reason,
    request: '{"event_type":"prompt-updated"}',
    response: code === null ? null : '{"message":"Not Found"}',
  })),
})

const difference: ChangeDetail['difference'] = {
  fromVersion: 6,
  toVersion: 7,
  lines: [
    { sign: ' ', text: 'You write replies to customers who ask for a refund.' },
    { sign: '-', text: 'Keep it short. Ask {{customer}} for the order number.' },
    {
      sign: '+',
      text: 'Say sorry first. Use {{customer_name}} and {{order_id}}, never ask for what we know.',
    },
    { sign: ' ', text: '' },
    { sign: '+', text: 'Offer a voucher where the refund would take longer than three days.' },
  ],
  cutLines: 34,
  variablesAdded: ['customer_name', 'order_id'],
  variablesRemoved: ['customer'],
  config: [
    { key: 'temperature', before: '0.7', after: '0.2' },
    { key: 'model.fallback', before: null, after: '"gpt-5-mini"' },
  ],
  sizeBefore: 1204,
  sizeAfter: 1391,
  coarse: false,
}

const promptState = (
  version: number,
  labels: string[],
  labelsBefore: string[] | null,
): ChangeDetail['prompt'] => ({
  version,
  labels,
  labelsBefore,
  tags: ['support'],
  promptType: 'chat',
  commitMessage: null,
  createdBy: null,
  eventId: null,
})

/** A prompt name that tries everything: markup, Slack commands, a direction override, a bell. */
export const hostileName = '<img src=x onerror=alert(1)> <!channel> \u202Egnp.exe\u202C \u0007&amp;'

/** Changes of nearly every kind, with deliveries in every state, newest first. */
export const teamWeek: Seed[] = [
  {
    ago: 0,
    kind: 'unchanged',
    subject: 'checkout/upsell',
    title: 'checkout/upsell',
    version: 4,
    settling: true,
    events: ['08-api-change-no-user.json'],
  },
  {
    ago: 3,
    kind: 'promoted',
    subject: 'support/refund-reply',
    title: 'Maya Okonkwo promoted support/refund-reply v7 to production, was v6',
    version: 7,
    actor: 'Maya Okonkwo',
    events: ['05a-label-move-gains-production.json', '05b-label-move-loses-production.json'],
    detail: { ...move('production', 6, 7), difference },
    deliveries: [ok('slack', 412), ok('github', 184, 204)],
  },
  {
    ago: 17,
    kind: 'version-created',
    subject: 'support/refund-reply',
    title: 'Maya Okonkwo created support/refund-reply v7',
    version: 7,
    actor: 'Maya Okonkwo',
    events: ['01-prompt-created-text.json', '01b-prompt-updated-previous-loses-latest.json'],
    detail: {
      facts: [{ kind: 'version-created', version: 7, labels: ['latest'] }],
      prompt: promptState(7, ['latest'], null),
      difference,
    },
    deliveries: [ok('slack', 96), skipped],
  },
  {
    ago: 55,
    kind: 'alert',
    subject: 'p95 latency of checkout-agent',
    title: 'Alert: p95 latency of checkout-agent',
    danger: true,
    events: ['09-monitor-alert.json'],
    detail: {
      facts: [{ kind: 'alert', severity: 'ALERT', monitorId: 'mon_1' }],
      message: 'p95 latency is **8.2 s**, above 5 s, for 10 minutes.',
      links: [{ label: 'Open the alert', url: 'https://cloud.langfuse.com/project/p/monitors/m' }],
      environments: ['production'],
    },
    deliveries: [ok('slack', 240), skipped],
  },
  {
    ago: 140,
    kind: 'rolled-back',
    subject: 'search/query-rewrite',
    title: 'Jonas Weber rolled production of search/query-rewrite back from v12 to v9',
    version: 9,
    actor: 'Jonas Weber',
    events: ['05a-label-move-gains-production.json'],
    detail: {
      ...move('production', 12, 9),
      difference: 'The text of v9 is not known, so nothing can be compared.',
    },
    deliveries: [
      ok('slack', 1480),
      retried('github', 'GitHub did not answer within 10 s.', null, 'retrying'),
    ],
  },
  {
    ago: 300,
    kind: 'deleted',
    subject: 'legacy/greeting',
    title: 'Jonas Weber deleted the prompt legacy/greeting (versions 1–3): nothing carries production now',
    version: 3,
    actor: 'Jonas Weber',
    danger: true,
    events: ['06-prompt-deleted.json'],
    detail: { facts: [{ kind: 'deleted', versions: [1, 2, 3], labels: ['production'], whole: true }] },
    deliveries: [
      ok('slack', 88),
      retried(
        'github',
        'GitHub answered 404: the token cannot see acme/prompts, or it does not exist.',
        404,
        'failed',
      ),
    ],
  },
  {
    ago: 1500,
    kind: 'tags-changed',
    subject: 'onboarding/welcome-email',
    title: 'The API tagged onboarding/welcome-email with email',
    version: 2,
    actor: 'API',
    events: ['08-api-change-no-user.json'],
    detail: {
      facts: [{ kind: 'tags-changed', added: ['email'], removed: [] }],
      prompt: promptState(2, ['latest', 'production', 'staging'], ['latest', 'production', 'staging']),
    },
    deliveries: [{ target: 'slack', status: 'queued' }, skipped],
  },
  {
    ago: 3000,
    kind: 'first-seen',
    subject: hostileName,
    title: `${hostileName} v1 is labelled latest (seen for the first time)`,
    version: 1,
    actor: `\u202E${hostileName}`,
    events: ['03-prompt-created-200kb.json', '04-prompt-created-unicode-emoji-folders.json'],
    detail: {
      facts: [{ kind: 'first-seen', version: 1, labels: ['latest'] }],
      prompt: {
        ...promptState(1, ['latest'], null),
        commitMessage: hostileName,
        tags: [hostileName],
        eventId: null,
        version: 1,
        labels: ['latest'],
        labelsBefore: null,
        promptType: 'text',
        createdBy: null,
      },
      links: [{ label: 'Bad link', url: 'javascript:alert(1)' }],
    },
    deliveries: [ok('slack', 130)],
  },
  {
    ago: 4000,
    kind: 'recovered',
    subject: 'p95 latency of checkout-agent',
    title: 'Recovered: p95 latency of checkout-agent',
    events: ['09b-monitor-recovered.json'],
    detail: { facts: [{ kind: 'recovered', severity: 'OK', monitorId: 'mon_1' }] },
    deliveries: [ok('slack', 77)],
  },
  {
    ago: 5000,
    kind: 'unrecognised',
    subject: 'unrecognised',
    title: 'A signed request of unknown shape: type is "trace-created", which is not known',
    events: ['x2-web-callout.json'],
    detail: { facts: [{ kind: 'unrecognised' }], problems: ['type is "trace-created", which is not known'] },
  },
]
