import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { Fact } from '../../core/change/change.ts'
import { openWebhook } from '../../langfuse/webhook.ts'
import type { Db } from '../../store/client.ts'
import type { ChangeRow, DeliveryRow } from '../../store/schema.ts'
import { indexChange } from '../../store/search/index-write.ts'
import { insertChange, newChange, toChange } from '../../store/tables/changes.ts'
import { insertDeliveries, newDelivery } from '../../store/tables/deliveries.ts'
import { changeOfEvent } from '../../store/tables/events.ts'
import { forgetPrompt, saveVersions } from '../../store/tables/prompts.ts'
import type { Arrival } from '../arrival.ts'
import type { Received } from '../receive.ts'
import { type TestKind, type TestPlan, testPlan, testProject } from './test-bodies.ts'

/** The source of events that the relay sent itself. */
export const testSource = 'test'

/** Resets the stored state of the test's prompt to what it is before the edit. */
async function prepare(db: Db, { before }: TestPlan): Promise<void> {
  if (!before) return
  const key = { projectId: testProject, name: before.name }
  await db.transaction().execute(async (trx) => {
    await forgetPrompt(trx, key)
    const contents = new Map(before.versions.map(({ state, content }) => [state.version, content]))
    await saveVersions(
      trx,
      key,
      before.versions.map(({ state }) => state),
      contents,
    )
  })
}

/** Signed with a random secret and verified, like a real webhook. */
function signedArrival(body: object, now: number): Arrival {
  const rawBody = Buffer.from(JSON.stringify(body))
  const secret = `lf-whsec_${randomBytes(32).toString('hex')}`
  const t = Math.floor(now / 1000)
  const v1 = createHmac('sha256', secret).update(`${t}.`).update(rawBody).digest('hex')
  const headers = new Headers({ 'x-langfuse-signature': `t=${t},v1=${v1}` })
  const opened = openWebhook({
    headers,
    rawBody,
    secrets: [secret],
    schemes: ['v1'],
    toleranceSeconds: 60,
    now,
  })
  if (!opened.ok) throw new Error(`The test was refused: ${opened.message}`)
  return {
    ...opened,
    source: testSource,
    receivedAt: now,
    headers: JSON.stringify({ 'content-type': 'application/json', 'user-agent': 'Prompt Relay test' }),
    secretHint: 'test',
    body: rawBody,
    test: true,
  }
}

/** Sends a test event through everything: stored, settled, routed by the rules, delivered. Returns its change. */
export async function sendTest(
  deps: { db: Db; receive: (arrival: Arrival) => Promise<Received> },
  kind: TestKind,
  now: number,
): Promise<string> {
  const plan = testPlan(kind, `prompt-relay-test-${randomUUID()}`, now)
  await prepare(deps.db, plan)
  const [first] = await Promise.all(plan.bodies.map((body) => deps.receive(signedArrival(body, now))))
  const changeId = first ? await changeOfEvent(deps.db, first.eventId) : null
  if (changeId === null) throw new Error('The test was not stored')
  return changeId
}

const messageFact: Fact = { kind: 'notification', eventType: 'test-message', severity: 'INFO' }
const messageText = 'If you can read this, messages arrive. It was sent from the setup page.'

const messageChange = (target: string, now: number): ChangeRow =>
  newChange({
    now,
    kind: 'notification',
    subject: target,
    title: `A test message to ${target}`,
    test: true,
    detail: { facts: [messageFact], message: messageText },
    isSettled: true,
  })

const messageDelivery = (id: string, target: string, now: number): DeliveryRow =>
  newDelivery(
    { id, target, now },
    { status: 'queued', rule: 'test message', fact: JSON.stringify(messageFact) },
  )

/** Queues a message to one target, bypassing the rules. Returns its change. */
export async function sendTestMessage(db: Db, target: string, now: number): Promise<string> {
  const change = messageChange(target, now)
  await db.transaction().execute(async (trx) => {
    await insertChange(trx, change)
    await indexChange(trx, toChange(change), [])
    await insertDeliveries(trx, [messageDelivery(change.id, target, now)])
  })
  return change.id
}
