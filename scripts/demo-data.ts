import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { sign } from '#lib/langfuse/signature.ts'
import { startDiscordStandIn } from '../tests/mocks/discord.ts'
import { startGithubStandIn } from '../tests/mocks/github.ts'
import { mockKeys, mockProject } from '../tests/mocks/langfuse-api.ts'
import { pagerdutyKey, startPagerdutyStandIn } from '../tests/mocks/pagerduty.ts'
import { startSlackStandIn } from '../tests/mocks/slack.ts'
import type { StandIn } from '../tests/mocks/stand-in.ts'
import { startWebhookStandIn, webhookSecret } from '../tests/mocks/webhook.ts'
import { polled, pressedTrace, startDemoLangfuse } from './demo-langfuse.ts'
import { freePort, startNext, untilReady } from './next.ts'

/** Each row is one edit, as the one or two events that Langfuse sends for it. */
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
/** Changes that the relay finds by comparing. */
const found = 1
/** A running app with a temporary store, and local stand-ins for its targets. */
export interface Demo {
  url: string
  secret: string
  callbackToken: string
  password: string
  slack: StandIn
  discord: StandIn
  github: StandIn
  pagerduty: StandIn
  webhook: StandIn
  /** Someone edits a prompt in Langfuse, and the webhook is lost. Returns the prompt's name. */
  loseWebhook: () => string
  /** Resolves when the app answers; throws if it does not start. */
  ready: () => Promise<void>
  /** Resolves with the exit code when the app has exited. */
  exited: Promise<number>
  end: () => Promise<void>
}

/** Resolves with the exit code of `next build`. */
export const buildApp = (): Promise<number> =>
  startNext(['build'], { stdio: ['ignore', 'ignore', 'inherit'] }).exited

/** Starts the built app. */
export async function startDemo(): Promise<Demo> {
  const secret = `lf-whsec_${randomBytes(32).toString('hex')}`
  const callbackToken = randomBytes(16).toString('hex')
  const password = randomBytes(9).toString('base64url')
  const folder = mkdtempSync(join(tmpdir(), 'prompt-relay-demo-'))
  const slack = await startSlackStandIn()
  const discord = await startDiscordStandIn()
  const github = await startGithubStandIn()
  const pagerduty = await startPagerdutyStandIn()
  const webhook = await startWebhookStandIn()
  const langfuse = await startDemoLangfuse()
  const port = await freePort()
  const url = `http://localhost:${port}`
  const app = startNext(['start', '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      NODE_ENV: 'production',
      DATABASE_URL: `file:${join(folder, 'relay.db')}`,
      LANGFUSE_WEBHOOK_SECRET: secret,
      CALLBACK_TOKEN: callbackToken,
      LANGFUSE_BASE_URL: langfuse.url,
      LANGFUSE_PUBLIC_KEY: mockKeys.publicKey,
      LANGFUSE_SECRET_KEY: mockKeys.secretKey,
      POLL_SECONDS: '5',
      RECONCILE_SECONDS: '2',
      RECONCILE_GRACE_SECONDS: '1',
      SLACK_WEBHOOK_URL: slack.url,
      SLACK_PER_SECOND: '5',
      DISCORD_WEBHOOK_URL: discord.url,
      GITHUB_REPO: 'acme/prompts',
      GITHUB_TOKEN: 'demo-token',
      GITHUB_API_URL: github.url,
      PAGERDUTY_ROUTING_KEY: pagerdutyKey,
      PAGERDUTY_EVENTS_URL: pagerduty.url,
      WEBHOOK_URL: webhook.url,
      WEBHOOK_SECRET: webhookSecret,
      WEBHOOK_ALLOW_PRIVATE: '1',
      PUBLIC_URL: url,
      DASHBOARD_PASSWORD: password,
      SETTLE_MS: String(settleMs),
    },
  })
  const end = async () => {
    app.child.kill('SIGTERM')
    await app.exited
    await Promise.all(
      [slack, discord, github, pagerduty, webhook, langfuse].map((standIn) => standIn.close()),
    )
    rmSync(folder, { recursive: true, force: true })
  }
  const ready = () => untilReady(url, app.child)
  const standIns = { slack, discord, github, pagerduty, webhook }
  const { loseWebhook } = langfuse
  return { url, secret, callbackToken, password, ...standIns, loseWebhook, ready, exited: app.exited, end }
}

/** Sends the fixtures, properly signed, and waits up to 15 s until Slack and the webhook have received every change. */
export async function sendEdits(demo: Demo, print: (line: string) => void): Promise<void> {
  await until(async () => (await comparison(demo))?.state === 'checked')
  print(`---  ${demo.loseWebhook()} is edited, and its webhook is lost on purpose`)
  lostAt = Date.now()
  for (const edit of edits) {
    for (const name of edit) print(`${await send(demo, name)}  ${name}`)
    await wait(settleMs + 300)
    // In its first second a server only accepts events: the next edit of the same prompt would join this change.
    await until(() => demo.slack.requests.length > 0)
  }
  print(`${await callBack(demo)}  someone presses the button of a trace`)
  const isDelivered = () =>
    [demo.slack, demo.webhook].every(({ requests }) => requests.length >= edits.length + polled + found + 1)
  await until(isDelivered)
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 150 && !(await isSo()); i++) await wait(100)
}

const changeBody = z.object({
  data: z.object({ title: z.string(), reconciled: z.boolean().optional() }),
})
let lostAt: number | null = null

const health = z.object({
  reconciliation: z.array(z.object({ state: z.string(), message: z.string() })),
})

/** The change whose webhook was lost, as the webhook target got it: its title, and how long after the edit. */
export function foundByComparing({ webhook }: Demo): { title: string; seconds: number } | null {
  for (const { at, body } of webhook.requests) {
    const change = changeBody.safeParse(body).data?.data
    if (change?.reconciled === true && lostAt !== null)
      return { title: change.title, seconds: Math.round((at - lostAt) / 1000) }
  }
  return null
}

/** What comparing with Langfuse shows, as the health check has it. */
export async function comparison({ url }: Demo): Promise<{ state: string; message: string } | undefined> {
  const response = await fetch(`${url}/api/health`)
  return health.safeParse(await response.json()).data?.reconciliation[0]
}

/** As Langfuse's server does when someone presses the button of a trace. */
async function callBack({ url, callbackToken }: Demo): Promise<number> {
  const item = { projectId: mockProject, traceId: pressedTrace, observationId: null, sessionId: null }
  const response = await fetch(`${url}/api/callbacks/langfuse`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Langfuse/1.0',
      authorization: `Bearer ${callbackToken}`,
    },
    body: JSON.stringify({ version: 1, items: [item] }),
  })
  return response.status
}

async function send({ url, secret }: Demo, name: string): Promise<number> {
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
  return response.status
}
