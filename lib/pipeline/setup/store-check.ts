import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fixOf } from '../../base/log.ts'
import { type StoreErrorKind, storeErrorKind, storeErrorWords } from '../../base/store-error.ts'
import { type Finding, ok, problem } from '../../core/setup/finding.ts'

/** Space on the disk of SQLite's file, bytes; null: unknown. */
export interface DiskSeen {
  path: string
  free: number | null
  size: number | null
}

/** The disk of an SQLite store; null for Postgres. */
export async function diskOf(databaseUrl: string): Promise<DiskSeen | null> {
  if (!databaseUrl.startsWith('file:')) return null
  const path = resolve(databaseUrl.slice('file:'.length))
  const found = await statfs(dirname(path)).catch(() => null)
  if (found === null) return { path, free: null, size: null }
  return { path, free: found.bavail * found.bsize, size: found.blocks * found.bsize }
}

const units = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const

function room(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log(bytes) / Math.log(1024)))
  const value = bytes / 1024 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power]}`
}

const roomOf = ({ free, size }: DiskSeen): string =>
  free === null || size === null ? '' : `${room(free)} of ${room(size)} free`

/** A database's error may contain its address, but never its password. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const fixes: Record<StoreErrorKind, (disk: DiskSeen | null) => string> = {
  'disk-full': (disk) =>
    disk
      ? `Free space on the disk that holds ${disk.path}, or move the file to a larger one and change DATABASE_URL.`
      : "Free space on the database server's disk, or make it larger.",
  'read-only': (disk) =>
    disk
      ? `Make ${disk.path} and its folder writable for the user that runs the relay.`
      : 'Point DATABASE_URL to the primary server, and give its user write access.',
  'disk-error': (disk) => `Check the disk${disk ? ` that holds ${disk.path}` : " of the database's server"}.`,
  busy: () => 'End the other process that holds a transaction open, or wait for it.',
  unreachable: (disk) =>
    disk
      ? `Check DATABASE_URL: ${disk.path} must be a file, not a folder; its folder must exist, or the relay must be able to create it.`
      : 'Check DATABASE_URL: host, port, name and password, and that this machine may connect and write.',
  other: (disk) =>
    disk
      ? `Check DATABASE_URL: ${disk.path} must be an SQLite database, or not exist yet.`
      : 'Check DATABASE_URL: host, port, name and password, and that this machine may connect and write.',
}

/** A store that cannot be opened or written to. */
export function storeFailed(error: unknown, disk: DiskSeen | null): Finding {
  const fix = fixOf(error)
  if (fix !== null) return problem(`Not usable: ${reasonOf(error)}.`, fix)
  const kind = storeErrorKind(error)
  const known = kind === 'disk-full' || kind === 'read-only' || kind === 'disk-error' || kind === 'busy'
  const what = known
    ? `Accepts no writes: ${storeErrorWords[kind]} (${reasonOf(error)}).`
    : `Not usable: ${reasonOf(error)}.`
  const where = disk ? ` ${disk.path}${roomOf(disk) ? `, ${roomOf(disk)}` : ''}.` : ''
  return problem(`${what}${where}`, fixes[kind](disk))
}

export function storeWorks(databaseUrl: string, disk: DiskSeen | null): Finding {
  const words = databaseUrl.startsWith('file:') ? 'SQLite' : 'Postgres'
  const where = disk ? ` ${disk.path}${roomOf(disk) ? `, ${roomOf(disk)}` : ''}.` : ''
  return ok(`${words}: reached, up to date, and accepts writes.${where}`)
}
