import { createHash } from 'node:crypto'
import { attachDatabasePool } from '@vercel/functions/db-connections'
import { type Dialect, type PostgresClientConstructor, PostgresDialect } from 'kysely'
import pg from 'pg'
import { RecentMap } from '../base/recent-map.ts'

/** Statements that one connection keeps in mind; those with a name take memory in Postgres, for each connection. */
const maxStatements = 500

/** Postgres has no U+0000 in text; it becomes the replacement character, in what is stored and in what is looked up. */
const storable = (value: unknown): unknown =>
  typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value

class StorableClient extends pg.Client {
  protected nameOf(_text: string): string | undefined {
    return undefined
  }

  // biome-ignore lint/suspicious/noExplicitAny: pg's overloads cannot be narrowed in an override
  override query(...args: any[]): any {
    const [text, values] = args
    if (typeof text !== 'string' || !Array.isArray(values)) return super.query(...(args as [string]))
    return super
      .query({ name: this.nameOf(text), text, values: values.map(storable) })
      .catch((error: Error) => {
        // pg gives a connection that fell silent back to the pool, where it would time out again and again.
        if (error.message === 'Query read timeout') this.end().catch(() => undefined)
        throw error
      })
  }
}

/** What pg keeps of the statements that a connection has prepared, which its types leave out. */
interface Preparing {
  connection: {
    close: (message: { type: 'S'; name: string }) => void
    parsedStatements: Record<string, string>
  }
}

/**
 * A statement that comes again gets a name, so that Postgres plans it once: unnamed ones cost a third. Not at once,
 * since there is a text for each number of rows, and most of these come only once.
 */
class NamingClient extends StorableClient {
  /** By text; null: seen once. */
  readonly #names = new RecentMap<string, { name: string | null }>(maxStatements, ({ name }) => {
    if (name !== null) this.#forget(name)
  })

  protected override nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (!known) {
      this.#names.set(text, { name: null })
      return undefined
    }
    known.name ??= createHash('sha1').update(text).digest('base64url')
    return known.name
  }

  /** By a message of the protocol: a failed transaction would refuse `deallocate`. It goes out with the next statement. */
  #forget(name: string): void {
    const { connection } = this as unknown as Preparing
    if (connection.parsedStatements[name] === undefined) return
    connection.close({ type: 'S', name })
    delete connection.parsedStatements[name]
  }
}

/** 64-bit integers are all counts and epoch milliseconds here, far below 2^53. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

export interface PostgresWorld {
  /**
   * A function of Vercel: it is frozen between requests, and its database is mostly behind a pooler, of which not all
   * take named statements (https://supabase.com/docs/guides/troubleshooting/disabling-prepared-statements-qL8lEL).
   */
  isServerless: boolean
  onError: (error: Error) => void
  /** How long a statement may take, in milliseconds; 0: as long as it wants. */
  queryTimeoutMs?: number
}

/** A server that went away without a word must become an error before Langfuse gives up (10 s): the endpoint answers 503. */
const usualTimeoutMs = 8000

export function postgresDialect(
  url: string,
  { isServerless, onError, queryTimeoutMs = usualTimeoutMs }: PostgresWorld,
): Dialect {
  const pool = new pg.Pool({
    connectionString: url,
    types,
    Client: isServerless ? StorableClient : NamingClient,
    max: 10,
    connectionTimeoutMillis: 5000,
    idleTimeoutMillis: isServerless ? 5000 : 10_000,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  })
  // A connection that breaks is replaced at the next use. Without a listener of its own it would end the process: pg's pool
  // listens only while it is idle, and not while a transaction has it.
  pool.on('connect', (client) => {
    client.on('error', onError)
  })
  pool.on('error', () => undefined)
  // What a network that fell silent leaves open holds its locks until the server's TCP gives up, after two hours. No
  // transaction of ours waits for anything but the store. Not behind a pooler, where it would be set for others too.
  if (!isServerless)
    pool.on('connect', (client) => {
      client.query("set idle_in_transaction_session_timeout = '20s'").catch(onError)
    })
  // Keeps the function awake until its idle connections are closed: frozen ones would fill the database.
  if (isServerless) attachDatabasePool(pool)
  return new PostgresDialect({ pool: pool as typeof pool & { Client?: PostgresClientConstructor } })
}
