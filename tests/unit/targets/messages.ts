import {
  type Change,
  type ChangeDetail,
  emptyDetail,
  type Fact,
  type FactKind,
} from '#lib/core/change/change.ts'
import type { Message } from '#lib/core/delivery/delivery.ts'

type Detail = Partial<Omit<ChangeDetail, 'prompt'>> & { prompt?: Partial<ChangeDetail['prompt']> | null }

interface Over extends Partial<Omit<Message, 'change'>> {
  change?: Partial<Omit<Change, 'detail'>>
  detail?: Detail
}

const promoted: Fact = { kind: 'promoted', label: 'production', from: 6, to: 7 }

/** A promotion with all that a message can show; `over` replaces parts of it. */
export function messageOf({ change, detail, ...over }: Over = {}): Message {
  const { prompt, ...rest } = detail ?? {}
  const fact = over.fact ?? promoted
  const usual: ChangeDetail['prompt'] = {
    version: 7,
    labels: ['latest', 'production'],
    labelsBefore: ['latest'],
    tags: ['support'],
    promptType: 'text',
    commitMessage: 'Softer tone',
    createdBy: 'cm1',
    eventId: 'evt_1',
  }
  return {
    deliveryId: 'dlv_1',
    fact,
    text: 'You are a support agent.',
    links: {
      page: 'https://relay.example.com/changes/chg_1',
      langfuse: 'https://cloud.langfuse.com/project/p1/prompts/support%2Frefund-reply?version=7',
    },
    change: {
      id: 'chg_1',
      kind: fact.kind,
      status: 'settled',
      projectId: 'p1',
      subject: 'support/refund-reply',
      version: 7,
      title: 'Maya promoted support/refund-reply v7 to production, was v6',
      actor: 'Maya',
      danger: false,
      test: false,
      eventCount: 2,
      openedAt: 0,
      dueAt: 0,
      settledAt: 0,
      ...change,
      detail: {
        ...emptyDetail,
        facts: [fact],
        ...rest,
        prompt: prompt === null ? null : { ...usual, ...prompt },
      },
    },
    ...over,
  }
}

/** One of each kind. */
const facts = {
  'version-created': { kind: 'version-created', version: 7, labels: ['latest', 'production'] },
  promoted: { kind: 'promoted', label: 'production', from: 6, to: 7 },
  'rolled-back': { kind: 'rolled-back', label: 'production', from: 8, to: 7 },
  'label-added': { kind: 'label-added', label: 'production', to: 7 },
  'label-removed': { kind: 'label-removed', label: 'production', from: 7 },
  'tags-changed': { kind: 'tags-changed', added: ['a'], removed: [] },
  deleted: { kind: 'deleted', versions: [7], labels: ['production'], whole: false },
  'first-seen': { kind: 'first-seen', version: 7, labels: ['production'] },
  alert: { kind: 'alert', severity: 'ALERT', monitorId: 'm1' },
  recovered: { kind: 'recovered', severity: 'OK', monitorId: 'm1' },
  notification: { kind: 'notification', eventType: 'evaluator-blocked', severity: 'ALERT' },
  'error-trace': { kind: 'error-trace', name: 'checkout-agent', count: 37, firstAt: 0, lastAt: 300_000 },
  trace: { kind: 'trace', name: 'checkout-agent', count: 1, firstAt: 0, lastAt: 0 },
  score: {
    kind: 'score',
    name: 'helpfulness',
    count: 3,
    firstAt: 0,
    lastAt: 60_000,
    lowest: 0.1,
    highest: 0.4,
  },
  'trace-callback': {
    kind: 'trace-callback',
    traceId: '1c563dcf980b449abb0dcbeaf1784e81',
    observationId: null,
    sessionId: null,
    confirmed: true,
  },
  'given-up': { kind: 'given-up', target: 'slack', count: 2 },
  trouble: { kind: 'trouble', what: 'target', target: 'github', since: 1_787_000_000_000 },
  'trouble-over': { kind: 'trouble-over', what: 'target', target: 'github', since: 1_787_000_000_000 },
  'wrong-project': { kind: 'wrong-project', signedFor: 'support', named: 'cm0sales', events: 1 },
  corrected: { kind: 'corrected', prompts: 2, names: ['a', 'b'] },
  undescribed: { kind: 'undescribed', failures: 4, events: 3 },
  unchanged: { kind: 'unchanged' },
  unrecognised: { kind: 'unrecognised' },
} as const satisfies Record<Fact['kind'], unknown>

export const factOf = (kind: Fact['kind']): Fact => structuredClone(facts[kind]) as Fact

/** A change of one kind with all that such a one can show. */
export function messageOfKind(kind: FactKind): Message {
  const fact = factOf(kind)
  const isPrompt = ['version', 'label', 'labels', 'versions', 'added'].some((name) => name in fact)
  if (isPrompt || kind === 'unchanged') return messageOf({ fact, detail: { difference } })
  const url = 'https://cloud.langfuse.com/project/p1/alerts/m1'
  return messageOf({
    fact,
    text: undefined,
    links: { page: 'https://relay.example.com/changes/chg_1', langfuse: url },
    change: { actor: null, version: null, subject: 'p95 latency', title: `Something of kind ${kind}` },
    detail: {
      prompt: null,
      message: 'It is **8.2 s**, above 5 s.',
      environments: ['production'],
      links: [{ label: 'Open it', url }],
    },
  })
}

export const difference: Exclude<ChangeDetail['difference'], string | null> = {
  fromVersion: 6,
  toVersion: 7,
  lines: [
    { sign: ' ', text: 'You are a support agent.' },
    { sign: '-', text: 'Refuse refunds after {{days}} days.' },
    { sign: '+', text: 'Offer a voucher after {{days}} days to {{customer_name}}.' },
  ],
  cutLines: 34,
  variablesAdded: ['customer_name'],
  variablesRemoved: ['placeholder:history'],
  config: [{ key: 'temperature', before: '0.7', after: '0.2' }],
  sizeBefore: 60,
  sizeAfter: 90,
  coarse: false,
}
