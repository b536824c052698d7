/**
 * `npm run build`: checks `relay.config.ts` and builds the app. For a standalone build (NEXT_OUTPUT=standalone) it also
 * bundles the doctor into one file beside the server, because the image has no sources.
 */
import { existsSync } from 'node:fs'
import { build as bundle } from 'rolldown'
import { problemText } from '#lib/base/problem.ts'
import { startNext } from './next.ts'
import { readWith } from './relay-file.ts'

/** A build needs no variables: those that are unset here may be set where it runs. */
const configuration = await readWith(() => import('#relay.config.ts'), {})
const wrong = configuration.problems.filter(({ what }) => !/is not set|has no value/.test(what))
for (const problem of wrong)
  console.error(`${problem.name === 'relay.config.ts' ? '' : 'relay.config.ts: '}${problemText(problem)}`)
if (wrong.length > 0) process.exit(1)

const { exited } = startNext(['build', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { NODE_ENV: 'production' },
})
process.exitCode = await exited

if (process.exitCode === 0 && process.env.NEXT_OUTPUT === 'standalone' && existsSync('.next/standalone'))
  await bundle({
    input: 'scripts/doctor.ts',
    platform: 'node',
    // Optional dependencies of pg: its native bindings, and sockets of Cloudflare.
    external: ['pg-native', 'cloudflare:sockets'],
    output: { file: '.next/standalone/doctor.js', format: 'esm', codeSplitting: false },
    logLevel: 'warn',
  })
