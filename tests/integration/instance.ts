/**
 * One instance of the relay in a separate process, with targets that accept everything at once. Runs until it is
 * stopped; then reports which changes it sent where.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Routes } from '#lib/core/rules/rules.ts'
import { createLoop } from '#lib/pipeline/loop.ts'
import { openDatabase } from '#lib/store/client.ts'

export interface Report {
  /** `<target's address> <change id>` for each change that was sent. */
  sent: string[]
  errors: string[]
}

const [url = '', ...addresses] = process.argv.slice(2)
const report: Report = { sent: [], errors: [] }

const targets: Routes['targets'] = Object.fromEntries(
  addresses.map((address, i) => [`target-${i}`, { type: 'slack' as const, url: address }]),
)

const fetch: typeof globalThis.fetch = async (input, init) => {
  for (const id of new Set(String(init?.body).match(/chg_[0-9a-f]+/g)))
    report.sent.push(`${String(input)} ${id}`)
  await sleep(Math.random() * 5)
  return new Response('ok')
}

const db = await openDatabase(url)
const loop = createLoop({
  db,
  routes: { targets, rules: [], alertTargets: [] },
  now: Date.now,
  random: Math.random,
  sleep,
  fetch,
  retentionDays: 90,
  urls: { langfuse: 'https://langfuse.test', public: 'https://relay.test' },
  onError: (error) => report.errors.push(String(error)),
})
await loop.start()
process.on('message', async () => {
  await loop.stop()
  await db.destroy()
  process.send?.(report, () => process.exit(0))
})
process.send?.('started')
