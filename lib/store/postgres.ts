import { createHash } from 'node:crypto'
import { attachDatabasePool } from '@vercel/functions/db-connections'
import { type Dialect, type PostgresClientConstructor, PostgresDialect } from 'kysely'
import pg from 'pg'
import { RecentMap } from '../base/recent-map.ts'

/** Statements remembered by one connection. Each named one takes memory in Postgres, for every connection. */
const maxStatements = 500

/** Postgres has no U+0000 in text, so it becomes the replacement character, in stored values and in lookups. */
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
        // pg returns a connection that stopped responding to the pool, where it would time out again and again.
        if (error.message === 'Query read timeout') this.end().catch(() => undefined)
        throw error
      })
  }
}

/** pg's record of the statements that a connection has prepared, which its types leave out. */
interface Preparing {
  connection: {
    close: (message: { type: 'S'; name: string }) => void
    parsedStatements: Record<string, string>
  }
}

/**
 * Names a statement when it is used a second time, so that Postgres plans it once: without names, a third of the throughput
 * is lost. Not at the first use, since there is one text for each number of rows, and most of these are used only once.
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

  /** By a protocol message, sent with the next statement: a failed transaction would refuse `deallocate`. */
  #forget(name: string): void {
    const { connection } = this as unknown as Preparing
    if (connection.parsedStatements[name] === undefined) return
    connection.close({ type: 'S', name })
    delete connection.parsedStatements[name]
  }
}

/** 64-bit integers here are counts, epoch milliseconds and sums of 1e-9 USD: below 2^53, which is nine million dollars. */
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

export interface PostgresWorld {
  /**
   * A Vercel function: it is frozen between requests, and its database is usually behind a pooler, some of which refuse
   * named statements (https://supabase.com/docs/guides/troubleshooting/disabling-prepared-statements-qL8lEL).
   */
  isServerless: boolean
  onError: (error: Error) => void
  /** How long a statement may take, in milliseconds; 0: without limit. */
  queryTimeoutMs?: number
}

/**
 * Milliseconds. A server that stopped responding must become an error, and the webhook be answered 503, within Langfuse's 10
 * s.
 */
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
  // A broken connection is replaced at the next use. Without its own listener it would end the process, since pg's pool
  // listens only to idle connections, not to one that a transaction holds.
  pool.on('connect', (client) => {
    client.on('error', onError)
  })
  pool.on('error', () => undefined)
  // When the network drops, an open transaction keeps its locks until the server's TCP gives up, after two hours. Our
  // transactions wait for nothing but the store. Not behind a pooler, where the setting would reach other clients too.
  if (!isServerless)
    pool.on('connect', (client) => {
      client.query("set idle_in_transaction_session_timeout = '20s'").catch(onError)
    })
  // Keeps the function awake until its idle connections are closed: frozen ones would use up the database's connections.
  if (isServerless) attachDatabasePool(pool)
  return new PostgresDialect({ pool: pool as typeof pool & { Client?: PostgresClientConstructor } })
}
