import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Env, type EnvName, envNames } from '#lib/base/env.ts'
import { problemText } from '#lib/base/problem.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import type { BuildRoutes, ReadVariable } from '#lib/core/rules/define-relay.ts'
import { targetKinds } from '#lib/core/rules/target-settings.ts'
import { configurationChecks } from '#lib/core/setup/configuration-checks.ts'
import { doctorReport } from '#lib/pipeline/setup/doctor-report.ts'
import standard from '#relay.config.ts'
import { secret } from '../fixtures.ts'
import { githubApp } from '../mocks/github.ts'
import { pagerdutyKey } from '../mocks/pagerduty.ts'
import { webhookSecret } from '../mocks/webhook.ts'

const slackUrl = 'https://hooks.slack.com/services/T000/B000/plantedPlanted'
const discordUrl = 'https://discord.com/api/webhooks/123456789012345678/plantedPlanted-planted_0'
const github = { GITHUB_REPO: 'acme/prompts', GITHUB_TOKEN: 'ghp_planted0000' }
const app = {
  GITHUB_REPO: 'acme/prompts',
  GITHUB_APP_ID: githubApp.id,
  GITHUB_APP_PRIVATE_KEY: githubApp.privateKey,
  GITHUB_APP_INSTALLATION_ID: githubApp.installationId,
}
const webhook = { WEBHOOK_URL: 'https://hooks.example.com/prompts', WEBHOOK_SECRET: webhookSecret }

/** What is wrong, the variables, the reported name, and why. */
type Wrong = [what: string, variables: Partial<Record<string, string>>, name: string, why: RegExp]

const oneVariable: Wrong[] = [
  ['another kind of database', { DATABASE_URL: 'mysql://root:planted@db' }, 'DATABASE_URL', /neither file:/],
  ['a file without a path', { DATABASE_URL: 'file:' }, 'DATABASE_URL', /neither file:/],
  ['an in-memory store', { DATABASE_URL: 'file::memory:' }, 'DATABASE_URL', /in-memory/],
  ['a path in the home folder', { DATABASE_URL: 'file:~/planted.db' }, 'DATABASE_URL', /write the full path/],
  [
    'a path with an unsubstituted variable',
    { DATABASE_URL: 'file:$HOME/planted.db' },
    'DATABASE_URL',
    /not substituted/,
  ],
  [
    'a file with a query',
    { DATABASE_URL: 'file:/data/planted.db?mode=ro' },
    'DATABASE_URL',
    /contains a query/,
  ],
  ['# in the password', { DATABASE_URL: 'postgres://p:pla#nted@h:5432/x' }, 'DATABASE_URL', /# as %23/],
  ['# after digits', { DATABASE_URL: 'postgres://p:12#planted@h:5432/x' }, 'DATABASE_URL', /# as %23/],
  ['/ in the password', { DATABASE_URL: 'postgres://p:planted/@h/x' }, 'DATABASE_URL', /\/ as %2F/],
  ['/ after digits', { DATABASE_URL: 'postgres://p:12/planted@h/x' }, 'DATABASE_URL', /\/ as %2F/],
  ['? in the password', { DATABASE_URL: 'postgres://p:12?planted@h/x' }, 'DATABASE_URL', /\? as %3F/],
  ['a masked password', { DATABASE_URL: 'postgres://p:******@h/x' }, 'DATABASE_URL', /masked/],
  [
    "Supabase's placeholder",
    { DATABASE_URL: 'postgres://p:[YOUR-PASSWORD]@h/x' },
    'DATABASE_URL',
    /placeholder/,
  ],
  ['the address in POSTGRES_URL', { POSTGRES_URL: 'postgres://p:pla#nted@h/x' }, 'POSTGRES_URL', /%23/],
  ['a file on Vercel', { VERCEL: '1' }, 'DATABASE_URL', /on Vercel/],
  ['a short secret', { LANGFUSE_WEBHOOK_SECRET: 'short' }, 'LANGFUSE_WEBHOOK_SECRET', /shorter than 16/],
  ['a masked secret', { LANGFUSE_WEBHOOK_SECRET: 'lf-whsec_...ab12' }, 'LANGFUSE_WEBHOOK_SECRET', /masked/],
  [
    'a masked secret with …',
    { LANGFUSE_WEBHOOK_SECRET: 'lf-whsec_…ab12' },
    'LANGFUSE_WEBHOOK_SECRET',
    /masked/,
  ],
  [
    'one masked secret of two',
    { LANGFUSE_WEBHOOK_SECRET: `${secret}, lf-whsec_***********ab12` },
    'LANGFUSE_WEBHOOK_SECRET',
    /masked/,
  ],
  [
    'the secret of another scheme',
    { LANGFUSE_WEBHOOK_SECRET: `v1,${webhookSecret}` },
    'LANGFUSE_WEBHOOK_SECRET',
    /starts with v1/,
  ],
  [
    'the placeholder of a secret',
    { LANGFUSE_WEBHOOK_SECRET: '<lf-whsec_from_langfuse>' },
    'LANGFUSE_WEBHOOK_SECRET',
    /placeholder/,
  ],
  [
    "Langfuse's API key for the secret",
    { LANGFUSE_WEBHOOK_SECRET: 'sk-lf-planted-planted-planted' },
    'LANGFUSE_WEBHOOK_SECRET',
    /API key/,
  ],
  [
    'an address for the secret',
    { LANGFUSE_WEBHOOK_SECRET: 'https://planted.test/api/webhooks/langfuse' },
    'LANGFUSE_WEBHOOK_SECRET',
    /contains a URL/,
  ],
  [
    'two secrets with a semicolon',
    { LANGFUSE_WEBHOOK_SECRET: `${secret};${secret}` },
    'LANGFUSE_WEBHOOK_SECRET',
    /with commas/,
  ],
  [
    'a comment after the secret',
    { LANGFUSE_WEBHOOK_SECRET: `${secret} # of planted` },
    'LANGFUSE_WEBHOOK_SECRET',
    /remove the comment/,
  ],
  [
    'a whole line',
    { LANGFUSE_WEBHOOK_SECRET: `LANGFUSE_WEBHOOK_SECRET=${secret}` },
    'LANGFUSE_WEBHOOK_SECRET',
    /NAME=/,
  ],
  ['a line of a script', { METRICS_TOKEN: 'export METRICS_TOKEN=planted-planted' }, 'METRICS_TOKEN', /NAME=/],
  [
    'an unsubstituted secret',
    { LANGFUSE_WEBHOOK_SECRET: `\${LANGFUSE_WEBHOOK_SECRET}` },
    'LANGFUSE_WEBHOOK_SECRET',
    /not substituted/,
  ],
  [
    'an unsubstituted password',
    { DASHBOARD_PASSWORD: '$DASHBOARD_PASSWORD' },
    'DASHBOARD_PASSWORD',
    /not substituted/,
  ],
  [
    'an unsubstituted template',
    { CRON_SECRET: '{{ secrets.CRON_SECRET }}' },
    'CRON_SECRET',
    /not substituted/,
  ],
  [
    'an unsubstituted variable in the password of a database',
    { DATABASE_URL: `postgres://p:\${PLANTED}@h:5432/x` },
    'DATABASE_URL',
    /not substituted/,
  ],
  [
    'https:// twice in the URL for Slack',
    { SLACK_WEBHOOK_URL: `https://${slackUrl}` },
    'SLACK_WEBHOOK_URL',
    /twice/,
  ],
  [
    'two webhooks of Slack',
    { SLACK_WEBHOOK_URL: `${slackUrl},${slackUrl}` },
    'SLACK_WEBHOOK_URL',
    /several URLs/,
  ],
  ['a lone quote', { LANGFUSE_WEBHOOK_SECRET: `"${secret}` }, 'LANGFUSE_WEBHOOK_SECRET', /quote/],
  [
    'an invisible character',
    { LANGFUSE_WEBHOOK_SECRET: `lf-whsec_\u200b${'a'.repeat(64)}` },
    'LANGFUSE_WEBHOOK_SECRET',
    /invisible character \(U\+200B\)/,
  ],
  ['a tolerance of zero', { SIGNATURE_TOLERANCE_SECONDS: '0' }, 'SIGNATURE_TOLERANCE_SECONDS', /below 1/],
  [
    'a tolerance with a unit',
    { SIGNATURE_TOLERANCE_SECONDS: '5m' },
    'SIGNATURE_TOLERANCE_SECONDS',
    /not a number/,
  ],
  ['an unknown scheme', { SIGNATURE_SCHEMES: 'v1,v2' }, 'SIGNATURE_SCHEMES', /allows only/],
  ['no scheme at all', { SIGNATURE_SCHEMES: ',' }, 'SIGNATURE_SCHEMES', /no scheme/],
  [
    'a password in the base',
    { LANGFUSE_BASE_URL: 'https://u:planted@l.test' },
    'LANGFUSE_BASE_URL',
    /user name and a password/,
  ],
  [
    'a base without its scheme',
    { LANGFUSE_BASE_URL: 'cloud.langfuse.com' },
    'LANGFUSE_BASE_URL',
    /add https:\/\//,
  ],
  ['a query in the base', { LANGFUSE_BASE_URL: 'https://l.test/?a=1' }, 'LANGFUSE_BASE_URL', /query/],
  [
    'a page for the base',
    { LANGFUSE_BASE_URL: 'https://l.test/project/abc/traces' },
    'LANGFUSE_BASE_URL',
    /page in Langfuse/,
  ],
  [
    'the address of a project as its id',
    { LANGFUSE_PROJECT_ID: 'https://langfuse.test/project/planted' },
    'LANGFUSE_PROJECT_ID',
    /follows \/project\//,
  ],
  ['one key alone', { LANGFUSE_PUBLIC_KEY: 'pk-lf-1' }, 'LANGFUSE_SECRET_KEY', /needs both/],
  ['the other key alone', { LANGFUSE_SECRET_KEY: 'sk-lf-planted' }, 'LANGFUSE_PUBLIC_KEY', /needs both/],
  [
    'swapped keys',
    { LANGFUSE_PUBLIC_KEY: 'sk-lf-planted', LANGFUSE_SECRET_KEY: 'pk-lf-1' },
    'LANGFUSE_PUBLIC_KEY',
    /swapped/,
  ],
  [
    'swapped keys, seen from the other',
    { LANGFUSE_PUBLIC_KEY: 'sk-lf-planted', LANGFUSE_SECRET_KEY: 'pk-lf-1' },
    'LANGFUSE_SECRET_KEY',
    /swapped/,
  ],
  [
    'a masked key',
    { LANGFUSE_PUBLIC_KEY: 'pk-lf-1', LANGFUSE_SECRET_KEY: 'sk-lf-...planted' },
    'LANGFUSE_SECRET_KEY',
    /masked/,
  ],
  ['an origin with a path', { LANGFUSE_ORIGINS: 'https://l.test/a' }, 'LANGFUSE_ORIGINS', /without a path/],
  ['a short token', { CALLBACK_TOKEN: 'planted' }, 'CALLBACK_TOKEN', /shorter than 16/],
  [
    'a command instead of a token',
    { CALLBACK_TOKEN: 'openssl rand -hex 32' },
    'CALLBACK_TOKEN',
    /is a command/,
  ],
  [
    'a header name with a space',
    { CALLBACK_TOKEN_HEADER: 'x token' },
    'CALLBACK_TOKEN_HEADER',
    /not a header name/,
  ],
  ['headers with a colon', { CALLBACK_HEADERS: 'x-team:1' }, 'CALLBACK_HEADERS', /header names/],
  ['a word for a flag', { CALLBACK_OPEN: 'perhaps' }, 'CALLBACK_OPEN', /neither 1 nor 0/],
  ['a word for the direct way', { DIRECT_ENDPOINTS: 'off' }, 'DIRECT_ENDPOINTS', /neither 1 nor 0/],
  ['a negative interval', { POLL_SECONDS: '-1' }, 'POLL_SECONDS', /below 0/],
  ['less than one request', { POLL_REQUESTS_PER_MINUTE: '0.5' }, 'POLL_REQUESTS_PER_MINUTE', /below 1/],
  ['too many hours', { BACKFILL_HOURS: '1000' }, 'BACKFILL_HOURS', /above 720/],
  ['minutes as a word', { BURST_MINUTES: 'five' }, 'BURST_MINUTES', /not a number/],
  ['a path in the public address', { PUBLIC_URL: 'https://r.test/setup' }, 'PUBLIC_URL', /contains a path/],
  [
    'a password in the public address',
    { PUBLIC_URL: 'https://u:planted@r.test' },
    'PUBLIC_URL',
    /user name and a password/,
  ],
  [
    'a fragment in the public address',
    { PUBLIC_URL: 'https://r.test/#top' },
    'PUBLIC_URL',
    /query or a fragment/,
  ],
  ['a script for the public address', { PUBLIC_URL: 'javascript:alert(1)' }, 'PUBLIC_URL', /not an http/],
  [
    'an invitation to Discord',
    { DISCORD_WEBHOOK_URL: 'https://discord.gg/planted' },
    'DISCORD_WEBHOOK_URL',
    /address of a page/,
  ],
  [
    'a channel of Discord',
    { DISCORD_WEBHOOK_URL: 'https://discord.com/channels/1/planted' },
    'DISCORD_WEBHOOK_URL',
    /address of a page/,
  ],
  [
    "a Discord webhook's address without its token",
    { DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/123456789012345678' },
    'DISCORD_WEBHOOK_URL',
    /is not complete/,
  ],
  [
    "a Discord webhook's address with a part of its token",
    { DISCORD_WEBHOOK_URL: 'https://discord.com/api/webhooks/123456789012345678/undefined' },
    'DISCORD_WEBHOOK_URL',
    /is not complete/,
  ],
  [
    "a Discord webhook's address with the name of a thread",
    { DISCORD_WEBHOOK_URL: `${discordUrl}?thread_id=planted` },
    'DISCORD_WEBHOOK_URL',
    /thread_id that is not a number/,
  ],
  [
    'a webhook of Slack for Discord',
    { DISCORD_WEBHOOK_URL: 'https://hooks.slack.com/services/T0/B0/planted' },
    'DISCORD_WEBHOOK_URL',
    /incoming webhook of Slack/,
  ],
  [
    'a Discord webhook that takes what is written for Slack',
    { DISCORD_WEBHOOK_URL: `${discordUrl}/slack` },
    'DISCORD_WEBHOOK_URL',
    /in their format: remove it/,
  ],
  [
    'Discord by http',
    { DISCORD_WEBHOOK_URL: discordUrl.replace('https:', 'http:') },
    'DISCORD_WEBHOOK_URL',
    /not https/,
  ],
  [
    'a webhook by another protocol',
    { ...webhook, WEBHOOK_URL: 'ftp://planted' },
    'WEBHOOK_URL',
    /not an http/,
  ],
  [
    'a webhook with a password at a private address',
    { ...webhook, WEBHOOK_URL: 'http://u:planted@10.0.0.1/' },
    'WEBHOOK_URL',
    /contains a user name/,
  ],
  ['a webhook without a valid address', { ...webhook, WEBHOOK_URL: 'planted' }, 'WEBHOOK_URL', /not an http/],
  ['Slack without https', { SLACK_WEBHOOK_URL: slackUrl.slice(8) }, 'SLACK_WEBHOOK_URL', /add https:\/\//],
  [
    'Slack by http',
    { SLACK_WEBHOOK_URL: slackUrl.replace('https', 'http') },
    'SLACK_WEBHOOK_URL',
    /not https/,
  ],
  [
    'a channel of Slack',
    { SLACK_WEBHOOK_URL: 'https://acme.slack.com/archives/C0123' },
    'SLACK_WEBHOOK_URL',
    /page or channel/,
  ],
  [
    'half of a webhook of Slack',
    { SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0' },
    'SLACK_WEBHOOK_URL',
    /not complete/,
  ],
  [
    'a workflow of Slack',
    { SLACK_WEBHOOK_URL: 'https://hooks.slack.com/triggers/T0/1/planted' },
    'SLACK_WEBHOOK_URL',
    /workflow/,
  ],
  [
    'a masked webhook of Slack',
    { SLACK_WEBHOOK_URL: 'https://hooks.slack.com/services/T0/B0/****' },
    'SLACK_WEBHOOK_URL',
    /masked/,
  ],
  [
    'a password for Slack',
    { SLACK_WEBHOOK_URL: 'https://u:planted@slack.test/x' },
    'SLACK_WEBHOOK_URL',
    /user name and a password/,
  ],
  ['a negative pace', { SLACK_PER_SECOND: '-1' }, 'SLACK_PER_SECOND', /below 0/],
  ['a repository without its owner', { ...github, GITHUB_REPO: 'prompts' }, 'GITHUB_REPO', /not owner\/name/],
  [
    'a repository of another server',
    { ...github, GITHUB_REPO: 'https://git.test/acme/prompts' },
    'GITHUB_REPO',
    /not owner\/name/,
  ],
  ['a repository alone', { GITHUB_REPO: 'acme/prompts' }, 'GITHUB_TOKEN', /not set/],
  ['a token alone', { GITHUB_TOKEN: 'planted' }, 'GITHUB_REPO', /not set/],
  ['a masked token', { ...github, GITHUB_TOKEN: 'ghp_****planted' }, 'GITHUB_TOKEN', /masked/],
  [
    'a token and an app',
    { ...app, GITHUB_TOKEN: 'planted' },
    'GITHUB_TOKEN',
    /GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY, GITHUB_APP_INSTALLATION_ID are both set, but only one can be used/,
  ],
  ['the name of an app', { ...app, GITHUB_APP_ID: 'My App!' }, 'GITHUB_APP_ID', /id of an app/],
  [
    'a cut key',
    { ...app, GITHUB_APP_PRIVATE_KEY: githubApp.privateKey.slice(0, 400) },
    'GITHUB_APP_PRIVATE_KEY',
    /not an RSA/,
  ],
  [
    'a key of another kind',
    {
      ...app,
      GITHUB_APP_PRIVATE_KEY: generateKeyPairSync('ed25519')
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    },
    'GITHUB_APP_PRIVATE_KEY',
    /not an RSA/,
  ],
  [
    'an installation by its address',
    { ...app, GITHUB_APP_INSTALLATION_ID: 'https://github.com/x/1' },
    'GITHUB_APP_INSTALLATION_ID',
    /not a number/,
  ],
  ["GitHub's website for its API", { GITHUB_API_URL: 'https://github.com' }, 'GITHUB_API_URL', /website/],
  [
    'a password in the API',
    { GITHUB_API_URL: 'https://u:planted@g.test' },
    'GITHUB_API_URL',
    /user name and a password/,
  ],
  ['a long event type', { GITHUB_EVENT_TYPE: 'x'.repeat(101) }, 'GITHUB_EVENT_TYPE', /longer than 100/],
  ['a short key', { PAGERDUTY_ROUTING_KEY: 'planted' }, 'PAGERDUTY_ROUTING_KEY', /integration key/],
  [
    "PagerDuty's website",
    { PAGERDUTY_EVENTS_URL: 'https://acme.pagerduty.com' },
    'PAGERDUTY_EVENTS_URL',
    /Events API/,
  ],
  [
    'events without a scheme',
    { PAGERDUTY_EVENTS_URL: 'events.pagerduty.com' },
    'PAGERDUTY_EVENTS_URL',
    /add https:\/\//,
  ],
  [
    'events with a password',
    { PAGERDUTY_EVENTS_URL: 'https://u:planted@p.test' },
    'PAGERDUTY_EVENTS_URL',
    /user name and a password/,
  ],
  ['a webhook without a secret', { WEBHOOK_URL: 'https://a.test' }, 'WEBHOOK_SECRET', /never sent unsigned/],
  ['a secret without a webhook', { WEBHOOK_SECRET: webhookSecret }, 'WEBHOOK_URL', /not set/],
  [
    "Langfuse's secret for the webhook",
    { ...webhook, WEBHOOK_SECRET: secret },
    'WEBHOOK_SECRET',
    /Langfuse's own/,
  ],
  ['a secret of few bytes', { ...webhook, WEBHOOK_SECRET: 'whsec_YWJj' }, 'WEBHOOK_SECRET', /base64/],
  [
    'a webhook with http',
    { ...webhook, WEBHOOK_URL: 'http://hooks.example.com' },
    'WEBHOOK_URL',
    /not https/,
  ],
  [
    'a webhook at a private address',
    { ...webhook, WEBHOOK_URL: 'https://10.0.0.1/x' },
    'WEBHOOK_URL',
    /private address/,
  ],
  [
    'a webhook with a password',
    { ...webhook, WEBHOOK_URL: 'https://u:planted@a.test' },
    'WEBHOOK_URL',
    /user name and a password/,
  ],
  [
    'a word for another flag',
    { WEBHOOK_ALLOW_PRIVATE: 'perhaps' },
    'WEBHOOK_ALLOW_PRIVATE',
    /neither 1 nor 0/,
  ],
  ['a window that is too long', { SETTLE_MS: '10001' }, 'SETTLE_MS', /above 10000/],
  ['a schedule with a word', { RETRY_DELAYS: '1,x' }, 'RETRY_DELAYS', /list of seconds/],
  ['an infinite schedule', { RETRY_DELAYS: '1,Infinity' }, 'RETRY_DELAYS', /list of seconds/],
  ['an unknown mode', { RELAY_MODE: 'dry' }, 'RELAY_MODE', /neither live nor dry-run/],
  [
    'an interval of comparisons in minutes',
    { RECONCILE_SECONDS: '5m' },
    'RECONCILE_SECONDS',
    /not a (whole )?number/,
  ],
  [
    'a grace in minutes',
    { RECONCILE_GRACE_SECONDS: '2m' },
    'RECONCILE_GRACE_SECONDS',
    /not a (whole )?number/,
  ],
  ['quiet hours in days', { QUIET_HOURS: '1d' }, 'QUIET_HOURS', /not a number/],
  ['quotes around a token', { METRICS_TOKEN: '"planted-planted-planted"' }, 'METRICS_TOKEN', /quotes/],
  [
    'a token that headers do not allow',
    { METRICS_TOKEN: 'plänted-plänted-plänted' },
    'METRICS_TOKEN',
    /headers do not allow/,
  ],
  ['no retention', { RETENTION_DAYS: '0' }, 'RETENTION_DAYS', /below 1/],
  ['a short password', { DASHBOARD_PASSWORD: 'short' }, 'DASHBOARD_PASSWORD', /shorter than 8/],
  ['quotes around the password', { DASHBOARD_PASSWORD: '"planted planted"' }, 'DASHBOARD_PASSWORD', /quotes/],
  [
    'one of the most common passwords',
    { DASHBOARD_PASSWORD: 'Password123' },
    'DASHBOARD_PASSWORD',
    /most common/,
  ],
  ['one character eight times', { DASHBOARD_PASSWORD: 'xxxxxxxx' }, 'DASHBOARD_PASSWORD', /most common/],
  [
    'the example password',
    { DASHBOARD_PASSWORD: 'a long sentence that only your team knows' },
    'DASHBOARD_PASSWORD',
    /published example/,
  ],
  ['a short secret for the scheduler', { CRON_SECRET: 'planted' }, 'CRON_SECRET', /shorter than 16/],
  ['a proxy without its scheme', { HTTPS_PROXY: 'proxy.test:3128' }, 'HTTPS_PROXY', /http\(s\) URL/],
]

const values = (variables: Partial<Record<string, string>>) =>
  Object.values(variables).filter((value) => value !== undefined && /planted|\$|BEGIN/.test(value))

/** What a start, /api/health, the doctor and the setup page make of one reading. */
function everywhere(build: BuildRoutes, variables: Partial<Record<string, string>>) {
  const configuration = readConfiguration(build, variables)
  const checks = configurationChecks(configuration)
  return {
    ...configuration,
    texts: configuration.problems.map(problemText),
    checks,
    doctor: doctorReport([{ title: 'Configuration', checks }], (_, text) => text).join('\n'),
  }
}

const vital = ['DATABASE_URL', 'POSTGRES_URL', 'LANGFUSE_WEBHOOK_SECRET']

describe('a wrong variable', () => {
  it.each(oneVariable)('%s: is reported once, with its reason and its fix', (_, variables, name, why) => {
    const { env, problems, texts, checks, doctor } = everywhere(standard, variables)
    const [found, ...more] = problems.filter((problem) => problem.name === name)
    expect(more).toEqual([])
    expect(found?.what).toMatch(why)
    expect(found?.fix).not.toBe('')
    // At start and in health: the same line. By the doctor and on Setup: the same words, and what to do.
    expect(texts.some((text) => text.startsWith(`${name} `) && why.test(text))).toBe(true)
    const check = checks.find(({ words }) => words.startsWith(`${name} `))
    expect([check?.state, check?.fix]).toEqual(['problem', found?.fix])
    expect(doctor).toMatch(/^ {2}problem .*\n {11}→ /m)
    // Only a problem with the store or the secret keeps events from being accepted.
    expect(env === null).toBe(problems.some((problem) => vital.includes(problem.name)))
    for (const value of values(variables)) expect(`${texts.join()}${doctor}`).not.toContain(value)
  })

  it('is among them for every variable that has a wrong value', () => {
    const named = new Set(oneVariable.map(([, , name]) => name))
    expect(envNames.filter((name) => !named.has(name))).toEqual([])
    expect(oneVariable.length).toBeGreaterThanOrEqual(80)
  })
})

/** A file in which one thing is wrong. */
type File = (env: Env, variable: ReadVariable) => unknown
const slack = { type: 'slack', url: slackUrl }
const rule = { name: 'all', to: ['slack'] }
const withRule =
  (over: object): File =>
  () => ({ targets: { slack }, rules: [{ ...rule, ...over }] })
const withTarget =
  (target: unknown): File =>
  () => ({ targets: { ops: target }, rules: [] })
const hook = { type: 'webhook', url: 'https://a.test/h', secrets: webhookSecret }
const dispatch = { type: 'github', repo: 'acme/prompts', token: 'ghp_1' }

const files: [what: string, file: File, name: string, why: RegExp, fix: RegExp][] = [
  [
    'labels',
    withRule({ labels: 'production' }),
    'rules[0].labels',
    /not a key of a rule/,
    /Did you mean label\?/,
  ],
  ['prompts', withRule({ prompts: 'a/*' }), 'rules[0].prompts', /not a key/, /Did you mean prompt\?/],
  ['events', withRule({ events: ['alert'] }), 'rules[0].events', /not a key/, /Known are/],
  ['projects', withRule({ projects: 'p' }), 'rules[0].projects', /not a key/, /mean project\?/],
  ['tag', withRule({ tag: 'x' }), 'rules[0].tag', /not a key/, /mean tags\?/],
  ['authors', withRule({ authors: 'x' }), 'rules[0].authors', /not a key/, /mean author\?/],
  ['enviroment', withRule({ enviroment: 'x' }), 'rules[0].enviroment', /not a key/, /mean environment\?/],
  ['costabove', withRule({ costabove: 1 }), 'rules[0].costabove', /not a key/, /mean costAbove\?/],
  ['belo', withRule({ score: { belo: 1 } }), 'rules[0].score.belo', /not a key of score/, /mean below\?/],
  [
    'alertTaget',
    () => ({ targets: { slack }, rules: [rule], alertTaget: 'slack' }),
    'alertTaget',
    /not a key of relay/,
    /mean alertTarget\?/,
  ],
  ['rule', () => ({ targets: { slack }, rules: [], rule: [rule] }), 'rule', /not a key/, /mean rules\?/],
  [
    'perSecnd',
    withTarget({ ...slack, perSecnd: 1 }),
    'targets.ops.perSecnd',
    /not a key of a target of the type slack/,
    /mean perSecond\?/,
  ],
  ['a rule without a name', withRule({ name: undefined }), 'rules[0].name', /has no value/, /Give it one/],
  ['a rule of an empty name', withRule({ name: '' }), 'rules[0].name', /is empty/, /relay.config.ts/],
  [
    'two rules of one name',
    () => ({ targets: { slack }, rules: [rule, rule] }),
    'rules[1].name',
    /another rule/,
    /its own name/,
  ],
  ['a rule without targets', withRule({ to: [] }), 'rules[0].to', /is empty/, /relay.config.ts/],
  [
    'a rule with one name in place of a list',
    withRule({ to: 'slack' }),
    'rules[0].to',
    /not a list/,
    /In the rule "all"/,
  ],
  [
    'a rule that is a text',
    () => ({ targets: {}, rules: ['all'] }),
    'rules[0]',
    /not a rule/,
    /relay.config.ts/,
  ],
  [
    'an unknown word',
    withRule({ on: ['promotd'] }),
    'rules[0].on[0]',
    /Did you mean promoted\?/,
    /relay.config.ts/,
  ],
  [
    'a word in place of a list',
    withRule({ on: 'promoted' }),
    'rules[0].on',
    /not a list of strings/,
    /relay.config.ts/,
  ],
  ['an empty list of kinds', withRule({ on: [] }), 'rules[0].on', /never match/, /relay.config.ts/],
  [
    'a label that is unset',
    (_, variable) => ({ targets: { slack }, rules: [{ ...rule, label: variable('MY_LABEL') }] }),
    'rules[0].label',
    /as MY_LABEL is not set/,
    /remove it/,
  ],
  ['a label that is empty', withRule({ label: '' }), 'rules[0].label', /is empty/, /relay.config.ts/],
  ['an empty list of labels', withRule({ label: [] }), 'rules[0].label', /never match/, /relay.config.ts/],
  [
    'a prompt that is a number',
    withRule({ prompt: 7 }),
    'rules[0].prompt',
    /neither a string/,
    /relay.config.ts/,
  ],
  [
    'a project of numbers',
    withRule({ project: [7] }),
    'rules[0].project',
    /list of strings/,
    /relay.config.ts/,
  ],
  ['tags that are an object', withRule({ tags: {} }), 'rules[0].tags', /neither a string/, /relay.config.ts/],
  [
    'an author that is null',
    withRule({ author: null }),
    'rules[0].author',
    /neither a string/,
    /relay.config.ts/,
  ],
  [
    'an environment that is true',
    withRule({ environment: true }),
    'rules[0].environment',
    /neither a string/,
    /relay.config.ts/,
  ],
  [
    'a level that is a number',
    withRule({ level: 1 }),
    'rules[0].level',
    /neither a string/,
    /relay.config.ts/,
  ],
  ['a model that is empty', withRule({ model: '' }), 'rules[0].model', /is empty/, /relay.config.ts/],
  ['an empty list of traces', withRule({ trace: [] }), 'rules[0].trace', /never match/, /relay.config.ts/],
  [
    'seconds as a string',
    withRule({ latencyAbove: '5' }),
    'rules[0].latencyAbove',
    /not a number/,
    /relay.config.ts/,
  ],
  ['a negative cost', withRule({ costAbove: -1 }), 'rules[0].costAbove', /below 0/, /relay.config.ts/],
  [
    'a bound that is not a number',
    withRule({ score: { below: Number.NaN } }),
    'rules[0].score.below',
    /not a number/,
    /relay.config.ts/,
  ],
  ['no targets', () => ({ rules: [] }), 'targets', /not an object/, /relay.config.ts/],
  ['no rules', () => ({ targets: {} }), 'rules', /not a list/, /relay.config.ts/],
  ['nothing', () => undefined, 'relay.config.ts', /does not return an object/, /relay.config.ts/],
  [
    'a promise',
    async () => ({ targets: {}, rules: [] }),
    'relay.config.ts',
    /must not be async/,
    /relay.config.ts/,
  ],
  [
    'an alertTarget that is a number',
    () => ({ targets: {}, rules: [], alertTarget: 1 }),
    'alertTarget',
    /neither the name/,
    /relay.config.ts/,
  ],
  [
    'a file that throws',
    () => JSON.parse('planted'),
    'relay.config.ts',
    /throws SyntaxError$/,
    /relay.config.ts/,
  ],
  [
    'a file with a bug',
    () => (undefined as unknown as { a: { b: 1 } }).a.b,
    'relay.config.ts',
    /throws TypeError \(/,
    /relay.config.ts/,
  ],
  [
    'an unknown kind',
    withTarget({ type: 'slak', url: slackUrl }),
    'targets.ops.type',
    /not a kind/,
    /mean slack\?/,
  ],
  ['a target that is a string', withTarget(slackUrl), 'targets.ops', /not an object/, /relay.config.ts/],
  [
    'a pace that is a string',
    withTarget({ ...slack, perSecond: '1' }),
    'targets.ops.perSecond',
    /not a number/,
    /Correct it there/,
  ],
  [
    'a pace from an unset variable',
    withTarget({ ...slack, perSecond: Number(undefined) }),
    'targets.ops.perSecond',
    /not a number/,
    /Correct it there/,
  ],
  [
    'no tries',
    withTarget({ ...slack, retryDelays: [] }),
    'targets.ops.retryDelays',
    /is empty/,
    /Correct it there/,
  ],
  [
    'tries in years',
    withTarget({ ...slack, retryDelays: [1e9] }),
    'targets.ops.retryDelays[0]',
    /30 days/,
    /Correct it there/,
  ],
  [
    'an incomplete app',
    withTarget({ type: 'github', repo: 'a/b', app: { id: '1', privateKey: undefined, installationId: '2' } }),
    'targets.ops.app.privateKey',
    /not set/,
    /Correct it there/,
  ],
  [
    'a token and an app',
    withTarget({ ...dispatch, app: githubApp }),
    'targets.ops.token',
    /only one can be used/,
    /Keep one/,
  ],
  [
    'an unknown key of an app',
    withTarget({ type: 'github', repo: 'a/b', app: { ...githubApp, key: 1 } }),
    'targets.ops.app',
    /key/i,
    /Correct it there/,
  ],
  [
    'a webhook with no secrets',
    withTarget({ ...hook, secrets: [] }),
    'targets.ops.secrets',
    /never sent unsigned/,
    /Correct it there/,
  ],
  [
    'one bad secret of two',
    withTarget({ ...hook, secrets: [webhookSecret, 'x'] }),
    'targets.ops.secrets[1]',
    /base64/,
    /Correct it there/,
  ],
  [
    'a flag that is a string',
    withTarget({ ...hook, allowPrivate: '1' }),
    'targets.ops.allowPrivate',
    /neither true/,
    /Correct it there/,
  ],
  [
    'a header that the relay sets',
    withTarget({ ...hook, headers: { 'webhook-id': 'x' } }),
    'targets.ops.headers.webhook-id',
    /by the relay itself/,
    /Correct it there/,
  ],
  [
    'a header with a line break',
    withTarget({ ...hook, headers: { 'x-a': 'a\nb' } }),
    'targets.ops.headers.x-a',
    /line break/,
    /Correct it there/,
  ],
  [
    'an invalid header name',
    withTarget({ ...hook, headers: { 'x a': 'a' } }),
    'targets.ops.headers.x a',
    /not a header name/,
    /Correct it there/,
  ],
]

describe('a wrong relay.config.ts', () => {
  it.each(files)('%s: is reported with its reason and its fix', (_, file, name, why, fix) => {
    const { env, problems, texts, doctor, routes } = everywhere(file, {})
    const found = problems.find((problem) => problem.name === name)
    expect(found?.what, texts.join('\n')).toMatch(why)
    expect(found?.fix).toMatch(fix)
    expect(doctor).toContain(found?.what)
    expect(`${texts.join()}${doctor}`).not.toContain('planted')
    // Events are still stored, and no wrong rule is applied.
    expect(env).not.toBeNull()
    expect(routes.rules.some((one) => one.name === '')).toBe(false)
  })

  it('is among them for every key of a rule and every setting of a target', () => {
    const text = files.map(([, , name]) => name).join(' ')
    for (const key of [
      'name',
      'on',
      'label',
      'prompt',
      'project',
      'tags',
      'author',
      'environment',
      'level',
      'score',
      'latencyAbove',
      'costAbove',
      'model',
      'trace',
      'to',
    ])
      expect(text).toContain(key)
  })

  it('never makes the reading throw, whatever the value is', () => {
    const odd: unknown[] = [null, 0, '', [], {}, () => 1, new Date(), Symbol('x'), 1n, new Map()]
    for (const value of odd) {
      for (const key of ['targets', 'rules', 'alertTarget'])
        expect(() => readConfiguration(() => ({ targets: {}, rules: [], [key]: value }), {})).not.toThrow()
      for (const kind of Object.values(targetKinds))
        for (const key of Object.keys(kind.settings.shape))
          expect(() => readConfiguration(withTarget({ ...hook, [key]: value }), {})).not.toThrow()
      for (const key of ['name', 'on', 'label', 'score', 'to', 'latencyAbove'])
        expect(() => readConfiguration(withRule({ [key]: value }), {})).not.toThrow()
    }
  })
})

describe('a target with variables of its own', () => {
  const bad = { SLACK_SUPPORT_URL: 'hooks.slack.com/services/T0/B0/planted' }
  const kinds: [string, (variable: ReadVariable) => object, Record<string, string>, string, RegExp][] = [
    ['Slack', (v) => ({ type: 'slack', url: v('SLACK_SUPPORT_URL') }), bad, 'SLACK_SUPPORT_URL', /add https/],
    [
      'GitHub',
      (v) => ({ type: 'github', repo: v('R'), token: v('T') }),
      { R: 'x', T: 'planted' },
      'R',
      /owner\/name/,
    ],
    [
      'GitHub without a token',
      (v) => ({ type: 'github', repo: v('R'), token: v('T') }),
      { R: 'a/b' },
      'T',
      /not set/,
    ],
    [
      'a GitHub App',
      (v) => ({ type: 'github', repo: 'a/b', app: { id: '1', privateKey: v('K'), installationId: '2' } }),
      { K: 'planted' },
      'K',
      /RSA/,
    ],
    [
      'PagerDuty',
      (v) => ({ type: 'pagerduty', routingKey: v('K') }),
      { K: 'planted' },
      'K',
      /integration key/,
    ],
    ['a webhook', (v) => ({ ...hook, secrets: v('S') }), { S: 'planted' }, 'S', /base64/],
    [
      'a webhook with several secrets',
      (v) => ({ ...hook, secrets: v('S')?.split(',') }),
      { S: `${webhookSecret},planted` },
      'targets.ops.secrets[1]',
      /base64/,
    ],
    [
      'a header',
      (v) => ({ ...hook, headers: { authorization: v('H') } }),
      { H: 'plänted\u0001' },
      'H',
      /invisible character/,
    ],
  ]

  it.each(kinds)('%s: is reported under the name of the variable', (_, target, variables, name, why) => {
    const file: BuildRoutes = (_env, variable) => ({ targets: { ops: target(variable) }, rules: [] })
    const { texts, problems } = everywhere(file, variables)
    expect(problems.find((problem) => problem.name === name)?.what, texts.join('\n')).toMatch(why)
    expect(texts.join()).not.toMatch(/planted|plänted/)
  })

  it('is reported by its place in the file where it comes from process.env', () => {
    const { problems } = everywhere(withTarget({ type: 'slack', url: bad.SLACK_SUPPORT_URL }), {})
    expect(problems.map(({ name }) => name)).toEqual(['targets.ops.url'])
  })

  it('is left out without a problem where all its variables are unset', () => {
    const file: BuildRoutes = (_env, variable) => ({
      targets: {
        ops: { type: 'webhook', url: variable('A'), secrets: variable('B'), headers: { x: variable('C') } },
      },
      rules: [{ name: 'all', to: ['ops'] }],
    })
    const { problems, routes, written } = everywhere(file, {})
    expect([problems, routes.targets]).toEqual([[], {}])
    expect(written).toEqual([
      { name: 'ops', type: 'webhook', missing: ['A', 'B'], settings: ['A', 'B', 'C'] },
    ])
  })
})

describe('only a warning is', () => {
  const warnings = (build: BuildRoutes, variables: Record<string, string>) => {
    const { problems, warnings: found } = readConfiguration(build, variables)
    expect(problems).toEqual([])
    return found.map(problemText)
  }

  it.each<[string, string]>([
    ['SLACK_WEBHOK_URL', 'SLACK_WEBHOOK_URL'],
    ['slack_webhook_url', 'SLACK_WEBHOOK_URL'],
    ['DASHBORD_PASSWORD', 'DASHBOARD_PASSWORD'],
    ['PUBLIC_URI', 'PUBLIC_URL'],
    ['LANGFUSE_HOST', 'LANGFUSE_BASE_URL'],
  ])('%s where %s is unset', (name, meant) => {
    expect(warnings(standard, { [name]: 'planted' })).toEqual([
      `${name} is not read, and ${meant} is not set. Did you mean ${meant}?`,
    ])
  })

  it('a name like one that relay.config.ts reads and that is unset', () => {
    const file: BuildRoutes = (_, variable) => ({
      targets: { ops: { type: 'slack', url: variable('SLACK_OPS_URL') } },
      rules: [],
    })
    expect(warnings(file, { SLACK_OPPS_URL: 'planted' })).toEqual([
      'SLACK_OPPS_URL is not read, and SLACK_OPS_URL is not set. Did you mean SLACK_OPS_URL?',
    ])
  })

  it('not a name like one that is set too, nor one that relay.config.ts reads', () => {
    expect(warnings(standard, { PUBLIC_URI: 'x', PUBLIC_URL: 'https://r.test' })).toEqual([])
    const file: BuildRoutes = (_, variable) => ({
      targets: { ops: { type: 'slack', url: variable('SLACK_WEBHOOK_URL2') } },
      rules: [],
    })
    expect(warnings(file, { SLACK_WEBHOOK_URL2: slackUrl })).toEqual([])
  })

  it('an unknown target, and an unknown word of Langfuse', () => {
    const file = withRule({ to: ['slak'], level: 'error', score: { source: 'annotation', dataType: 'BOOL' } })
    expect(warnings(file, {})).toEqual([
      'The rule "all" names slak in to, which is unknown. Did you mean slack?',
      'The rule "all" names error in level, which is unknown. Did you mean ERROR?',
      'The rule "all" names annotation in score.source, which is unknown. Did you mean ANNOTATION?',
      expect.stringMatching(/names BOOL in score.dataType, which is unknown\. Known are/),
    ])
  })
})

describe('a valid configuration', () => {
  it.each<[string, Partial<Record<EnvName | 'POSTGRES_URL' | 'VERCEL', string>>]>([
    ['nothing', {}],
    ['blanks', { SLACK_WEBHOOK_URL: ' ', DATABASE_URL: '', SETTLE_MS: '\r\n', DASHBOARD_PASSWORD: '' }],
    [
      'quotes from an env file',
      { LANGFUSE_WEBHOOK_SECRET: `"${secret}"`, SETTLE_MS: "'100'", SLACK_WEBHOOK_URL: `"${slackUrl}"` },
    ],
    ['empty quotes', { SLACK_WEBHOOK_URL: '""', GITHUB_REPO: "''" }],
    [
      'line breaks',
      {
        DASHBOARD_PASSWORD: 'planted planted\n',
        CRON_SECRET: 'planted-planted-planted\r',
        ...github,
        GITHUB_REPO: 'acme/prompts\r\n',
        PAGERDUTY_ROUTING_KEY: `${pagerdutyKey}\n`,
      },
    ],
    [
      'characters of templates in secrets that people chose',
      { DASHBOARD_PASSWORD: `A$b {{x}-\${1}% =ok`, METRICS_TOKEN: 'JBSWY3DPEHPK3PXPJBSWY3DP=' },
    ],
    ['a URL within a URL', { SLACK_WEBHOOK_URL: 'https://relay.test/https://b.test/a?u=https://c.test' }],
    ['a path with any letters', { DATABASE_URL: 'file:/data/a b/ü#1.db' }],
    ['a byte order mark', { LANGFUSE_WEBHOOK_SECRET: `\ufeff${secret}` }],
    ['several secrets', { LANGFUSE_WEBHOOK_SECRET: `"${secret}", '${secret}'` }],
    ['the secret of another sender', { LANGFUSE_WEBHOOK_SECRET: '0123456789abcdef' }],
    ['a socket', { DATABASE_URL: 'postgres:///relay?host=/var/run/postgresql' }],
    ['a socket with a user', { DATABASE_URL: 'postgres://u:p@/relay?host=/cloudsql/a:b:c' }],
    ['an encoded password', { DATABASE_URL: 'postgres://u:pa%23ss%2F%40%3F@h:5432/x?sslmode=require' }],
    ['a percent sign in a password', { DATABASE_URL: 'postgres://u:50%off@h/x' }],
    ['an @ in a password', { DATABASE_URL: 'postgresql://u:p@ss@h/x' }],
    ['a Postgres from Vercel', { VERCEL: '1', POSTGRES_URL: 'postgres://u:p@h/x' }],
    ['a base address with a path', { LANGFUSE_BASE_URL: 'https://example.com/langfuse/' }],
    ['the address of the API', { LANGFUSE_BASE_URL: 'https://cloud.langfuse.com/api/public' }],
    ['a base address without TLS', { LANGFUSE_BASE_URL: 'http://langfuse:3000' }],
    ['keys of another form', { LANGFUSE_PUBLIC_KEY: 'project-1', LANGFUSE_SECRET_KEY: 'something' }],
    [
      'a receiver that is compatible with Slack',
      { SLACK_WEBHOOK_URL: 'https://chat.example.com/hooks/abc123' },
    ],
    ['a loopback receiver', { SLACK_WEBHOOK_URL: 'http://127.0.0.1:9/services/T0/B0/nobody' }],
    ["Slack's cloud for governments", { SLACK_WEBHOOK_URL: 'https://hooks.slack-gov.com/services/T0/B0/x' }],
    ['a repository as a URL', { ...github, GITHUB_REPO: 'https://github.com/acme/prompts.git' }],
    ['a repository as an ssh address', { ...github, GITHUB_REPO: 'git@github.com:acme/prompts.git' }],
    ['a token with its scheme', { ...github, GITHUB_TOKEN: 'token ghp_abc' }],
    ['a GitHub App', app],
    [
      'a GitHub App in base64',
      { ...app, GITHUB_APP_PRIVATE_KEY: Buffer.from(githubApp.privateKey).toString('base64') },
    ],
    ['Discord', { DISCORD_WEBHOOK_URL: discordUrl }],
    [
      'Discord with an API version and a thread, from the test client',
      {
        DISCORD_WEBHOOK_URL: `${discordUrl.replace('//discord.com/api', '//canary.discordapp.com/api/v10')}?thread_id=1`,
      },
    ],
    ['Discord with a slash before the thread', { DISCORD_WEBHOOK_URL: `${discordUrl}/?thread_id=1` }],
    ['GitHub Enterprise', { ...github, GITHUB_API_URL: 'https://github.example.com/api/v3/' }],
    [
      'PagerDuty in the EU, with its path',
      {
        PAGERDUTY_ROUTING_KEY: pagerdutyKey,
        PAGERDUTY_EVENTS_URL: 'https://events.eu.pagerduty.com/v2/enqueue',
      },
    ],
    ['a webhook', webhook],
    [
      'a webhook secret with the version of its scheme',
      { ...webhook, WEBHOOK_SECRET: `v1,${webhookSecret}` },
    ],
    ['two secrets of a webhook', { ...webhook, WEBHOOK_SECRET: `${webhookSecret}, ${webhookSecret}` }],
    [
      'a webhook at a private address',
      { ...webhook, WEBHOOK_URL: 'http://10.0.0.1/x', WEBHOOK_ALLOW_PRIVATE: 'true' },
    ],
    ['a public address', { PUBLIC_URL: 'https://relay.example.com/' }],
    ['a token with its bearer scheme', { CRON_SECRET: 'bearer planted-planted-planted' }],
    ['a password with quotes inside', { DASHBOARD_PASSWORD: `it's "ours", …` }],
    ['a passphrase', { DASHBOARD_PASSWORD: 'correct horse battery staple' }],
    [
      'every kind of number',
      { POLL_SECONDS: '0', BURST_MINUTES: '0.5', RETRY_DELAYS: '0 1, 2.5', QUIET_HOURS: '0' },
    ],
    ['origins', { LANGFUSE_ORIGINS: 'https://Langfuse.example.com/ http://localhost:3000' }],
  ])('%s: has no problem and no warning', (_, variables) => {
    const { problems, warnings } = readConfiguration(standard, variables)
    expect([...problems, ...warnings].map(problemText)).toEqual([])
  })

  it('is read as intended', () => {
    const { env, routes } = readConfiguration(standard, {
      LANGFUSE_WEBHOOK_SECRET: `"${secret}"\r`,
      LANGFUSE_BASE_URL: 'https://l.test/base/api/public/v2/prompts',
      GITHUB_REPO: 'https://github.com/acme/prompts/',
      GITHUB_TOKEN: 'Bearer ghp_abc\n',
      DASHBOARD_PASSWORD: ' a password with blanks \r\n',
      CRON_SECRET: 'Bearer 0123456789abcdef',
      PAGERDUTY_ROUTING_KEY: pagerdutyKey,
      PAGERDUTY_EVENTS_URL: 'https://events.pagerduty.com/v2/change/enqueue',
    })
    expect(env).toMatchObject({
      LANGFUSE_WEBHOOK_SECRET: [secret],
      LANGFUSE_BASE_URL: 'https://l.test/base',
      DASHBOARD_PASSWORD: ' a password with blanks ',
      CRON_SECRET: '0123456789abcdef',
    })
    expect(routes.targets).toMatchObject({
      github: { repo: 'acme/prompts', token: 'ghp_abc' },
      pagerduty: { eventsUrl: 'https://events.pagerduty.com' },
    })
  })
})
