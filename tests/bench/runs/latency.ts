import { type Bench, firstVersion, mustSucceed, planFor, rotated, untilArrived } from '../bench.ts'
import type { BodyPlan } from '../bodies.ts'
import type { LoadResult } from '../load.ts'
import type { MeasureName } from '../measures.ts'
import { record } from '../results.ts'
import { percentile } from '../statistics.ts'
import { type Running, start } from '../subjects.ts'
import type { Arrival } from '../targets.ts'

const unpaced = { SLACK_PER_SECOND: '0' }
const perSecond = 50

/** Sends a plan, waits for one Slack message for each of its prompts, and gives how long each took. */
async function timesToSlack(bench: Bench, { endpoint }: Running, plan: BodyPlan): Promise<number[]> {
  await bench.targets.ask({ kind: 'forget' })
  const task = { url: endpoint, plan, pace: { perSecond }, seconds: 0 }
  const sent: LoadResult = mustSucceed(await bench.load.ask(task), 'latency')
  const since = new Map(sent.sent)
  const isMeant = ({ target, marker }: Arrival) => target === 'slack' && since.has(marker)
  const arrivals = await untilArrived(bench, plan.count, isMeant)
  return arrivals.map(({ at, marker }) => at - (since.get(marker) ?? Number.NaN))
}

const keep = ({ results }: Bench, engine: string, times: number[], names: [MeasureName, MeasureName]) => {
  record(results, names[0], engine, percentile(times, 50))
  record(results, names[1], engine, percentile(times, 99))
}

/** From a request to the message in Slack, where no window runs. */
export async function toSlack(bench: Bench): Promise<void> {
  for (const engine of rotated(bench.engines, bench.round)) {
    const running = await start(engine, { env: { ...bench.targetEnv, ...unpaced, SETTLE_MS: '0' } })
    try {
      await timesToSlack(bench, running, planFor(50, firstVersion))
      const times = await timesToSlack(bench, running, planFor(200 * bench.scale, firstVersion))
      keep(bench, engine, times, ['slackP50', 'slackP99'])
    } finally {
      await running.stop()
    }
  }
}

/** New versions of known prompts: from the last event of each edit to the message, with the usual window. */
export async function settledEarly(bench: Bench): Promise<void> {
  for (const engine of rotated(bench.engines, bench.round)) {
    const running = await start(engine, { env: { ...bench.targetEnv, ...unpaced, SETTLE_MS: '2000' } })
    try {
      const known = planFor(100 * bench.scale, firstVersion)
      await timesToSlack(bench, running, known)
      const edit: BodyPlan = {
        ...known,
        events: [
          { action: 'created', version: 2, labels: ['latest'] },
          { action: 'updated', version: 1, labels: [] },
        ],
      }
      keep(bench, engine, await timesToSlack(bench, running, edit), ['earlyP50', 'earlyP99'])
    } finally {
      await running.stop()
    }
  }
}
