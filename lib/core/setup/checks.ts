import { addressProblem } from '../../base/public-address.ts'
import { storeErrorWords, type WriteProblem } from '../../base/store-error.ts'
import type { Quiet } from '../trouble/quiet.ts'
import type { WatchState } from '../trouble/watch.ts'
import { type CallbackSeen, checkCallbacks } from './callbacks.ts'
import { type Check, counted, type Finding, notYet, ok, problem } from './check.ts'
import { type ConfigurationSeen, configurationChecks, heldFix, unlessWrong } from './configuration.ts'
import { checkPolling, type PollSeen } from './polling.ts'
import { type Asked, clockAhead } from './reach.ts'
import { checkTarget, type TargetSeen, withReach } from './target.ts'
import { checkMode, checkQuiet, checkTroubles } from './troubles.ts'

export interface SecretSeen {
  /** The last four characters. */
  hint: string
  /** When an event was last signed with it. Null: not among the newest events. */
  lastAt: number | null
}

/** What is due and is not done; times in epoch milliseconds. */
export interface WaitingSeen {
  /** The oldest of both; null: nothing waits. */
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
  secrets: SecretSeen[]
  lastEventAt: number | null
  /** What is known of how long ago that is. */
  quiet: Quiet
  /** The newest request that was signed, but not as it should be. */
  lastRejection: { at: number; message: string } | null
  targets: TargetSeen[]
  /** The names of targets, as in `Routes`. */
  alertTargets: readonly string[]
  waiting: WaitingSeen
  /** Nothing is sent. */
  isDry: boolean
  /** What goes wrong around the relay. */
  troubles: WatchState['troubles']
  /** When the watch last looked; 0: never. */
  watchedAt: number
  /** Null: the store takes writes. */
  writeProblem: WriteProblem | null
  hasPassword: boolean
  hasCronSecret: boolean
  hasLangfuseKeys: boolean
  polling: Omit<PollSeen, 'hasKeys'>
  callbacks: CallbackSeen
  /** No process lives on between requests. */
  isServerless: boolean
  store: 'sqlite' | 'postgres'
  /** Null: nobody outside was asked. */
  asked: Asked | null
}

const listed = (names: readonly string[]): string => new Intl.ListFormat('en').format(names)

/** With a problem of the configuration nothing settles, and nothing is sent. */
const isHeld = ({ configuration }: SetupSeen): boolean => configuration.problems.length > 0

/** A delivery that is due goes out within seconds; one that waits so long has nobody who sends it. */
const lateMs = 10 * 60_000

function checkAddress({ address: { url, isSet } }: SetupSeen): Finding {
  const fix = 'Set PUBLIC_URL to the https address at which the internet reaches this relay, on port 443.'
  if (url === '') return notYet('Not known. Messages cannot link back.', fix)
  const why = addressProblem(url)
  if (why !== null) return problem(why, fix)
  if (isSet) return ok('Public, https, and on a port that Langfuse sends to.')
  return notYet(
    'Taken from the address of this page. Messages cannot link back to it.',
    `Set PUBLIC_URL to ${url}.`,
  )
}

function checkSecrets({ secrets }: SetupSeen): Finding {
  if (secrets.length === 0) {
    const fix = 'Put the secret that Langfuse shows when it makes the webhook into LANGFUSE_WEBHOOK_SECRET.'
    return notYet('None is set, so every request is refused with 503.', fix)
  }
  const unused = secrets.filter(({ lastAt }) => lastAt === null)
  const words = `${counted(secrets.length, 'secret')} set.`
  if (unused.length === 0 || unused.length === secrets.length) return ok(words)
  const which = unused.map(({ hint }) => `…${hint}`).join(', ')
  return ok(`${words} The newest events were not signed with ${which}: it may be left over from a rotation.`)
}

function checkEvents({ lastEventAt, lastRejection, quiet, secrets }: SetupSeen): Finding {
  if (lastRejection && lastRejection.at > (lastEventAt ?? 0)) {
    const fix =
      lastEventAt === null
        ? secrets.length === 0
          ? 'Set LANGFUSE_WEBHOOK_SECRET to the secret that Langfuse shows when it makes the webhook.'
          : 'Compare the secret in LANGFUSE_WEBHOOK_SECRET with the one of the webhook in Langfuse.'
        : 'Look at the rejected requests. After a rotation in Langfuse, the new secret has to be set here too.'
    const words = `The newest signed request was refused: ${lastRejection.message.replace(/\.?$/, '.')}`
    return problem(words, fix, lastRejection.at)
  }
  if (lastEventAt === null) return notYet('None has come.', 'Change a prompt in Langfuse, or send a test.')
  return checkQuiet(quiet, lastEventAt)
}

function checkAlerts({ targets, alertTargets }: SetupSeen): Finding {
  const configured = targets.filter(({ missing }) => missing.length === 0).map(({ name }) => name)
  const notified = alertTargets.filter((name) => configured.includes(name))
  const [only] = notified
  if (alertTargets.length === 0)
    return notYet(
      'No target is notified of troubles: of deliveries given up, of missing events, of secrets that changed.',
      'Name a target in alertTarget of relay.config.ts.',
    )
  if (only === undefined)
    return problem(
      `No target is notified of troubles: alertTarget is ${listed(alertTargets)}, not configured.`,
      'Configure one of them, or name another target.',
    )
  if (notified.length > 1) return ok(`${listed(notified)} are notified of troubles, each except of its own.`)
  const fix =
    configured.length > 1
      ? 'Name a second target in alertTarget of relay.config.ts.'
      : 'Configure a second target, and name it in alertTarget of relay.config.ts.'
  return notYet(`${only} is notified of troubles, but no other target is when ${only} itself fails.`, fix)
}

/** While the configuration has a problem: what waits, waits for that. */
function checkHeldQueue({ overdueChanges, overdueSince, deliverySince }: WaitingSeen): Finding {
  const until = 'until the configuration is corrected'
  if (overdueChanges > 0)
    return notYet(
      `${counted(overdueChanges, 'change waits', 'changes wait')} ${until}. Since`,
      heldFix,
      overdueSince,
    )
  if (deliverySince !== null)
    return notYet(`Deliveries wait ${until}. The oldest is due since`, heldFix, deliverySince)
  return notYet(`What comes waits ${until}.`, heldFix)
}

function checkQueue(seen: SetupSeen): Finding {
  const { waiting, now, isServerless } = seen
  const { overdueChanges, overdueSince, overdueReason, deliverySince: oldestDueAt } = waiting
  if (isHeld(seen)) return checkHeldQueue(waiting)
  if (overdueChanges > 0) {
    const reason = overdueReason === null ? '' : ` ${overdueReason.replace(/\.?$/, '.')}`
    const words = `${counted(overdueChanges, 'change')} should have settled, so that no target is notified of ${overdueChanges === 1 ? 'it' : 'them'}.${reason} Since`
    const fix = isServerless
      ? 'Make sure that a scheduler calls /api/cron, and look into the log.'
      : 'The log names the error. They are tried again by themselves.'
    return problem(words, fix, overdueSince)
  }
  if (oldestDueAt === null) return ok('Nothing waits.')
  if (now - oldestDueAt < lateMs) return ok('The oldest delivery is due since', oldestDueAt)
  const fix = isServerless
    ? 'Make sure that a scheduler calls /api/cron.'
    : 'Look whether its target is held or no longer configured, and into the log.'
  return problem('The oldest delivery is due since', fix, oldestDueAt)
}

function checkPassword({ hasPassword }: SetupSeen): Finding {
  if (hasPassword) return ok('DASHBOARD_PASSWORD is set.')
  return problem(
    'None is set: in production these pages are closed, in development whoever reaches them reads and replays.',
    'Set DASHBOARD_PASSWORD.',
  )
}

function checkScheduler({ isServerless, hasCronSecret }: SetupSeen): Finding {
  if (!isServerless) return ok('Not needed: this process looks for what is due by itself.')
  if (hasCronSecret) return ok('CRON_SECRET is set, so a scheduler can call /api/cron.')
  return problem(
    'Here a process ends with its request, and without CRON_SECRET no scheduler can wake it for retries.',
    'Set CRON_SECRET, and have /api/cron called every minute.',
  )
}

function checkStore({ store, writeProblem }: SetupSeen): Finding {
  if (writeProblem !== null)
    return problem(
      `Takes no writes: ${storeErrorWords[writeProblem.kind]}. Events are answered 503. Since`,
      'Run npm run doctor, which names the disk and what to do.',
      writeProblem.since,
    )
  return ok(store === 'postgres' ? 'Postgres.' : 'SQLite, in a file of this machine.')
}

/** Signatures carry a time, and so do waits that targets ask for. */
const maxAheadMs = 60_000

function checkClock(asked: Asked): Finding {
  const ahead = clockAhead(asked)
  if (ahead === null) return notYet('Nobody outside told the time.', 'Ask again when they are reached.')
  const seconds = `${counted(Math.round(Math.abs(ahead) / 1000), 'second')}`
  if (Math.abs(ahead) <= maxAheadMs) return ok('As the others have it.')
  return problem(
    `${seconds} ${ahead > 0 ? 'ahead of' : 'behind'} the others: signatures are refused as too ${ahead > 0 ? 'old' : 'new'}.`,
    'Set the clock of this machine by NTP.',
  )
}

function checkLangfuseKeys({ hasLangfuseKeys, asked }: SetupSeen): Finding {
  const known = hasLangfuseKeys
    ? ok('Set: a text that no event told is read from Langfuse.')
    : notYet(
        'Not set. A version that no event told yet has no text to compare with.',
        "Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to a project's keys.",
      )
  // Without keys nothing is ever read there.
  return hasLangfuseKeys ? withReach(asked?.langfuse, known) : known
}

const ofApi = ['LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY', 'LANGFUSE_BASE_URL']
const ofCallbacks = [
  'CALLBACK_TOKEN',
  'CALLBACK_TOKEN_HEADER',
  'CALLBACK_OPEN',
  'CALLBACK_HEADERS',
  'LANGFUSE_ORIGINS',
]

/** What comes in, by whom it is heard, and the relay itself. Pure: the words follow from what was seen. */
export interface SetupChecks {
  configuration: Check[]
  incoming: Check[]
  /** One for each target of `relay.config.ts`, by name. */
  targets: Check[]
  relay: Check[]
}

export function setupChecks(seen: SetupSeen): SetupChecks {
  const check = (id: string, title: string, finding: Finding): Check => ({ id, title, ...finding })
  const { problems } = seen.configuration
  const of = (names: readonly string[], found: () => Finding) => unlessWrong(problems, names, found)
  const targets = seen.targets.map((target) => check(target.name, target.name, checkTarget(seen, target)))
  return {
    configuration: configurationChecks(seen.configuration),
    incoming: [
      check(
        'address',
        'URL for Langfuse',
        of(['PUBLIC_URL'], () => checkAddress(seen)),
      ),
      check('secrets', 'Webhook secret', checkSecrets(seen)),
      check('events', 'Signed events', checkEvents(seen)),
      check(
        'langfuse-keys',
        "Langfuse's API keys",
        of(ofApi, () => checkLangfuseKeys(seen)),
      ),
      check(
        'callbacks',
        'Callbacks',
        of([...ofCallbacks, ...ofApi], () => checkCallbacks(seen.callbacks, seen.hasLangfuseKeys)),
      ),
      check(
        'polling',
        'Traces and scores',
        of([...ofApi, 'POLL_SECONDS'], () =>
          checkPolling({ ...seen.polling, hasKeys: seen.hasLangfuseKeys }, seen.now),
        ),
      ),
    ],
    targets,
    relay: [
      check('mode', 'Mode', checkMode({ isDry: seen.isDry, isHeld: isHeld(seen) })),
      check('watch', 'Watch', checkTroubles({ ...seen, isHeld: isHeld(seen) }, targets)),
      check('queue', 'Queue', checkQueue(seen)),
      check('alerts', 'Troubles of targets', checkAlerts(seen)),
      check(
        'password',
        'Password of these pages',
        of(['DASHBOARD_PASSWORD'], () => checkPassword(seen)),
      ),
      check(
        'scheduler',
        'Scheduler',
        of(['CRON_SECRET'], () => checkScheduler(seen)),
      ),
      check('store', 'Database', checkStore(seen)),
      ...(seen.asked ? [check('clock', 'Clock', checkClock(seen.asked))] : []),
    ],
  }
}
