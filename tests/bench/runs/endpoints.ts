import { openDatabase } from '#lib/store/client.ts'
import { type Bench, firstVersion, mustSucceed, planFor, rotated, strangeVersion } from '../bench.ts'
import type { PlannedEvent } from '../bodies.ts'
import type { LoadResult, LoadTask } from '../load.ts'
import { type MeasureName, megabytes } from '../measures.ts'
import { record } from '../results.ts'
import { type Running, type SubjectName, start } from '../subjects.ts'

/** More than any subject answers here in a second, so that a run never ends for want of bodies. */
const mostPerSecond = 9000
const warmSeconds = 1

/** Nothing settles while it is measured: the longest window, and versions whose edits are not complete. */
const waiting = { SETTLE_MS: '10000' }

type Sending = (pace: LoadTask['pace'], seconds: number) => Promise<LoadResult>

function senderTo({ load }: Bench, { endpoint }: Running, event: PlannedEvent, what: string): Sending {
  return async (pace, seconds) => {
    const perSecond =
      'perSecond' in pace ? pace.perSecond : pace.atOnce === 1 ? mostPerSecond / 3 : mostPerSecond
    const plan = planFor(perSecond * seconds, event)
    return mustSucceed(await load.ask({ url: endpoint, plan, pace, seconds }), what)
  }
}

/** An answer says that the event is stored: then it must be there. */
async function mustBeStored({ databaseUrl }: Running, results: LoadResult[]): Promise<void> {
  if (databaseUrl === '') return
  const db = await openDatabase(databaseUrl)
  const { count } = await db
    .selectFrom('events')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  await db.destroy()
  // The first is that of the start.
  const accepted = results.reduce((sum, result) => sum + result.count, 1)
  if (Number(count) !== accepted) throw new Error(`${accepted} events were accepted, ${count} are stored`)
}

async function measureEndpoint(bench: Bench, name: SubjectName): Promise<void> {
  const { results, scale } = bench
  const running = await start(name, { env: { ...bench.targetEnv, ...waiting } })
  const send = senderTo(bench, running, strangeVersion, name)
  const done = (measure: MeasureName, value: number | null) => record(results, measure, name, value)
  try {
    done('start', running.startedMs)
    const warm = await send({ atOnce: 32 }, warmSeconds)
    const before = running.cpuMs()
    const many = await send({ atOnce: 32 }, 2 * scale)
    const after = running.cpuMs()
    done('accept', many.perSecond)
    done('acceptCpu', before === null || after === null ? null : (after - before) / many.count)
    const one = await send({ atOnce: 1 }, 0.8 * scale)
    done('oneP50', one.p50)
    const open = await send({ perSecond: 200 }, 2.5 * scale)
    done('openP99', open.p99)
    const peak = running.peakBytes()
    done('memory', peak === null ? null : megabytes(peak))
    await mustBeStored(running, [warm, many, one, open])
  } finally {
    await running.stop()
  }
}

/** The webhook endpoint of every subject: rate, latency, memory, and how soon it answers after its start. */
export async function endpoints(bench: Bench): Promise<void> {
  for (const name of rotated(bench.subjects, bench.round)) await measureEndpoint(bench, name)
}

/**
 * The same rate while each event is settled at once, and sent to Slack at Slack's own pace. For the others it is the
 * same as above: if that was measured in this round, it is not measured again.
 */
export async function busyEndpoints(bench: Bench): Promise<void> {
  const { results, round, scale } = bench
  const compared = bench.subjects.filter((name) => ['empty', 'queue', 'sqlite', 'postgres'].includes(name))
  for (const name of rotated(compared, round)) {
    const isOurs = name === 'sqlite' || name === 'postgres'
    const measured = isOurs ? undefined : results.get('accept')?.get(name)?.[round]
    record(results, 'acceptBusy', name, measured ?? (await busyRate(bench, name, 2 * scale)))
  }
}

async function busyRate(bench: Bench, name: SubjectName, seconds: number): Promise<number> {
  const running = await start(name, { env: { ...bench.targetEnv, SETTLE_MS: '0' } })
  try {
    const send = senderTo(bench, running, firstVersion, name)
    const warm = await send({ atOnce: 32 }, warmSeconds)
    const many = await send({ atOnce: 32 }, seconds)
    await mustBeStored(running, [warm, many])
    return many.perSecond
  } finally {
    await running.stop()
  }
}
