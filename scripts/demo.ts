/**
 * `npm run demo`: builds and starts the app on a free port with a throw-away store, and stand-ins for Slack and
 * GitHub on this machine; sends it signed Langfuse webhooks; prints what Slack and GitHub received and where the
 * page is. Stays until Ctrl-C.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sign } from '#lib/signature.ts'
import { startGithubStandIn } from '../tests/mocks/github.ts'
import { startSlackStandIn } from '../tests/mocks/slack.ts'
import { freePort, startNext, untilReady } from './next.ts'

/** Edits as Langfuse tells them: each row is one edit, in one or two events. */
const edits = [
  ['01-prompt-created-text', '01b-prompt-updated-previous-loses-latest'],
  ['05a-label-move-gains-production', '05b-label-move-loses-production'],
  ['02-prompt-created-chat-placeholders'],
  ['03-prompt-created-200kb'],
  ['04-prompt-created-unicode-emoji-folders'],
  ['06-prompt-deleted'],
  ['07-null-commit-message-null-user-name'],
  ['08-api-change-no-user'],
  ['09-monitor-alert'],
  ['09b-monitor-recovered'],
  ['10-project-notification-evaluator-blocked'],
  ['10b-project-notification-blob-export-failed'],
]

const settleMs = 500
const secret = `lf-whsec_${randomBytes(32).toString('hex')}`
const password = randomBytes(9).toString('base64url')
const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-demo-'))
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

console.log('Building the app …')
const build = startNext(['build'], { stdio: ['ignore', 'ignore', 'inherit'] })
const buildCode = await build.exited
if (buildCode !== 0) process.exit(buildCode)

const slack = await startSlackStandIn()
const github = await startGithubStandIn()
const port = await freePort()
const url = `http://localhost:${port}`
const app = startNext(['start', '--port', String(port)], {
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    NODE_ENV: 'production',
    DATABASE_URL: `file:${join(folder, 'relay.db')}`,
    LANGFUSE_WEBHOOK_SECRET: secret,
    SLACK_WEBHOOK_URL: slack.url,
    SLACK_PER_SECOND: '5',
    GITHUB_REPO: 'acme/prompts',
    GITHUB_TOKEN: 'demo-token',
    GITHUB_API_URL: github.url,
    PUBLIC_URL: url,
    DASHBOARD_PASSWORD: password,
    SETTLE_MS: String(settleMs),
  },
})

let ending = false
async function end(code: number): Promise<never> {
  ending = true
  app.child.kill('SIGTERM')
  await app.exited
  await Promise.all([slack.close(), github.close()])
  rmSync(folder, { recursive: true, force: true })
  process.exit(code)
}
process.on('SIGINT', () => ending || end(0))
process.on('SIGTERM', () => ending || end(0))

async function send(name: string): Promise<void> {
  const body = readFileSync(new URL(`../tests/fixtures/${name}.json`, import.meta.url))
  const response = await fetch(`${url}/api/webhooks/langfuse`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Langfuse/1.0',
      'x-langfuse-signature': sign(body, secret, Math.floor(Date.now() / 1000)),
    },
    body,
  })
  console.log(`  ${response.status}  ${name}`)
}

/** Waits, at most 15 s, until as many messages came as there are edits. */
async function untilTold(count: number): Promise<void> {
  for (let i = 0; i < 150 && slack.requests.length < count; i++) await wait(100)
}

await untilReady(url, app.child)
console.log('\nLangfuse → Prompt Relay')
for (const edit of edits) {
  for (const event of edit) await send(event)
  await wait(settleMs + 300)
}
await untilTold(edits.length)

console.log('\nPrompt Relay → Slack (a stand-in on this machine)')
for (const { body } of slack.requests) console.log(`  ${(body as { text?: string }).text}`)
console.log('\nPrompt Relay → GitHub repository_dispatch (a stand-in on this machine)')
for (const { body } of github.requests) {
  const { event_type, client_payload } = body as {
    event_type: string
    client_payload: Record<string, unknown>
  }
  const { promptName, version, change } = client_payload
  console.log(`  ${event_type} ${promptName} v${version} ${JSON.stringify(change)}`)
}
console.log(`
The page:  ${url}
Password:  ${password}

Send it more:  LANGFUSE_WEBHOOK_SECRET=${secret} npm run send -- 08-api-change-no-user --new-id --url ${url}
Ctrl-C ends it.`)
await app.exited
if (!ending) await end(1)
