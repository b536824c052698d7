/**
 * `npm run send -- <fixture|file> [--url http://localhost:3000] [--secret lf-whsec_…] [--new-id]
 * [--unsigned | --tampered | --expired]`: signs one event as Langfuse does, posts it, and prints the answer.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { sign } from '#lib/langfuse/signature.ts'

const fixtures = new URL('../tests/fixtures/', import.meta.url)
const usage = `Usage: npm run send -- <fixture|file> [--url URL] [--secret SECRET] [--new-id] [--unsigned | --tampered | --expired]

--url      address of the relay (default: http://localhost:3000)
--secret   default: the first secret of LANGFUSE_WEBHOOK_SECRET, from the environment or .env
--new-id   gives the event a new id, so that it is not a duplicate
--unsigned, --tampered, --expired
           sends what the relay must refuse: no signature, a byte changed after signing, signed an hour ago

Fixtures:
${readdirSync(fixtures)
  .filter((name) => /^\d/.test(name))
  .map((name) => `  ${name.replace(/\.json$/, '')}`)
  .join('\n')}`

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: 'string', default: 'http://localhost:3000' },
    secret: { type: 'string' },
    'new-id': { type: 'boolean', default: false },
    unsigned: { type: 'boolean', default: false },
    tampered: { type: 'boolean', default: false },
    expired: { type: 'boolean', default: false },
  },
})

const [name] = positionals
if (name === undefined) fail('Name the event to send.')
const file = [name, new URL(`${name}.json`, fixtures), new URL(name, fixtures)].find((path) =>
  existsSync(path),
)
if (file === undefined) fail(`There is no file or fixture called ${name}.`)
for (const path of ['.env.local', '.env']) if (existsSync(path)) process.loadEnvFile(path)
const secret =
  values.secret ?? process.env.LANGFUSE_WEBHOOK_SECRET?.split(/[\s,]+/).find((part) => part !== '')
if (secret === undefined) fail('No secret: set LANGFUSE_WEBHOOK_SECRET, or pass --secret.')

const raw = readFileSync(file)
const body = values['new-id']
  ? Buffer.from(JSON.stringify({ ...JSON.parse(raw.toString('utf8')), id: randomUUID() }))
  : raw
const t = Math.floor(Date.now() / 1000) - (values.expired ? 3600 : 0)
const signature = sign(body, secret, t)
if (values.tampered) body[body.length - 1] = 0x20
const response = await fetch(new URL('/api/webhooks/langfuse', values.url), {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'user-agent': 'Langfuse/1.0',
    ...(values.unsigned ? {} : { 'x-langfuse-signature': signature }),
  },
  body,
}).catch((error: Error) => fail(`No answer from ${values.url}: ${error.cause ?? error.message}.`))
console.log(`${response.status} ${await response.text()}`)
process.exitCode = response.ok ? 0 : 1
