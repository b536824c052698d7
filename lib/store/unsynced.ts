import { type Db, isPostgres } from './client.ts'
import { statement } from './statement.ts'

const noWait = statement("select set_config('synchronous_commit', 'off', true)")
const syncNormal = statement('pragma synchronous = normal')
const syncFull = statement('pragma synchronous = full')

/**
 * A transaction whose commit does not wait for the disk: for work that can be done again from what is stored. Whatever
 * goes out afterwards is claimed by a later commit, which does wait, and takes this one with it to the disk. At 200
 * events a second every other wait at the disk was for a look at a change, and the door stood behind it.
 */
export async function unsynced<T>(db: Db, work: (trx: Db) => Promise<T>): Promise<T> {
  if (isPostgres(db))
    return db.transaction().execute(async (trx) => {
      await noWait(trx, [])
      return work(trx)
    })
  // Not to be changed within a transaction. In WAL mode `normal` only leaves out the wait of the commit.
  return db.connection().execute(async (connection) => {
    await syncNormal(connection, [])
    try {
      return await connection.transaction().execute(work)
    } finally {
      await syncFull(connection, [])
    }
  })
}
