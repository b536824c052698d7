import { type Db, isPostgres } from './client.ts'
import { statement } from './statement.ts'

const noWait = statement("select set_config('synchronous_commit', 'off', true)")
const syncNormal = statement('pragma synchronous = normal')
const syncFull = statement('pragma synchronous = full')

/**
 * A transaction whose commit does not wait for the disk: for work that can be repeated from what is stored. Before anything
 * is sent, a later commit claims it, which does wait and syncs this one too. At 200 events a second, every other wait for
 * the disk was for settling a change, and the endpoint had to wait behind it.
 */
export async function unsynced<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  if (isPostgres(db))
    return db.transaction().execute(async (trx) => {
      await noWait(trx, [])
      return work(trx)
    })
  // It cannot be set within a transaction. In WAL mode, `normal` differs only in that commits do not wait.
  return db.connection().execute(async (connection) => {
    await syncNormal(connection, [])
    try {
      return await connection.transaction().execute(work)
    } finally {
      await syncFull(connection, [])
    }
  })
}
