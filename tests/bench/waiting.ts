import type { Change, Fact } from '#lib/core/change/change.ts'
import type { Db } from '#lib/store/client.ts'
import type { ChangeRow, DeliveryRow } from '#lib/store/schema.ts'
import { newChange } from '#lib/store/tables/changes.ts'
import { newDelivery } from '#lib/store/tables/deliveries.ts'

const projectId = 'cmfq1x7h3000108l4b2k9d6tz'
const fact: Fact = { kind: 'promoted', label: 'production', from: 6, to: 7 }
const rowsOfStatement = 200

function changeRow(subject: string, now: number): ChangeRow {
  const prompt: Change['detail']['prompt'] = {
    version: 7,
    labels: ['latest', 'production'],
    labelsBefore: ['latest'],
    tags: ['support', 'refunds'],
    promptType: 'text',
    commitMessage: 'Shorter answers, ask for order id first',
    createdBy: 'cmc2v9k0p000307l5e1yq8abc',
    eventId: null,
  }
  return newChange({
    now,
    kind: fact.kind,
    projectId,
    subject,
    version: 7,
    title: `Maya Okonkwo promoted ${subject} v7 to production, was v6`,
    actor: 'Maya Okonkwo',
    detail: { facts: [fact], prompt },
    eventCount: 1,
    isSettled: true,
  })
}

const deliveryRow = (id: string, target: string, now: number): DeliveryRow =>
  newDelivery(
    { id, target, now },
    { status: 'queued', rule: 'all changes to Slack', fact: JSON.stringify(fact) },
  )

/** Settled changes of prompts `bench-<tag>-000000`, …, each with a delivery to each target that is due at once. */
export async function queueDeliveries(
  db: Db,
  { count, tag, targets }: { count: number; tag: string; targets: string[] },
): Promise<void> {
  const now = Date.now()
  const names = Array.from({ length: count }, (_, i) => `bench-${tag}-${String(i).padStart(6, '0')}`)
  while (names.length > 0) {
    const changes = names.splice(0, rowsOfStatement).map((name) => changeRow(name, now))
    const deliveries = changes.flatMap(({ id }) => targets.map((target) => deliveryRow(id, target, now)))
    await db.insertInto('changes').values(changes).execute()
    await db.insertInto('deliveries').values(deliveries).execute()
  }
}
