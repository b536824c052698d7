import { addressProblem } from '../../base/public-address.ts'
import { storeErrorWords, type WriteProblem } from '../../base/store-error.ts'
import type { Proof } from '../reconcile/proof.ts'
import type { Quiet } from '../trouble/quiet.ts'
import { troubleFix, troubleWords } from '../trouble/trouble.ts'
import type { WatchState } from '../trouble/watch.ts'
import { type ConfigurationSeen, configurationChecks, heldFix, unlessWrong } from './configuration-checks.ts'
import { type Check, type Finding, notYet, ok, problem, quantity, warning } from './finding.ts'
import { type ProjectSeen, projectChecks, setSecret } from './project-checks.ts'
import { checkProof } from './proof-check.ts'
import { clockAhead, type Reached, withReach } from './reach.ts'

export interface CallbackSeen {
  /** From where a browser may call. */
  origins: string[]
  hasToken: boolean
  /** `CALLBACK_OPEN`. */
  isOpen: boolean
  /** When the newest arrived, epoch milliseconds. */
  lastAt: number | null
}

export interface TargetSeen {
  name: string
  type: string
  /** Variables (or settings in `relay.config.ts`) without which it is left out. */
  missing: string[]
  /** Variables (or settings) that it is made of. */
  settings: string[]
  /** Temporary failures in a row. */
  failures: number
  /** The end of its open circuit; null: closed. */
  heldUntil: number | null
  lastDeliveredAt: number | null
  /** Open failures: deliveries that were given up, and neither replayed nor dismissed. */
  failed: number
  /** Why the newest of those, or of the ones being retried, did not arrive; null: none, or none was kept. */
  reason: string | null
  /** Whether a rule names it. */
  isNamed: boolean
}

/** What is due and not done; times in epoch milliseconds. */
export interface WaitingSeen {
  /** The older of the two below; null: nothing waits. */
  since: number | null
  /** Since when the oldest delivery is due. */
  deliverySince: number | null
  /** Changes that should have settled, since when the oldest of them, and the newest error of one. */
  overdueChanges: number
  overdueSince: number | null
  overdueReason: string | null
}

/** What the relay knows of itself; times in epoch milliseconds. */
export interface SetupSeen {
  now: number
  configuration: ConfigurationSeen
  /** Without a trailing slash; empty: not known. `isSet`: from `PUBLIC_URL`, not from the address of a request. */
  address: { url: string; isSet: boolean }
  /** At least one. */
  projects: readonly ProjectSeen[]
  lastEventAt: number | null
  /** What is known of the time since then. */
  quiet: Quiet
  /** The newest request with a signature that was refused. */
  lastRejection: { at: number; message: string; reason: string } | null
  targets: TargetSeen[]
  /** The names of targets, as in `Routes`. */
  alertTargets: readonly string[]
  waiting: WaitingSeen
  /** Nothing is sent. */
  isDry: boolean
  troubles: WatchState['troubles']
  /** When the watch last ran; 0: never. */
  watchedAt: number
  /** Null: the store takes writes. */
  writeProblem: WriteProblem | null
  hasPassword: boolean
  hasCronSecret: boolean
  callbacks: CallbackSeen
  /** One for each project. */
  proofs: readonly Proof[]
  /** No process lives on between requests. */
  isServerless: boolean
  store: 'sqlite' | 'postgres'
  /** Null: it was not tried. */
  reached: Reached | null
}

const listed = (names: readonly string[]): string => new Intl.ListFormat('en').format(names)

const asSentence = (text: string): string => text.replace(/\.?$/, '.')

/** With a problem of the configuration nothing settles, and nothing is sent. */
const isHeld = ({ configuration }: SetupSeen): boolean => configuration.problems.length > 0

function checkAddress({ address: { url, isSet } }: SetupSeen): Finding {
  const fix = 'Set PUBLIC_URL to the https address at which the internet reaches this relay, on port 443.'
  if (url === '') return notYet('Not known, so messages cannot link to this relay.', fix)
  const why = addressProblem(url)
  if (why !== null) return problem(why, fix)
  if (isSet) return ok('Public, https, and on a port that Langfuse sends to.')
  return notYet(
    'Taken from the address of this page, so messages cannot link to it.',
    `Set PUBLIC_URL to ${url}.`,
  )
}

/** What to do before the first event was accepted. */
function firstSecret(projects: readonly ProjectSeen[]): string {
  const [first] = projects
  if (first && projects.every(({ secrets }) => secrets.length === 0)) return setSecret(first)
  const where = [...new Set(projects.map(({ called }) => called.webhookSecrets))].join(', ')
  return `Compare the secret in ${where} with that of the webhook in Langfuse.`
}

function checkEvents({ lastEventAt, lastRejection, quiet, projects }: SetupSeen): Finding {
  if (lastRejection && lastRejection.at > (lastEventAt ?? 0)) {
    const fix =
      lastRejection.reason === 'wrong-project'
        ? 'If the secret is of the other project, move it there. Otherwise correct the id or the API keys of the project.'
        : lastEventAt === null
          ? firstSecret(projects)
          : 'Look at the rejected requests. If the secret was regenerated in Langfuse, set the new one here too.'
    const words = `The newest signed request was refused: ${asSentence(lastRejection.message)}`
    return problem(words, fix, lastRejection.at)
  }
  if (lastEventAt === null)
    return notYet('None has arrived yet.', 'Change a prompt in Langfuse, or send a test.')
  return checkQuiet(quiet, projects, lastEventAt)
}

/** Signed events where none was refused since. `at`: when the last one arrived. */
function checkQuiet(quiet: Quiet, projects: readonly ProjectSeen[], at: number): Finding {
  const last = 'The last one arrived'
  const look = 'Check Automations in Langfuse: an automation that failed five times in a row is switched off.'
  switch (quiet) {
    case 'never':
    case 'recent':
      return ok(last, at)
    case 'unchanged':
      return ok(`Langfuse reports no newer change of a prompt. ${last}`, at)
    case 'unwatched':
      return notYet(`QUIET_HOURS is 0, so silence is not checked. ${last}`, 'Set QUIET_HOURS to 24.', at)
    case 'changed':
      return problem(`Prompts changed in Langfuse, but no event arrived. ${last}`, look, at)
    case 'no-keys': {
      const keys =
        projects.length > 3
          ? 'the API keys of the projects'
          : projects.map(({ called }) => `${called.publicKey} and ${called.secretKey}`).join(', or ')
      const fix = `Set ${keys}, so that the relay can check whether prompts changed.`
      return warning(`None for longer than QUIET_HOURS, cause unknown. ${last}`, `${fix} ${look}`, at)
    }
    case 'no-answer': {
      const words = 'None for longer than QUIET_HOURS, cause unknown: Langfuse does not answer.'
      const urls = [...new Set(projects.map(({ called }) => called.baseUrl))].join(', ')
      const checkKeys = `Check Langfuse's API keys first, then ${urls}.`
      return warning(`${words} ${last}`, `${checkKeys} ${look}`, at)
    }
    case 'clock':
      return warning(
        `The clock was set back, so it is not known how long no event has arrived. ${last}`,
        setClock,
        at,
      )
  }
}

const setToken = 'Set CALLBACK_TOKEN, and have Langfuse send it (docs/callbacks.md)'

/** Which callbacks are accepted, and how far they can be believed. */
function checkCallbacks({ origins, hasToken, isOpen, lastAt }: CallbackSeen, hasKeys: boolean): Finding {
  const pages = `pages at ${origins.join(', ')}`
  if (isOpen && !hasKeys)
    return problem(
      'Open to anyone who knows the address, and not confirmed: your targets are notified of each callback, and shown nothing of it but ids that a machine made.',
      `${setToken}, and remove CALLBACK_OPEN; or set Langfuse's API keys.`,
    )
  if (!hasToken && !isOpen && !hasKeys)
    return notYet(
      'Closed: each callback is answered 503.',
      `${setToken}; or set Langfuse's API keys, for callbacks from ${pages}; or set CALLBACK_OPEN=1, for callbacks from anyone.`,
    )
  const confirmed = "reported once Langfuse's API confirms the ids"
  const ways = [
    ...(hasToken ? [`with the token${hasKeys ? `, ${confirmed}` : ''}`] : []),
    ...(isOpen ? [`from anyone, ${confirmed}`] : []),
    ...(hasKeys && !isOpen ? [`from browser ${pages}, ${confirmed}`] : []),
  ]
  const others =
    hasToken || isOpen ? '' : ` Langfuse's own server (Web Callouts) is answered 503: ${setToken}.`
  const words = `Accepted ${ways.join('; ')}.${others}`
  return lastAt === null ? ok(`${words} None has arrived yet.`) : ok(`${words} The last one arrived`, lastAt)
}

function checkTarget(seen: SetupSeen, target: TargetSeen): Finding {
  const { name, settings, missing } = target
  return unlessWrong(seen.configuration.problems, [...settings, `targets.${name}`], () =>
    missing.length > 0
      ? notYet('Not configured.', `Set ${missing.join(' and ')} to use it.`)
      : withReach(seen.reached?.targets[name], checkDeliveries(seen, target)),
  )
}

function checkDeliveries({ now }: SetupSeen, target: TargetSeen): Finding {
  const { name, failures, heldUntil, lastDeliveredAt, failed, reason, isNamed } = target
  const why = reason === null ? '' : ` ${asSentence(reason)}`
  if (heldUntil !== null && heldUntil > now) {
    const words = `It failed ${failures} times in a row.${why} The next try is`
    return problem(words, 'Find out why its deliveries fail. They are queued; nothing is lost.', heldUntil)
  }
  if (failed > 0) {
    const words = `${quantity(failed, 'delivery was', 'deliveries were')} given up.${why}`
    return problem(words, 'Fix the cause, then replay or dismiss them on the Changes page.')
  }
  if (!isNamed) return notYet('No rule sends anything here.', `Name ${name} in a rule of relay.config.ts.`)
  if (lastDeliveredAt === null) return notYet('Nothing has been delivered yet.', 'Send a test message.')
  return ok('Last delivered', lastDeliveredAt)
}

function checkMode(seen: SetupSeen): Finding {
  if (isHeld(seen)) return notYet('Held: events are stored, but nothing is settled or sent.', heldFix)
  if (!seen.isDry) return ok('Live: messages are sent as the rules say.')
  return notYet(
    'Dry run: nothing is sent, and each delivery shows what would have been.',
    'Set RELAY_MODE=live.',
  )
}

/** The watch runs once a minute; an older run says nothing about now. */
const watchLateMs = 10 * 60_000

/** Green only where the watch ran lately and found nothing, and no target has a trouble too young to be reported. */
function checkWatch(seen: SetupSeen, targets: readonly Check[]): Finding {
  const { now, troubles, watchedAt, isServerless } = seen
  if (troubles.length > 0) {
    const words = `${troubles.map(troubleWords).join('. ')}. ${troubles.length === 1 ? 'It' : 'The first'} began`
    return problem(words, troubles.map(troubleFix).join(' '), Math.min(...troubles.map(({ since }) => since)))
  }
  const failing = targets.filter(({ state }) => state === 'problem').map(({ title }) => title)
  if (failing.length > 0)
    return problem(
      `No trouble has been reported, but something is wrong with ${listed(failing)}: see Targets.`,
      'Fix the cause named there.',
    )
  if (isHeld(seen)) return notYet('The watch does not run while the configuration has a problem.', heldFix)
  const fix = isServerless ? 'Have /api/cron called every minute.' : 'Check the log for errors.'
  if (watchedAt === 0) return notYet('The watch has not run yet.', fix)
  // A run in the future was before the clock was set back.
  if (Math.abs(now - watchedAt) > watchLateMs)
    return warning('The watch runs once a minute, but it last ran', fix, watchedAt)
  return ok('There is no trouble. The watch last ran', watchedAt)
}

/** While the configuration has a problem, it is what everything waits for. */
function checkHeldQueue({ overdueChanges, overdueSince, deliverySince }: WaitingSeen): Finding {
  const until = 'until the configuration is fixed'
  if (overdueChanges > 0)
    return notYet(
      `${quantity(overdueChanges, 'change waits', 'changes wait')} ${until}. The oldest was due`,
      heldFix,
      overdueSince,
    )
  if (deliverySince !== null)
    return notYet(`Deliveries wait ${until}. The oldest was due`, heldFix, deliverySince)
  return notYet(`New events wait ${until}.`, heldFix)
}

/** A due delivery goes out within seconds; after this long, something does not run. */
const deliveryLateMs = 10 * 60_000

function checkQueue(seen: SetupSeen): Finding {
  const { waiting, now, isServerless } = seen
  const { overdueChanges, overdueSince, overdueReason, deliverySince: oldestDueAt } = waiting
  if (isHeld(seen)) return checkHeldQueue(waiting)
  if (overdueChanges > 0) {
    const reason = overdueReason === null ? '' : ` ${asSentence(overdueReason)}`
    const words = `${quantity(overdueChanges, 'change')} should have settled; no target is notified of ${overdueChanges === 1 ? 'it' : 'them'} yet.${reason} The oldest was due`
    const fix = isServerless
      ? 'Make sure that a scheduler calls /api/cron, and check the log.'
      : 'The log names the error. Settling is tried again.'
    return problem(words, fix, overdueSince)
  }
  if (oldestDueAt === null) return ok('Nothing waits.')
  const words = 'The oldest delivery was due'
  if (now - oldestDueAt < deliveryLateMs) return ok(words, oldestDueAt)
  const fix = isServerless
    ? 'Make sure that a scheduler calls /api/cron.'
    : 'Check whether its target is held or no longer configured, and check the log.'
  return problem(words, fix, oldestDueAt)
}

function checkAlerts({ targets, alertTargets }: SetupSeen): Finding {
  const configured = targets.filter(({ missing }) => missing.length === 0).map(({ name }) => name)
  const notified = alertTargets.filter((name) => configured.includes(name))
  const [only] = notified
  if (alertTargets.length === 0)
    return notYet(
      'No target is notified of troubles, such as failing targets, missing events or changed secrets.',
      'Name a target in alertTarget of relay.config.ts.',
    )
  if (only === undefined)
    return problem(
      `No target is notified of troubles: alertTarget names ${listed(alertTargets)}, not configured.`,
      'Configure one of them, or name another target.',
    )
  if (notified.length > 1) return ok(`${listed(notified)} are notified of troubles, each of all but its own.`)
  const fix =
    configured.length > 1
      ? 'Name a second target in alertTarget of relay.config.ts.'
      : 'Configure a second target, and name it in alertTarget of relay.config.ts.'
  return notYet(`${only} is notified of troubles, but no other target is when ${only} itself fails.`, fix)
}

function checkPassword({ hasPassword }: SetupSeen): Finding {
  if (hasPassword) return ok('DASHBOARD_PASSWORD is set.')
  return problem(
    'None is set: in production these pages are closed; in development anyone who reaches them can read and replay.',
    'Set DASHBOARD_PASSWORD.',
  )
}

function checkScheduler({ isServerless, hasCronSecret }: SetupSeen): Finding {
  if (!isServerless) return ok('Not needed: this process finds what is due by itself.')
  if (hasCronSecret) return ok('CRON_SECRET is set, so a scheduler can call /api/cron.')
  return problem(
    'Here a process ends with its request, and without CRON_SECRET no scheduler can wake it for retries.',
    'Set CRON_SECRET, and have /api/cron called every minute.',
  )
}

function checkStore({ store, writeProblem }: SetupSeen): Finding {
  if (writeProblem !== null)
    return problem(
      `Takes no writes: ${storeErrorWords[writeProblem.kind]}. Events are answered 503. It began`,
      'Run npm run doctor, which names the disk and what to do.',
      writeProblem.since,
    )
  return ok(store === 'postgres' ? 'Postgres.' : 'SQLite, in a file on this machine.')
}

/** Signatures carry a time, and so do the waits that targets ask for. */
const maxAheadMs = 60_000
const setClock = 'Set the clock of this machine by NTP.'

function checkClock(reached: Reached): Finding {
  const ahead = clockAhead(reached)
  if (ahead === null) return notYet('No other server sent its time.', 'Check again when one is reached.')
  const seconds = quantity(Math.round(Math.abs(ahead) / 1000), 'second')
  if (Math.abs(ahead) <= maxAheadMs) return ok('As other servers have it.')
  return problem(
    `${seconds} ${ahead > 0 ? 'ahead of' : 'behind'} other servers: signatures are refused as too ${ahead > 0 ? 'old' : 'new'}.`,
    setClock,
  )
}

const ofCallbacks = [
  'CALLBACK_TOKEN',
  'CALLBACK_TOKEN_HEADER',
  'CALLBACK_OPEN',
  'CALLBACK_HEADERS',
  'LANGFUSE_ORIGINS',
]

/** Its checks begin so, followed by the project's name. */
export const proofId = 'compared:'

const proofChecks = (proofs: readonly Proof[]): Check[] =>
  proofs.map((proof) => ({
    id: `${proofId}${proof.project}`,
    title: proofs.length === 1 ? 'Comparison with Langfuse' : `Comparison with Langfuse: ${proof.project}`,
    ...checkProof(proof),
  }))

/** What the keys and addresses of the projects are called. */
const ofApi = ({ projects }: SetupSeen): string[] =>
  projects.flatMap(({ called }) => [called.publicKey, called.secretKey, called.baseUrl, called.webUrl])

export interface SetupChecks {
  configuration: Check[]
  incoming: Check[]
  /** One for each target of `relay.config.ts`, by name. */
  targets: Check[]
  relay: Check[]
}

/** The Setup page and the doctor in words. */
export function setupChecks(seen: SetupSeen): SetupChecks {
  const { problems } = seen.configuration
  const check = (id: string, title: string, finding: Finding): Check => ({ id, title, ...finding })
  const madeOf = (names: readonly string[], id: string, title: string, found: () => Finding): Check =>
    check(id, title, unlessWrong(problems, names, found))
  const targets = seen.targets.map((target) => check(target.name, target.name, checkTarget(seen, target)))
  return {
    configuration: configurationChecks(seen.configuration),
    incoming: [
      madeOf(['PUBLIC_URL'], 'address', 'URL for Langfuse', () => checkAddress(seen)),
      ...projectChecks('secrets', seen),
      check('events', 'Signed events', checkEvents(seen)),
      ...projectChecks('langfuse-keys', seen),
      madeOf([...ofCallbacks, ...ofApi(seen)], 'callbacks', 'Callbacks', () =>
        checkCallbacks(
          seen.callbacks,
          seen.projects.some(({ hasKeys }) => hasKeys),
        ),
      ),
      ...projectChecks('polling', seen),
      ...proofChecks(seen.proofs),
    ],
    targets,
    relay: [
      check('mode', 'Mode', checkMode(seen)),
      check('watch', 'Watch', checkWatch(seen, targets)),
      check('queue', 'Queue', checkQueue(seen)),
      check('alerts', 'Reports of troubles', checkAlerts(seen)),
      madeOf(['DASHBOARD_PASSWORD'], 'password', 'Password of these pages', () => checkPassword(seen)),
      madeOf(['CRON_SECRET'], 'scheduler', 'Scheduler', () => checkScheduler(seen)),
      check('store', 'Database', checkStore(seen)),
      ...(seen.reached ? [check('clock', 'Clock', checkClock(seen.reached))] : []),
    ],
  }
}
