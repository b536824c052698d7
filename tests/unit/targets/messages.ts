import { type Change, type ChangeDetail, emptyDetail, type Fact } from '#lib/change.ts'
import type { Message } from '#lib/delivery.ts'

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
