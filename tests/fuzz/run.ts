/**
 * `npm run fuzz`: a million inputs to the endpoints and parsers, in this process; every hundredth that is accepted goes
 * through a store and is settled. FUZZ_RUNS, FUZZ_SEED and FUZZ_FROM choose which.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { receiver } from '#lib/pipeline/receive.ts'
import { settleDue } from '#lib/pipeline/settle/settle.ts'
import { openDatabase } from '#lib/store/client.ts'
import type { Take } from './cases.ts'
import { fuzz } from './fuzz.ts'

const numberOf = (name: string, fallback: number): number => Number(process.env[name] || fallback)
const seed = numberOf('FUZZ_SEED', randomInt(2 ** 31))
const from = numberOf('FUZZ_FROM', 0)
const runs = numberOf('FUZZ_RUNS', 1_000_000)
const storedEvery = 100

const say = console.log
// The endpoints write a line for each request.
console.log = () => {}
console.error = () => {}

const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-fuzz-'))
const db = await openDatabase(`file:${join(folder, 'relay.db')}`)
const routes = { targets: {}, rules: [], alertTargets: [] }
const receive = receiver(db, { settleMs: 0, now: Date.now })
let accepted = 0
let stored = 0
const take: Take = async (arrival) => {
  accepted += 1
  if (accepted % storedEvery !== 0) return { status: 'accepted', eventId: 'evt_0' }
  stored += 1
  const received = await receive(arrival)
  while ((await settleDue({ db, routes, now: Date.now })).settled > 0);
  return received
}

say(`${runs.toLocaleString('en')} inputs, seed ${seed}${from > 0 ? `, from ${from}` : ''}`)
const startedAt = performance.now()
const { runs: done, ended, longestMs, failures } = await fuzz({ seed, from, runs }, take)
const seconds = (performance.now() - startedAt) / 1000
await db.destroy()
rmSync(folder, { recursive: true })

for (const [end, times] of [...ended].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  say(`${times.toLocaleString('en').padStart(10)}  ${end}`)
say(
  `${done.toLocaleString('en')} inputs in ${seconds.toFixed(1)} s, ${Math.round(done / seconds).toLocaleString('en')} a second`,
)
say(
  `${accepted.toLocaleString('en')} accepted, ${stored.toLocaleString('en')} of them stored and settled; the slowest took ${longestMs.toFixed(0)} ms`,
)
for (const { index, name, message } of failures) {
  say(`\nFailed: ${name}\nAgain: FUZZ_SEED=${seed} FUZZ_FROM=${index} FUZZ_RUNS=1 npm run fuzz\n${message}`)
}
process.exitCode = failures.length > 0 ? 1 : 0
