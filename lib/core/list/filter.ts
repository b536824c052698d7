import { z } from 'zod'
import type { FactKind } from '../change/change.ts'
import { factKinds } from '../change/kinds.ts'

/** `settling`: more events of the same edit may arrive. `held`: the delivery waits because its target's circuit is open. */
export const listStatuses = [
  'settling',
  'queued',
  'sending',
  'retrying',
  'held',
  'delivered',
  'failed',
  'skipped',
  'dry-run',
  'cancelled',
] as const
export type ListStatus = (typeof listStatuses)[number]

/** Of the newest attempt; `none`: there was no answer. */
export const httpClasses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const
export type HttpClass = (typeof httpClasses)[number]

export const lastTimes = ['1h', '24h', '7d', '30d'] as const
export type LastTime = (typeof lastTimes)[number]

const hour = 3_600_000
const lastMs: Record<LastTime, number> = { '1h': hour, '24h': 24 * hour, '7d': 168 * hour, '30d': 720 * hour }

/**
 * A change must match all parts; a part matches if any of its values does. Status, target and HTTP class must match in one
 * delivery, kind and label in one fact. A delivery that the rules skipped matches only the status `skipped`.
 */
export interface ListFilter {
  status: ListStatus[]
  kind: FactKind[]
  /** The whole name of a prompt, monitor, …; with a `/` at the end, a folder. */
  prompt: string | null
  label: string | null
  target: string | null
  http: HttpClass[]
  test: 'hidden' | 'shown' | 'only'
  /** When the change was opened, epoch milliseconds, both included. */
  time: LastTime | { from: number | null; to: number | null } | null
  project: string | null
  danger: boolean
  /** The search box. */
  q: string | null
}

export const emptyFilter: ListFilter = {
  status: [],
  kind: [],
  prompt: null,
  label: null,
  target: null,
  http: [],
  test: 'hidden',
  time: null,
  project: null,
  danger: false,
  q: null,
}

const text = z.string().trim().min(1).max(500)
const listed = <const T extends string>(values: readonly T[]) => z.enum(values)

/** `2026-08-21` or `2026-08-21T09:30`, also with seconds and a zone. The default is UTC, as on the pages. */
const moment = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?)?$/)
  .transform((value) => Date.parse(/T.*(Z|[+-]\d\d:\d\d)$|^[^T]+$/.test(value) ? value : `${value}Z`))
  .pipe(z.number().int().nonnegative())

type Params = URLSearchParams | Record<string, string | string[] | undefined>

function valuesOf(params: Params, name: string): string[] {
  if (params instanceof URLSearchParams) return params.getAll(name)
  const value = Object.hasOwn(params, name) ? params[name] : undefined
  return value === undefined ? [] : [value].flat()
}

/** Reads a filter from a URL. `ignored`: a sentence for each invalid value, so a mistyped link still shows a list. */
export function parseListFilter(params: Params): { filter: ListFilter; ignored: string[] } {
  const ignored: string[] = []
  const read = <T>(name: string, schema: z.ZodType<T>, value: string, expected: string): T | null => {
    if (value === '') return null
    const parsed = schema.safeParse(value)
    if (parsed.success) return parsed.data
    ignored.push(`"${value.slice(0, 100)}" is ignored: ${name} must be ${expected}.`)
    return null
  }
  const one = <T>(name: string, schema: z.ZodType<T>, expected: string): T | null =>
    read(name, schema, valuesOf(params, name).at(-1) ?? '', expected)
  const some = <T extends string>(name: string, values: readonly T[]): T[] => {
    const given = valuesOf(params, name).flatMap((value) => value.split(','))
    const known = new Set(given.map((value) => read(name, listed(values), value, oneOf(values))))
    return values.filter((value) => known.has(value))
  }
  const name = (key: string) => one(key, text, 'at most 500 characters long')
  const filter: ListFilter = {
    status: some('status', listStatuses),
    kind: some('kind', factKinds),
    prompt: name('prompt'),
    label: name('label'),
    target: name('target'),
    http: some('http', httpClasses),
    test: one('test', listed(['hidden', 'shown', 'only']), 'hidden, shown or only') ?? 'hidden',
    time: timeOf(one),
    project: name('project'),
    danger: one('danger', listed(['1', 'true', 'on']), '1 or absent') !== null,
    q: name('q'),
  }
  return { filter, ignored }
}

const oneOf = (values: readonly string[]) => `one of ${values.join(', ')}`

type ReadOne = <T>(name: string, schema: z.ZodType<T>, expected: string) => T | null

function timeOf(one: ReadOne): ListFilter['time'] {
  const last = one('time', listed([...lastTimes, 'custom']), oneOf([...lastTimes, 'custom']))
  if (last !== null && last !== 'custom') return last
  const expected = 'a time such as 2026-08-21T09:30, in UTC'
  const from = one('from', moment, expected)
  const to = one('to', moment, expected)
  return from === null && to === null ? null : { from, to }
}

/** The filter as the parameters of a URL, without defaults. */
export function listFilterParams(filter: ListFilter): URLSearchParams {
  const params = new URLSearchParams()
  const { status, kind, http, time, test, danger } = filter
  for (const value of status) params.append('status', value)
  for (const value of kind) params.append('kind', value)
  for (const value of http) params.append('http', value)
  for (const key of ['prompt', 'label', 'target', 'project', 'q'] as const) {
    const value = filter[key]
    if (value !== null) params.set(key, value)
  }
  if (test !== 'hidden') params.set('test', test)
  if (danger) params.set('danger', '1')
  if (typeof time === 'string') params.set('time', time)
  else if (time) {
    if (time.from !== null) params.set('from', new Date(time.from).toISOString())
    if (time.to !== null) params.set('to', new Date(time.to).toISOString())
  }
  return params
}

/** Whether it leaves anything out (for "Clear"). */
export const isNarrowed = (filter: ListFilter): boolean => listFilterParams(filter).size > 0

/** Epoch milliseconds, both included; null: unbounded. */
export function timeRange(time: ListFilter['time'], now: number): { from: number | null; to: number | null } {
  if (time === null) return { from: null, to: null }
  return typeof time === 'string' ? { from: now - lastMs[time], to: null } : time
}
