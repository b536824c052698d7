/**
 * `npm run demo`: builds and starts the app on a free port with a temporary store and local stand-ins for its targets,
 * sends it signed Langfuse webhooks, and prints what each target received and how to open the dashboard. Runs until
 * Ctrl-C.
 */
import { buildApp, comparison, foundByComparing, sendEdits, startDemo } from './demo-data.ts'

console.log('Building the app…')
const buildCode = await buildApp()
if (buildCode !== 0) process.exit(buildCode)

const demo = await startDemo()
let ending = false
async function end(code: number): Promise<never> {
  ending = true
  await demo.end()
  process.exit(code)
}
process.on('SIGINT', () => ending || end(0))
process.on('SIGTERM', () => ending || end(0))

await demo.ready()
const { url, secret, password, slack, discord, github, pagerduty, webhook } = demo
console.log('\nLangfuse → Prompt Relay')
await sendEdits(demo, (line) => console.log(`  ${line}`))

console.log('\nPrompt Relay → Slack (local stand-in)')
for (const { body } of slack.requests) console.log(`  ${(body as { text?: string }).text}`)
console.log(
  '\nPrompt Relay → Discord (a stand-in on this machine; a message every two seconds, so more will come)',
)
for (const { body } of discord.requests) console.log(`  ${(body as { content?: string }).content}`)
console.log('\nPrompt Relay → GitHub repository_dispatch (local stand-in)')
for (const { body } of github.requests) {
  const { event_type, client_payload } = body as {
    event_type: string
    client_payload: Record<string, unknown>
  }
  const { promptName, version, change } = client_payload
  console.log(`  ${event_type} ${promptName} v${version} ${JSON.stringify(change)}`)
}
console.log('\nPrompt Relay → PagerDuty (local stand-in)')
for (const { body } of pagerduty.requests) {
  const {
    event_action = 'change event',
    payload,
    dedup_key = '',
  } = body as {
    event_action?: string
    payload?: { summary: string; severity?: string }
    dedup_key?: string
  }
  console.log(
    `  ${[event_action, payload?.severity, payload?.summary, dedup_key].filter(Boolean).join(' · ')}`,
  )
}
console.log('\nPrompt Relay → signed webhook (local stand-in that verifies each signature)')
for (const { body, headers } of webhook.requests) {
  const { type, data } = body as { type: string; data: { title: string } }
  console.log(`  ${headers['webhook-id']} ${type} ${data.title}`)
}
console.log('\nPrompt Relay ↔ Langfuse (a local stand-in, compared every two seconds)')
const found = foundByComparing(demo)
if (found) console.log(`  ${found.title}: its webhook was lost; found ${found.seconds} s after the edit`)
console.log(`  ${(await comparison(demo))?.message}`)
console.log(`
Dashboard:  ${url}
Password:   ${password}

Send another event:  LANGFUSE_WEBHOOK_SECRET=${secret} npm run send -- 08-api-change-no-user --new-id --url ${url}
Press Ctrl-C to stop.`)
await demo.exited
if (!ending) await end(1)
