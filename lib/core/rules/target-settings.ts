import { isIP } from 'node:net'
import { z } from 'zod'
import {
  delays,
  foreignToken,
  githubAppId,
  githubEventType,
  githubInstallation,
  githubRepo,
  githubUrl,
  httpUrl,
  isHeaderName,
  pagerdutyKey,
  pagerdutyUrl,
  rsaKey,
  signingSecretsOfTarget,
  slackUrl,
} from '../../base/env-values.ts'
import { isPublicIp } from '../../base/public-address.ts'
import { textFlaw } from '../../base/text-flaws.ts'

/** What every kind of target takes beside its own settings. */
const pace = {
  perSecond: z
    .number({ error: 'is not a number' })
    .min(0, { error: 'is below 0' })
    .max(1000, { error: 'is above 1000' })
    .optional()
    .describe('Messages a second over all instances; 0 or absent: as fast as it goes'),
  retryDelays: delays
    .optional()
    .describe('Seconds before each try, in place of the built-in schedule of 13 tries over 3 days'),
}

export const slackSettings = z.strictObject({
  type: z.literal('slack'),
  url: slackUrl.describe("The incoming webhook's URL"),
  ...pace,
})

export const githubAppSettings = z.strictObject({
  id: githubAppId.describe("The app's id, or its client id"),
  privateKey: rsaKey.describe('RSA, as PEM'),
  installationId: githubInstallation.describe("The number at the end of the installation's address"),
})

export const githubSettings = z.strictObject({
  type: z.literal('github'),
  repo: githubRepo.describe('`owner/name`'),
  token: foreignToken.optional().describe('May write the contents of the repository; in its place, `app`'),
  app: githubAppSettings.optional().describe('A GitHub App, which gets itself a token for one installation'),
  apiUrl: githubUrl
    .default('https://api.github.com')
    .describe('For GitHub Enterprise Server: https://<host>/api/v3'),
  eventType: githubEventType.default('prompt-updated').describe('`event_type` of the dispatch'),
  ...pace,
})

export const pagerdutySettings = z.strictObject({
  type: z.literal('pagerduty'),
  routingKey: pagerdutyKey.describe('The integration key of an Events API v2 integration: 32 characters'),
  eventsUrl: pagerdutyUrl
    .default('https://events.pagerduty.com')
    .describe('In the EU: https://events.eu.pagerduty.com'),
  ...pace,
})

/** Set by the relay, or by the connection itself: with one of these no request could be made, or it would not be signed. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer|content-type|user-agent|webhook-(id|timestamp|signature))$/i

const headers = z.record(z.string(), z.string({ error: 'is not a text' })).superRefine((value, context) => {
  for (const [name, text] of Object.entries(value)) {
    const flaw = headerFlaw(name, text)
    if (flaw !== null) context.addIssue({ code: 'custom', path: [name], message: flaw })
  }
})

function headerFlaw(name: string, text: string): string | null {
  if (!isHeaderName(name)) return 'is not the name of a header'
  if (ownHeaders.test(name)) return 'is set by the relay itself: take it out'
  const flaw = textFlaw(text)
  if (flaw !== null) return flaw
  return /[^\t\x20-\xff]/.test(text) ? 'holds a character that a header cannot carry' : null
}

/** What a URL may be where private addresses are not allowed, as far as it can be said without asking DNS. */
function guardFlaw({
  url,
  allowPrivate,
}: {
  url: string
  allowPrivate?: boolean | undefined
}): string | null {
  if (allowPrivate) return null
  const { protocol, hostname } = new URL(url)
  const allow = 'allow it with allowPrivate (WEBHOOK_ALLOW_PRIVATE=1)'
  if (protocol !== 'https:') return `is not https: use https, or ${allow}`
  const ip = hostname.replace(/^\[|\]$/g, '')
  return isIP(ip) !== 0 && !isPublicIp(ip) ? `is at a private address: ${allow}` : null
}

export const webhookSettings = z
  .strictObject({
    type: z.literal('webhook'),
    url: httpUrl.describe('`https`, at a public address'),
    secrets: signingSecretsOfTarget.describe(
      '`whsec_<base64>`. Each of several signs, so that one can be changed for another',
    ),
    allowPrivate: z
      .boolean({ error: 'is neither true nor false' })
      .optional()
      .describe('Also `http`, and private addresses'),
    headers: headers.optional().describe("Sent along, as a password of the receiver's proxy, say"),
    ...pace,
  })
  .superRefine((value, context) => {
    const message = guardFlaw(value)
    if (message !== null) context.addIssue({ code: 'custom', path: ['url'], message })
  })

interface Kind {
  settings: z.ZodObject
  /** What it cannot do without: the settings of one of its ways. */
  ways: readonly (readonly string[])[]
  /** Why, where one way is there by halves. */
  why: string
}

/** Each kind of target: its settings, from which its type, its checks and docs/configuration.md follow. */
export const targetKinds = {
  slack: { settings: slackSettings, ways: [['url']], why: 'nothing can be posted without it' },
  github: {
    settings: githubSettings,
    ways: [
      ['repo', 'token'],
      ['repo', 'app'],
    ],
    why: 'a dispatch needs both the repository and a token (or a GitHub App: its id, key and installation) for it',
  },
  pagerduty: { settings: pagerdutySettings, ways: [['routingKey']], why: 'no event is taken without it' },
  webhook: { settings: webhookSettings, ways: [['url', 'secrets']], why: 'a webhook is never sent unsigned' },
} as const satisfies Record<string, Kind>

export type TargetType = keyof typeof targetKinds
export const targetTypes = Object.keys(targetKinds) as TargetType[]
