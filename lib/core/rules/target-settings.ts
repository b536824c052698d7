import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import { z } from 'zod'
import { isPublicIp } from '../../base/public-address.ts'
import {
  delays,
  foreignToken,
  httpUrl,
  isHeaderName,
  like,
  list,
  partsFlaw,
  setting,
  textOf,
  urlFlaw,
} from '../../base/setting-values.ts'
import { cleaned, textFlaw } from '../../base/text-flaws.ts'

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

const slackHooks = ['hooks.slack.com', 'hooks.slack-gov.com']

/** Slack-compatible receivers have any address; only the addresses of Slack's own hosts can be checked. */
function slackUrlFlaw(value: string): string | null {
  const { protocol, hostname, pathname } = new URL(value)
  if (!slackHooks.includes(hostname)) {
    const isSlacks = /(^|\.)slack(-gov)?\.com$/.test(hostname)
    return isSlacks
      ? 'is the address of a page or channel in Slack, not of an incoming webhook: those are at hooks.slack.com/services/'
      : null
  }
  if (protocol !== 'https:') return 'is not https, which Slack requires'
  if (/^\/(triggers|workflows)\//.test(pathname))
    return 'starts a workflow of Slack, which takes no messages: make an incoming webhook'
  return /^\/services(\/[^/]+){3}\/?$/.test(pathname)
    ? null
    : 'is not complete: after /services/ come three parts'
}

const slackSettings = z.strictObject({
  type: z.literal('slack'),
  url: setting(textOf(textFlaw, urlFlaw, slackUrlFlaw)).describe("The incoming webhook's URL"),
  ...pace,
})

/** Discord's own hosts are checked; proxies of its API have any address. Its tokens have 68 characters. */
function discordUrlFlaw(value: string): string | null {
  const { protocol, hostname, pathname, searchParams } = new URL(value)
  if (slackHooks.includes(hostname))
    return 'is the address of an incoming webhook of Slack: set it for a target slack'
  if (!/(^|\.)(discord|discordapp)\.(com|gg)$/.test(hostname)) return null
  if (protocol !== 'https:') return 'is not https, which Discord requires'
  if (/\/webhooks\/\d+\/[\w-]+\/(slack|github)$/.test(pathname))
    return 'ends in /slack or /github, which is for messages in their format: remove it'
  if (/^\/api(\/v\d+)?\/webhooks\/\d+\/[\w-]{20,}$/.test(pathname))
    return /^\d+$/.test(searchParams.get('thread_id') ?? '0')
      ? null
      : 'contains a thread_id that is not a number: copy the id of the thread'
  return pathname.startsWith('/api/')
    ? 'is not complete: after /webhooks/ come a number and a token'
    : 'is the address of a page in Discord, not of a webhook: those are at discord.com/api/webhooks/'
}

/** Of a path, also before a query. */
const withoutPathEndSlash = (url: string): string => url.replace(/\/+(?=$|[?#])/, '')

const discordSettings = z.strictObject({
  type: z.literal('discord'),
  url: setting(textOf(textFlaw, urlFlaw, discordUrlFlaw), withoutPathEndSlash).describe("The webhook's URL"),
  ...pace,
  perSecond: pace.perSecond
    .default(0.5)
    .describe('Messages a second over all instances, 0: as fast as it goes. A webhook takes 30 a minute'),
})

/** PEM as it is, with its line breaks as `\\n`, or as a whole in base64: panels take no line breaks. */
function pemOf(value: string): string {
  const pem = value.includes('-----BEGIN') ? value : Buffer.from(value, 'base64').toString('utf8')
  return pem.replaceAll('\\n', '\n').trim()
}

function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === 'rsa'
  } catch {
    return false
  }
}

const rsaKey = setting(
  z
    .string({ error: 'is not a string' })
    .transform(pemOf)
    .refine(isRsaKey, { error: 'is not an RSA private key in PEM' }),
)

/** A repository as it is copied from its page, or from `git clone`. */
const repoName = (value: string): string =>
  value.replace(/^(https:\/\/github\.com\/|git@github\.com:)/, '').replace(/(\.git)?\/?$/, '')

function githubUrlFlaw(value: string): string | null {
  const { hostname } = new URL(value)
  if (hostname === 'github.com' || hostname === 'www.github.com')
    return "is GitHub's website: its API is at https://api.github.com"
  return partsFlaw(value, {})
}

export const githubAppSettings = z.strictObject({
  id: setting(textOf(textFlaw, like(/^[\w.-]+$/, 'is not the id of an app'))).describe(
    "The app's id, or its client id",
  ),
  privateKey: rsaKey.describe('RSA, as PEM'),
  installationId: setting(textOf(textFlaw, like(/^\d+$/, 'is not a number'))).describe(
    "The number at the end of the installation's address",
  ),
})

const githubSettings = z.strictObject({
  type: z.literal('github'),
  repo: setting(textOf(textFlaw, like(/^[\w.-]+\/[\w.-]+$/, 'is not owner/name')), repoName).describe(
    '`owner/name`',
  ),
  token: foreignToken.optional().describe('May write the contents of the repository; in its place, `app`'),
  app: githubAppSettings.optional().describe('A GitHub App, which gets itself a token for one installation'),
  apiUrl: setting(textOf(textFlaw, urlFlaw, githubUrlFlaw))
    .default('https://api.github.com')
    .describe('For GitHub Enterprise Server: https://<host>/api/v3'),
  eventType: setting(
    textOf(textFlaw, (value) => (value.length > 100 ? 'is longer than 100 characters' : null)),
  )
    .default('prompt-updated')
    .describe('`event_type` of the dispatch'),
  ...pace,
})

/** PagerDuty's documentation gives the address with the path of one kind of events, which is what people copy. */
const withoutEnqueue = (value: string): string => value.replace(/\/v2(\/(change\/)?enqueue)?\/?$/, '')

function pagerdutyUrlFlaw(value: string): string | null {
  const { hostname } = new URL(value)
  if (/(^|\.)pagerduty\.com$/.test(hostname) && !hostname.startsWith('events.'))
    return "is not PagerDuty's Events API: that is at https://events.pagerduty.com, in the EU at https://events.eu.pagerduty.com"
  return partsFlaw(value, {})
}

const pagerdutySettings = z.strictObject({
  type: z.literal('pagerduty'),
  routingKey: setting(
    textOf(textFlaw, like(/^[A-Za-z0-9]{32}$/, 'is not an integration key of 32 letters and digits')),
  ).describe('The integration key of an Events API v2 integration: 32 characters'),
  eventsUrl: setting(textOf(textFlaw, urlFlaw, pagerdutyUrlFlaw), withoutEnqueue)
    .default('https://events.pagerduty.com')
    .describe('In the EU: https://events.eu.pagerduty.com'),
  ...pace,
})

const standardSecret = /^whsec_([A-Za-z0-9+/]{4}){8,}([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const signingFlaw = (secret: string): string | null => {
  if (secret.startsWith('lf-whsec_')) return "contains Langfuse's own secret: create another one"
  const flaw = textFlaw(secret)
  if (flaw !== null) return `contains a secret that ${flaw}`
  return standardSecret.test(secret)
    ? null
    : 'contains a secret that is not whsec_ followed by base64 of at least 24 bytes'
}

/** Some tools show a secret with the version of the scheme before it: `v1,whsec_…`. */
const withoutVersion = (value: string): string => value.replaceAll(/(^|[\s,"'])v1,(?=whsec_)/g, '$1')

/** A list, or a text with one or several of them. */
const signingSecrets = z.preprocess(
  (value) => (typeof value === 'string' ? list(withoutVersion(cleaned(value))) : value),
  z
    .array(setting(textOf(signingFlaw), withoutVersion), { error: 'is neither a secret nor a list of them' })
    .min(1, { error: 'is empty' })
    .readonly(),
)

/** Set by the relay or by the connection: overwritten, they would break the request or its signature. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|keep-alive|upgrade|expect|te|trailer|content-type|user-agent|webhook-(id|timestamp|signature))$/i

const headers = z.record(z.string(), z.string({ error: 'is not a string' })).superRefine((value, context) => {
  for (const [name, text] of Object.entries(value)) {
    const flaw = headerFlaw(name, text)
    if (flaw !== null) context.addIssue({ code: 'custom', path: [name], message: flaw })
  }
})

function headerFlaw(name: string, text: string): string | null {
  if (!isHeaderName(name)) return 'is not a header name'
  if (ownHeaders.test(name)) return 'is set by the relay itself: remove it'
  const flaw = textFlaw(text)
  if (flaw !== null) return flaw
  return /[^\t\x20-\xff]/.test(text) ? 'contains a character that headers do not allow' : null
}

const allow = 'allow it with allowPrivate (WEBHOOK_ALLOW_PRIVATE=1), or set another URL'
export const privateFlaw = `is at a private address: ${allow}`

/** Why a signed webhook may not go to a URL, as far as it can be known without DNS; null: it may. */
export function privateUrlFlaw({
  url,
  allowPrivate,
}: {
  url: string
  allowPrivate?: boolean | undefined
}): string | null {
  if (allowPrivate) return null
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:') return `is not https: ${allow}`
  const ip = hostname.replace(/^\[|\]$/g, '')
  return isIP(ip) !== 0 && !isPublicIp(ip) ? privateFlaw : null
}

const webhookSettings = z
  .strictObject({
    type: z.literal('webhook'),
    url: httpUrl.describe('`https`, at a public address'),
    secrets: signingSecrets.describe(
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
    // zod runs this where the URL itself is wrong, too: that is one problem, and the one to fix first.
    if (context.issues.some(({ path }) => path?.[0] === 'url')) return
    const message = privateUrlFlaw(value)
    if (message !== null) context.addIssue({ code: 'custom', path: ['url'], message })
  })

interface Kind {
  settings: z.ZodObject
  /** What it cannot do without: the settings of one of its ways. */
  ways: readonly (readonly string[])[]
  /** Why, for a target that has only a part of them. */
  why: string
  /** Whether people read it: they are notified of troubles where `alertTarget` names no target. */
  isReadByPeople: boolean
  /** Whether messages open and end a state there, beside being shown. */
  keepsIncidents: boolean
}

/** Each kind of target: from its settings follow its type, the checks at start, the doctor and docs/configuration.md. */
export const targetKinds = {
  slack: {
    settings: slackSettings,
    ways: [['url']],
    why: 'nothing can be posted without it',
    isReadByPeople: true,
    keepsIncidents: false,
  },
  discord: {
    settings: discordSettings,
    ways: [['url']],
    why: 'nothing can be posted without it',
    isReadByPeople: true,
    keepsIncidents: false,
  },
  github: {
    settings: githubSettings,
    ways: [
      ['repo', 'token'],
      ['repo', 'app'],
    ],
    why: 'a dispatch needs both the repository and a token (or a GitHub App: its id, key and installation) for it',
    isReadByPeople: false,
    keepsIncidents: false,
  },
  pagerduty: {
    settings: pagerdutySettings,
    ways: [['routingKey']],
    why: 'no event is taken without it',
    isReadByPeople: true,
    keepsIncidents: true,
  },
  webhook: {
    settings: webhookSettings,
    ways: [['url', 'secrets']],
    why: 'a webhook is never sent unsigned',
    isReadByPeople: false,
    keepsIncidents: false,
  },
} as const satisfies Record<string, Kind>

export type TargetType = keyof typeof targetKinds
export const targetTypes = Object.keys(targetKinds) as TargetType[]

/** A target whose settings were checked. */
export type TargetOf<Type extends TargetType> = z.output<(typeof targetKinds)[Type]['settings']>
export type Target = { [Type in TargetType]: TargetOf<Type> }[TargetType]
export type GithubApp = NonNullable<TargetOf<'github'>['app']>
