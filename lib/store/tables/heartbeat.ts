import { z } from 'zod'
import { jsonOf } from '../../base/json.ts'
import type { Db } from '../client.ts'

const name = 'heartbeat'

/** When instances were last seen, epoch milliseconds; null: never. */
const heartbeat = z.object({
  /** One that runs all the time. */
  residentAt: z.number().nullable().default(null),
  /** One that sends. */
  liveAt: z.number().nullable().default(null),
})
export type Heartbeat = z.output<typeof heartbeat>

const read = (json: string | undefined): Heartbeat =>
  heartbeat.safeParse(jsonOf(json ?? '{}')).data ?? heartbeat.parse({})

async function stateOf(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('polls').select('state').where('name', '=', name).executeTakeFirst()
  return row?.state
}

export const readHeartbeat = async (db: Db): Promise<Heartbeat> => read(await stateOf(db))

/** Notes that this instance is there, and returns what was known before; null: another one did so at the same time. */
export async function beat(db: Db, seen: Partial<Heartbeat>): Promise<Heartbeat | null> {
  const json = await stateOf(db)
  const before = read(json)
  const state = JSON.stringify({ ...before, ...seen })
  if (json === undefined) {
    await db
      .insertInto('polls')
      .values({ name, next_at: 0, claim: 0, state })
      .onConflict((c) => c.column('name').doNothing())
      .execute()
    return before
  }
  const { numUpdatedRows } = await db
    .updateTable('polls')
    .set({ state })
    .where('name', '=', name)
    .where('state', '=', json)
    .executeTakeFirst()
  return numUpdatedRows > 0n ? before : null
}
