import type { Db } from '../client.ts'

/** Failed logins within the window: from this address or browser, and from all unknown browsers together. */
export interface LoginFailures {
  fromOne: number
  inAll: number
}

const devicePrefix = 'device:'

/** The key of a known browser, in place of an address. */
export const deviceKey = (device: string): string => devicePrefix + device

/**
 * Records a login as failed before its password is checked, and counts the failures. It is recorded first so that guesses
 * sent at once count each other; `forgetLoginFailure` takes it back. Deletes rows older than `since` (epoch milliseconds).
 */
export async function noteLoginFailure(
  db: Db,
  row: { id: string; address: string; at: number },
  since: number,
): Promise<LoginFailures> {
  await db.deleteFrom('login_failures').where('at', '<', since).execute()
  await db.insertInto('login_failures').values(row).execute()
  const { inAll, fromOne } = await db
    .selectFrom('login_failures')
    .select((eb) => [
      eb.fn
        .sum<number>(eb.case().when('address', 'like', `${devicePrefix}%`).then(0).else(1).end())
        .as('inAll'),
      eb.fn.sum<number>(eb.case().when('address', '=', row.address).then(1).else(0).end()).as('fromOne'),
    ])
    .where('at', '>=', since)
    .executeTakeFirstOrThrow()
  return { inAll: Number(inAll), fromOne: Number(fromOne) }
}

export async function forgetLoginFailure(db: Db, id: string): Promise<void> {
  await db.deleteFrom('login_failures').where('id', '=', id).execute()
}
