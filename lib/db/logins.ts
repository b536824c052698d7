import type { Db } from './client.ts'

/** Failed logins within the window: from this address, and from everywhere. */
export interface LoginFailures {
  fromAddress: number
  inAll: number
}

/**
 * Notes a login as failed before its password is looked at, and counts. The note comes first so that many guesses
 * sent at once count each other; `forgetLoginFailure` takes it back. Rows older than `since` (epoch milliseconds) go.
 */
export async function noteLoginFailure(
  db: Db,
  row: { id: string; address: string; at: number },
  since: number,
): Promise<LoginFailures> {
  await db.deleteFrom('login_failures').where('at', '<', since).execute()
  await db.insertInto('login_failures').values(row).execute()
  const { inAll, fromAddress } = await db
    .selectFrom('login_failures')
    .select((eb) => [
      eb.fn.countAll<number>().as('inAll'),
      eb.fn.sum<number>(eb.case().when('address', '=', row.address).then(1).else(0).end()).as('fromAddress'),
    ])
    .where('at', '>=', since)
    .executeTakeFirstOrThrow()
  return { inAll: Number(inAll), fromAddress: Number(fromAddress) }
}

export async function forgetLoginFailure(db: Db, id: string): Promise<void> {
  await db.deleteFrom('login_failures').where('id', '=', id).execute()
}
