import { describe, expect, it } from 'vitest'
import type { PollState } from '#lib/core/polling/state.ts'
import type { Proof } from '#lib/core/reconcile/proof.ts'
import { readConfiguration } from '#lib/core/rules/configuration.ts'
import type { TargetSeen } from '#lib/core/setup/checks.ts'
import { type SetupSeen, setupChecks, type WaitingSeen } from '#lib/core/setup/checks.ts'
import type { Check } from '#lib/core/setup/finding.ts'
import type { ProjectSeen } from '#lib/core/setup/project-checks.ts'
import type { Reach, Reached } from '#lib/core/setup/reach.ts'
import standard from '#relay.config.ts'
import { langfuseProject } from '../../../projects.ts'

const now = Date.UTC(2026, 7, 21, 9)
const minute = 60_000

const slack: TargetSeen = {
  name: 'slack',
  type: 'slack',
  missing: [],
  settings: ['SLACK_WEBHOOK_URL', 'targets.slack.perSecond'],
  failures: 0,
  heldUntil: null,
  lastDeliveredAt: now - minute,
  failed: 0,
  reason: null,
  isNamed: true,
}

const read = { mark: now, slice: null, oldSince: null, skipped: null, doneAt: now - 30_000, error: null }
const polled: PollState = {
  projectId: 'p1',
  skewMs: 0,
  minute: { from: now, requests: 2 },
  error: null,
  observations: read,
  scores: read,
}

const idle: WaitingSeen = {
  since: null,
  deliverySince: null,
  overdueChanges: 0,
  overdueSince: null,
  overdueReason: null,
}
const due = (at: number) => ({ waiting: { ...idle, since: at, deliverySince: at } })

const compared: Proof = {
  ...{ project: 'support', projectId: 'p1', state: 'checked', tone: 'good', words: '0 missing in 30 days' },
  ...{ checkedAt: now - minute, fix: null, today: 0, recent: 0, isUnderWay: false },
}

const { called } = readConfiguration(standard, {}).projects[0] ?? langfuseProject()

/** The project of the plain variables. */
const project: ProjectSeen = {
  ...{ name: 'default', signsForAny: true, called, id: 'p1', hasKeys: true },
  secrets: [{ hint: 'c0de', lastAt: now - minute }],
  polling: { everyMs: minute, state: polled },
}
const only = (over: Partial<ProjectSeen>) => ({ projects: [{ ...project, ...over }] })

/** A relay with everything in order. */
const whole: SetupSeen = {
  now,
  configuration: { problems: [], warnings: [] },
  address: { url: 'https://relay.example.com', isSet: true },
  projects: [project],
  lastEventAt: now - minute,
  lastRejection: null,
  targets: [slack, { ...slack, name: 'github', type: 'github' }],
  alertTargets: ['slack', 'github'],
  quiet: 'recent',
  waiting: idle,
  isDry: false,
  troubles: [],
  watchedAt: now - minute,
  writeProblem: null,
  hasPassword: true,
  hasCronSecret: true,
  callbacks: { origins: ['https://cloud.langfuse.com'], hasToken: true, isOpen: false, lastAt: null },
  proofs: [compared],
  isServerless: false,
  store: 'sqlite',
  reached: null,
}

const there: Reach = { words: 'It was reached.', fix: null, aheadMs: 400 }
const gone: Reach = { words: 'It is gone.', fix: 'Make a new one.', aheadMs: null }
/** What reaching Langfuse and slack showed. */
const around = (langfuse: Partial<Reach> = {}, ofSlack: Reach = there): { reached: Reached } => ({
  reached: { langfuse: { default: { ...there, ...langfuse } }, targets: { slack: ofSlack } },
})

const all = (seen: SetupSeen): Check[] => Object.values(setupChecks(seen)).flat()

const find = (seen: Partial<SetupSeen>, id: string) => {
  const { state, words, fix, at } = all({ ...whole, ...seen }).find((check) => check.id === id) ?? {}
  return { state, words, fix, at }
}
const target = (seen: Partial<TargetSeen>) => ({ targets: [{ ...slack, ...seen }] })

describe('the check of callbacks', () => {
  const callbacks = (over: object, hasKeys: boolean) =>
    find({ callbacks: { ...whole.callbacks, hasToken: false, ...over }, ...only({ hasKeys }) }, 'callbacks')

  it.each<[string, object, boolean, string | undefined, RegExp]>([
    ['nothing', {}, false, 'not-yet', /^Closed: .* 503/],
    ['a token', { hasToken: true }, false, 'ok', /^Accepted with the token\. None has arrived yet/],
    [
      'keys',
      {},
      true,
      'ok',
      /browser pages at https:\/\/cloud\.langfuse\.com.*Web Callouts\) is answered 503/,
    ],
    ['both', { hasToken: true }, true, 'ok', /with the token, reported once .*; from browser pages/],
    ['an open endpoint', { isOpen: true }, false, 'problem', /anyone who knows the address/],
    ['an open endpoint and keys', { isOpen: true }, true, 'ok', /from anyone, reported once/],
  ])('says what is accepted with %s', (_, over, hasKeys, state, words) => {
    const found = callbacks(over, hasKeys)
    expect(found.state).toBe(state)
    expect(found.words).toMatch(words)
  })
})

describe('the checks of comparisons', () => {
  it.each<[Partial<Proof>, object]>([
    [{}, { state: 'ok', words: '0 missing in 30 days. Last compared', fix: null, at: now - minute }],
    [
      { state: 'found', tone: 'warn', words: '3 found today (02:14–02:31 UTC)' },
      {
        state: 'warning',
        words: '3 found today (02:14–02:31 UTC). Last compared',
        fix: 'All of it was reported. Find out why no webhook came (docs/reconciliation.md).',
        at: now - minute,
      },
    ],
    [
      { state: 'deletions', tone: 'bad', words: '20 versions are gone', fix: 'Confirm it.' },
      { state: 'problem', words: '20 versions are gone.', fix: 'Confirm it.', at: null },
    ],
    [
      { state: 'off', tone: 'quiet', words: 'Not compared', fix: 'Set it.' },
      { state: 'not-yet', words: 'Not compared.', fix: 'Set it.', at: null },
    ],
  ])('say what %j shows', (over, expected) => {
    expect(find({ proofs: [{ ...compared, ...over }] }, 'compared:support')).toEqual(expected)
  })

  it('name the project where there are several', () => {
    const titles = (...projects: string[]) =>
      all({ ...whole, proofs: projects.map((project) => ({ ...compared, project })) }).flatMap(
        ({ id, title }) => (id.startsWith('compared:') ? [title] : []),
      )
    expect(titles('default')).toEqual(['Comparison with Langfuse'])
    expect(titles('a', 'b')).toEqual(['Comparison with Langfuse: a', 'Comparison with Langfuse: b'])
  })
})

describe('the setup checks, with a problem of the configuration', () => {
  const wrong = (...names: string[]): Partial<SetupSeen> => ({
    configuration: {
      problems: names.map((name) => ({ name, what: 'is wrong', fix: 'Example: right' })),
      warnings: [],
    },
  })
  const unset: Partial<SetupSeen> = {
    hasPassword: false,
    hasCronSecret: false,
    ...only({ hasKeys: false }),
    isServerless: true,
    address: { url: '', isSet: false },
    callbacks: { ...whole.callbacks, hasToken: false },
    targets: [{ ...slack, missing: ['SLACK_WEBHOOK_URL'] }],
  }

  it.each([
    ['address', 'PUBLIC_URL'],
    ['langfuse-keys', 'LANGFUSE_PUBLIC_KEY'],
    ['langfuse-keys', 'LANGFUSE_SECRET_KEY'],
    ['polling', 'LANGFUSE_SECRET_KEY'],
    ['polling', 'POLL_SECONDS'],
    ['callbacks', 'CALLBACK_TOKEN'],
    ['callbacks', 'CALLBACK_OPEN'],
    ['callbacks', 'LANGFUSE_ORIGINS'],
    ['slack', 'SLACK_WEBHOOK_URL'],
    ['slack', 'targets.slack.perSecnd'],
    ['password', 'DASHBOARD_PASSWORD'],
    ['scheduler', 'CRON_SECRET'],
  ])('do not say of %s that %s, which is wrong, is not set', (id, name) => {
    const found = find({ ...unset, ...wrong(name) }, id)
    expect(found).toMatchObject({
      state: 'not-yet',
      words: expect.stringContaining(`a problem with ${name}:`),
    })
    expect(find({ ...unset, ...wrong('SETTLE_MS', 'targets.slack2.url') }, id).words).not.toContain(
      'a problem',
    )
  })

  it('name each of several wrong settings, also those that one problem names together', () => {
    expect(find(wrong('LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'), 'polling').words).toMatch(
      /LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY/,
    )
    const github = { ...slack, name: 'github', settings: ['GITHUB_REPO', 'GITHUB_TOKEN'] }
    expect(find({ ...wrong('GITHUB_REPO, GITHUB_TOKEN'), targets: [github] }, 'github').words).toMatch(
      /GITHUB_REPO and GITHUB_TOKEN/,
    )
  })

  it.each<[string, string, Partial<SetupSeen>, RegExp]>([
    ['mode', 'nothing is sent', {}, /^Held: .* nothing is settled or sent/],
    ['watch', 'it does not run', { watchedAt: 0 }, /does not run while/],
    ['queue', 'new events wait', {}, /^New events wait until/],
    ['queue', 'deliveries wait', due(0), /^Deliveries wait until .* was due$/],
    [
      'queue',
      'changes wait',
      { waiting: { ...idle, overdueChanges: 2, overdueSince: 7 } },
      /^2 changes wait until/,
    ],
  ])('say of %s that %s', (id, _, seen, words) => {
    const found = find({ ...seen, ...wrong('SETTLE_MS') }, id)
    expect(found).toMatchObject({ state: 'not-yet', words: expect.stringMatching(words) })
    expect(found.fix).toContain('Fix what Configuration names')
  })
})

describe('a problem of the configuration', () => {
  it.each([
    ['SLACK_WEBHOOK_URL', 'Variable'],
    ['GITHUB_REPO, GITHUB_TOKEN', 'Variable'],
    ['https_proxy', 'Variable'],
    ['alertTaget', 'relay.config.ts'],
    ['rules[0].labels', 'relay.config.ts'],
  ])('with %s is one of %s', (name, title) => {
    const configuration = { problems: [{ name, what: 'is wrong', fix: 'x' }], warnings: [] }
    expect(setupChecks({ ...whole, configuration }).configuration[0]?.title).toBe(title)
  })
})

describe('the setup checks', () => {
  it('are all fine and suggest nothing where nothing is missing', () => {
    expect(all(whole).filter(({ state, fix }) => state !== 'ok' || fix !== null)).toEqual([])
  })

  it.each<[string, string, Partial<SetupSeen>, RegExp]>([
    ['problem', 'address', { address: { url: 'http://localhost:3000', isSet: true } }, /private/],
    ['problem', 'address', { address: { url: 'https://a.example.com:444', isSet: false } }, /not to 444/],
    [
      'not-yet',
      'address',
      { address: { url: 'https://a.example.com', isSet: false } },
      /address of this page/,
    ],
    ['not-yet', 'address', { address: { url: '', isSet: false } }, /^Not known/],
    ['ok', 'address', {}, /Public/],

    ['not-yet', 'secrets', only({ secrets: [] }), /503/],
    ['ok', 'secrets', only({ secrets: [{ hint: 'c0de', lastAt: null }] }), /^One secret is set\.$/],
    [
      'ok',
      'secrets',
      only({
        secrets: [
          { hint: 'c0de', lastAt: now },
          { hint: 'beef', lastAt: null },
        ],
      }),
      /2 secrets are set.*…beef.*rotation/,
    ],

    ['not-yet', 'events', { lastEventAt: null }, /None has arrived yet/],
    ['ok', 'events', {}, /last one arrived/],
    [
      'problem',
      'events',
      {
        lastEventAt: null,
        lastRejection: { at: now, message: 'No secret fits', reason: 'signature-mismatch' },
      },
      /refused: No secret fits\.$/,
    ],
    [
      'problem',
      'events',
      { lastRejection: { at: now, message: 'No secret fits', reason: 'signature-mismatch' } },
      /refused/,
    ],
    [
      'ok',
      'events',
      { lastRejection: { at: now - 2 * minute, message: 'x', reason: 'signature-mismatch' } },
      /last one arrived/,
    ],

    ['not-yet', 'langfuse-keys', only({ hasKeys: false }), /Not set/],

    ['not-yet', 'slack', target({ missing: ['GITHUB_REPO', 'GITHUB_TOKEN'], failed: 3 }), /^Not configured/],
    ['problem', 'slack', target({ heldUntil: now + 1, failures: 5 }), /failed 5 times in a row/],
    ['ok', 'slack', target({ heldUntil: now, failures: 5 }), /Last delivered/],
    ['problem', 'slack', target({ failed: 1 }), /^One delivery was given up/],
    ['problem', 'slack', target({ failed: 1200 }), /^1,200 deliveries were given up/],
    ['not-yet', 'slack', target({ isNamed: false }), /No rule/],
    ['not-yet', 'slack', target({ lastDeliveredAt: null }), /^Nothing has been delivered/],

    ['not-yet', 'alerts', { alertTargets: [] }, /^No target is notified/],
    ['not-yet', 'alerts', target({}), /^slack is notified.*no other/],
    ['not-yet', 'alerts', { alertTargets: ['slack'] }, /^slack is notified.*no other/],
    ['ok', 'alerts', {}, /^slack and github are notified of troubles, each of all but its own/],
    ['problem', 'alerts', { alertTargets: ['pager'] }, /alertTarget names pager, not configured/],
    [
      'problem',
      'alerts',
      { alertTargets: ['slack'], targets: [{ ...slack, missing: ['SLACK_WEBHOOK_URL'] }] },
      /not configured/,
    ],

    ['ok', 'queue', due(now - 10 * minute + 1), /was due$/],
    ['problem', 'queue', due(now - 10 * minute), /was due$/],

    ['not-yet', 'mode', { isDry: true }, /^Dry run: nothing is sent/],
    [
      'problem',
      'watch',
      { troubles: [{ what: 'target', target: 'slack', since: 7 }] },
      /^slack keeps failing\. It began$/,
    ],
    ['problem', 'watch', target({ heldUntil: now + 1 }), /something is wrong with slack: see Targets/],
    ['problem', 'watch', target({ failed: 1 }), /something is wrong with slack: see Targets/],
    ['problem', 'watch', around({}, gone), /something is wrong with slack: see Targets/],
    ['not-yet', 'watch', { watchedAt: 0 }, /not run yet/],
    ['warning', 'watch', { watchedAt: now - 10 * minute - 1 }, /last ran$/],
    ['warning', 'watch', { watchedAt: now + 10 * minute + 1 }, /last ran$/],
    ['ok', 'watch', {}, /no trouble.* last ran$/],

    ['warning', 'events', { quiet: 'no-keys' }, /cause unknown\. The last one arrived$/],
    ['warning', 'events', { quiet: 'no-answer' }, /Langfuse does not answer\. The last one arrived$/],
    ['warning', 'events', { quiet: 'clock' }, /clock was set back/],
    ['problem', 'events', { quiet: 'changed' }, /Prompts changed in Langfuse, but no event arrived/],
    ['not-yet', 'events', { quiet: 'unwatched' }, /QUIET_HOURS is 0/],
    ['ok', 'events', { quiet: 'unchanged' }, /no newer change of a prompt/],

    ['problem', 'slack', target({ failed: 2, reason: '404 no_service' }), /given up\. 404 no_service\.$/],
    [
      'problem',
      'slack',
      target({ heldUntil: now + 1, failures: 5, reason: 'Slack answered 500.' }),
      /5 times in a row\. Slack answered 500\. The next try is$/,
    ],
    [
      'problem',
      'queue',
      { waiting: { ...idle, overdueChanges: 82, overdueSince: 7, overdueReason: 'no such column' } },
      /^82 changes should have settled.* no such column\. The oldest was due$/,
    ],
    ['problem', 'store', { writeProblem: { kind: 'disk-full', since: 7 } }, /its disk is full/],

    ['problem', 'password', { hasPassword: false }, /anyone who reaches them/],

    ['ok', 'scheduler', { hasCronSecret: false }, /Not needed/],
    ['ok', 'scheduler', { isServerless: true }, /CRON_SECRET is set/],
    ['problem', 'scheduler', { isServerless: true, hasCronSecret: false }, /no scheduler/],

    ['ok', 'store', { store: 'postgres', isServerless: true }, /Postgres/],

    ['ok', 'slack', around(), /^It was reached\. Last delivered$/],
    ['problem', 'slack', around({}, gone), /^It is gone\.$/],
    [
      'not-yet',
      'slack',
      { ...around({}, gone), ...target({ missing: ['SLACK_WEBHOOK_URL'] }) },
      /^Not configured/,
    ],
    ['problem', 'slack', { ...around(), ...target({ failed: 1 }) }, /^It was reached\. One delivery/],
    ['problem', 'langfuse-keys', around(gone), /gone/],
    ['not-yet', 'langfuse-keys', { ...around(gone), ...only({ hasKeys: false }) }, /^Not set/],

    ['ok', 'clock', around({ aheadMs: 60_000 }, gone), /other servers/],
    ['problem', 'clock', around({ aheadMs: 61_000 }, gone), /^61 seconds ahead.*too old/],
    ['problem', 'clock', around({ aheadMs: -61_000 }, gone), /^61 seconds behind.*too new/],
    ['ok', 'clock', around({ aheadMs: 3_600_000 }), /other servers/],
    ['not-yet', 'clock', around({ aheadMs: null }, gone), /No other server/],
  ])('say %s of %s for %o', (state, id, seen, words) => {
    const found = find(seen, id)
    expect(found).toMatchObject({ state, words: expect.stringMatching(words) })
    expect(found.fix === null).toBe(state === 'ok')
  })

  it('name what is missing, and give the time of the last event', () => {
    expect(find(target({ missing: ['GITHUB_REPO', 'GITHUB_TOKEN'] }), 'slack').fix).toBe(
      'Set GITHUB_REPO and GITHUB_TOKEN to use it.',
    )
    expect(find({}, 'events').at).toBe(now - minute)
    expect(find({}, 'slack').at).toBe(now - minute)
    expect(find(target({ heldUntil: now + 5 }), 'slack').at).toBe(now + 5)
    expect(find(due(7), 'queue').at).toBe(7)
  })

  it('suggest setting a secret where there is none, otherwise comparing it', () => {
    const refused = {
      lastEventAt: null,
      lastRejection: { at: now, message: 'x', reason: 'signature-mismatch' },
    }
    expect(find({ ...refused, ...only({ secrets: [] }) }, 'events').fix).toMatch(
      /^Set LANGFUSE_WEBHOOK_SECRET/,
    )
    expect(find(refused, 'events').fix).toMatch(/^Compare the secret/)
  })

  it('suggest a scheduler where no process lives on, otherwise checking the target', () => {
    const late = due(0)
    expect(find({ ...late, isServerless: true }, 'queue').fix).toContain('/api/cron')
    expect(find(late, 'queue').fix).toContain('target')
  })
})

describe('the checks of several projects', () => {
  const named = (name: string, over: Partial<ProjectSeen> = {}): ProjectSeen => ({
    ...project,
    ...{ name, signsForAny: false, called: langfuseProject({ name }).called },
    ...over,
  })
  const projects = [named('support'), named('sales', { hasKeys: false, id: null, secrets: [] })]

  it('are one of each kind for each project, by its name', () => {
    const titles = setupChecks({ ...whole, projects }).incoming.map(({ title }) => title)
    expect(titles).toEqual(
      expect.arrayContaining([
        ...['Webhook secret: support', "Langfuse's API keys: support", 'Traces and scores: support'],
        ...['Webhook secret: sales', "Langfuse's API keys: sales", 'Traces and scores: sales'],
      ]),
    )
  })

  it.each([
    ['secrets:sales', /its webhooks are refused/, /^Set projects\.sales\.webhookSecrets to the secret/],
    ['langfuse-keys:sales', /^Not set/, /^Set projects\.sales\.publicKey and projects\.sales\.secretKey/],
    ['polling:sales', /^Off/, /^Set projects\.sales\.publicKey and projects\.sales\.secretKey/],
  ])('say what %s lacks, in its own words', (id, words, fix) => {
    expect(find({ projects }, id)).toMatchObject({
      state: 'not-yet',
      words: expect.stringMatching(words),
      fix: expect.stringMatching(fix),
    })
    expect(find({ projects }, id.replace('sales', 'support')).state).toBe('ok')
  })

  it('say that secrets of a project without id and keys are accepted for other ids', () => {
    const unknown = [named('support', { hasKeys: false, id: null })]
    expect(find({ projects: unknown }, 'secrets:support')).toMatchObject({
      state: 'not-yet',
      words: expect.stringMatching(/also accepted for ids that no other project has/),
      fix: 'Set projects.support.id, or its API keys.',
    })
  })

  it('say of which project Langfuse does not take the keys, and what is wrong with whose settings', () => {
    const reached: Reached = { langfuse: { support: gone, sales: there }, targets: {} }
    expect(find({ projects, reached }, 'langfuse-keys:support').state).toBe('problem')
    expect(find({ projects, reached }, 'langfuse-keys:sales').state).toBe('not-yet')
    const problems = [{ name: 'projects.sales.publicKey', what: 'is wrong', fix: 'x' }]
    const wrong = { projects, configuration: { problems, warnings: [] } }
    expect(find(wrong, 'langfuse-keys:sales').words).toContain('a problem with projects.sales.publicKey')
    expect(find(wrong, 'langfuse-keys:support').state).toBe('ok')
  })

  it('say what to do about the right secret of a wrong project', () => {
    const lastRejection = { at: now, message: 'x', reason: 'wrong-project' }
    expect(find({ projects, lastRejection }, 'events').fix).toMatch(/^If the secret is of the other project/)
  })
})
