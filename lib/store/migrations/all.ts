import type { Transaction } from 'kysely'
import type { Database } from '../schema.ts'

export interface Migration {
  /** Only adds: the version before goes on working meanwhile, and can start again afterwards. */
  up: (transaction: Transaction<Database>) => Promise<void>
  /**
   * The migration that a version must know to open the store afterwards; absent: the first. For a migration that removes
   * something, a release after the last one that used it.
   */
  oldest?: string
}

export type Migrations = Record<string, () => Promise<Migration>>

/** By name, run in the order of their names. Listed by hand, because a bundle has no folder to read. */
export const migrations: Migrations = {
  '0001-start': () => import('./0001-start.ts'),
  '0002-settle-failures': () => import('./0002-settle-failures.ts'),
  '0003-texts-to-copy': () => import('./0003-texts-to-copy.ts'),
  '0004-doubts': () => import('./0004-doubts.ts'),
  '0005-delivery-order': () => import('./0005-delivery-order.ts'),
  '0006-request-budget': () => import('./0006-request-budget.ts'),
  '0007-dismissals': () => import('./0007-dismissals.ts'),
  '0008-deleted-texts': () => import('./0008-deleted-texts.ts'),
  '0009-looks': () => import('./0009-looks.ts'),
  '0010-gathered-deliveries': () => import('./0010-gathered-deliveries.ts'),
}
