import { addressProblem } from './public-address.ts'

/** `not-yet`: left to do, or left out on purpose; nothing is broken. */
export type CheckState = 'ok' | 'problem' | 'not-yet'

/** One thing that the relay needs, as it stands. */
export interface Check {
  id: string
  title: string
  state: CheckState
  words: string
  /** What to do about it; null: nothing. */
  fix: string | null
  /** When what `words` tells of happened, epoch milliseconds. */
  at: number | null
}

export interface SecretSeen {
  /** The last four characters. */
  hint: string
  /** When an event was last signed with it. Null: not among the newest events. */
  lastAt: number | null
}

export interface TargetSeen {
  name: string
  type: string
  /** Variables (or settings in `relay.config.ts`) without which it is left out. */
  missing: string[]
  /** Temporary failures in a row. */
  failures: number
  /** The end of its open circuit; null: closed. */
  heldUntil: number | null
  lastDeliveredAt: number | null
  /** Deliveries that were given up. */
  failed: number
  /** Whether a rule names it. */
  isWanted: boolean
}

/** What the relay knows of itself; times in epoch milliseconds. */
export interface SetupSeen {
  now: number
  /** Without a trailing slash. `isSet`: from `PUBLIC_URL`, not from the address of a request. */
  address: { url: string; isSet: boolean }
  secrets: SecretSeen[]
  lastEventAt: number | null
  /** The newest request that was signed, but not as it should be. */
  lastRejection: { at: number; message: string } | null
  targets: TargetSeen[]
  alertTarget: string | null
  /** Since when the oldest delivery waits that is due; null: none. */
  oldestDueAt: number | null
  hasPassword: boolean
  hasCronSecret: boolean
  hasLangfuseKeys: boolean
  /** No process lives on between requests. */
  isServerless: boolean
  store: 'sqlite' | 'postgres'
}

/** A delivery that is due goes out within seconds; one that waits so long has nobody who sends it. */
const lateMs = 10 * 60_000

type Finding = Omit<Check, 'id' | 'title'>

const ok = (words: string, at: number | null = null): Finding => ({ state: 'ok', words, fix: null, at })
const problem = (words: string, fix: string, at: number | null = null): Finding => ({
  state: 'problem',
  words,
  fix,
  at,
})
const notYet = (words: string, fix: string): Finding => ({ state: 'not-yet', words, fix, at: null })

const many = (count: number, word: string, plural = `${word}s`): string =>
  `${count === 1 ? 'One' : count.toLocaleString('en')} ${count === 1 ? word : plural}`

function checkAddress({ address: { url, isSet } }: SetupSeen): Finding {
  const why = addressProblem(url)
  if (why !== null) {
    const fix = 'Set PUBLIC_URL to the https address at which the internet reaches this relay, on port 443.'
    return problem(why, fix)
  }
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
  const words = `${many(secrets.length, 'secret')} set.`
  if (unused.length === 0 || unused.length === secrets.length) return ok(words)
  const which = unused.map(({ hint }) => `…${hint}`).join(', ')
  return ok(`${words} The newest events were not signed with ${which}: it may be left over from a rotation.`)
}

function checkEvents({ lastEventAt, lastRejection }: SetupSeen): Finding {
  if (lastRejection && lastRejection.at > (lastEventAt ?? 0)) {
    const fix =
      lastEventAt === null
        ? 'Compare the secret in LANGFUSE_WEBHOOK_SECRET with the one of the webhook in Langfuse.'
        : 'Look at the rejected requests. After a rotation in Langfuse, the new secret has to be set here too.'
    const words = `The newest signed request was refused: ${lastRejection.message.replace(/\.?$/, '.')}`
    return problem(words, fix, lastRejection.at)
  }
  if (lastEventAt === null) return notYet('None has come.', 'Change a prompt in Langfuse, or send a test.')
  return ok('The last one came', lastEventAt)
}

function checkTarget({ now }: SetupSeen, target: TargetSeen): Finding {
  const { name, missing, failures, heldUntil, lastDeliveredAt, failed, isWanted } = target
  if (missing.length > 0) {
    const which = missing.join(' and ')
    return notYet('Left out.', `Set ${which} to use it.`)
  }
  if (heldUntil !== null && heldUntil > now) {
    const words = `It failed ${failures} times in a row. The next try is`
    return problem(words, 'Look at why its deliveries fail. They wait, and nothing is lost.', heldUntil)
  }
  if (failed > 0) {
    const words = `${many(failed, 'delivery was', 'deliveries were')} given up.`
    return problem(words, 'Mend what the reason names, then replay them.')
  }
  if (!isWanted) return notYet('No rule sends anything here.', `Name ${name} in a rule of relay.config.ts.`)
  if (lastDeliveredAt === null) return notYet('Nothing was delivered yet.', 'Send a test message.')
  return ok('Last delivered', lastDeliveredAt)
}

function checkAlerts({ targets, alertTarget }: SetupSeen): Finding {
  const configured = targets.filter(({ missing }) => missing.length === 0)
  if (configured.length < 2) return ok('With one target there is no other to tell of its troubles.')
  if (alertTarget === null) {
    const fix = 'Set alertTarget in relay.config.ts.'
    return notYet('Nobody is told when deliveries to a target are given up.', fix)
  }
  if (configured.some(({ name }) => name === alertTarget))
    return ok(`${alertTarget} is told when deliveries to another target are given up.`)
  return problem(
    `alertTarget is ${alertTarget}, which is not configured.`,
    'Configure it, or name another target.',
  )
}

function checkQueue({ oldestDueAt, now, isServerless }: SetupSeen): Finding {
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
    'Whoever reaches this address can read these pages and replay.',
    'Set DASHBOARD_PASSWORD. Without it the pages are closed in production.',
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

function checkStore({ store, isServerless }: SetupSeen): Finding {
  if (store === 'postgres') return ok('Postgres.')
  if (!isServerless) return ok('SQLite, in a file of this machine.')
  return problem(
    'SQLite on a disk that vanishes with the process: what was accepted can be lost.',
    'Set DATABASE_URL to a Postgres database.',
  )
}

function checkLangfuseKeys({ hasLangfuseKeys }: SetupSeen): Finding {
  if (hasLangfuseKeys) return ok('Set: a text that no event told is read from Langfuse.')
  return notYet(
    'Not set. A version that no event told yet has no text to compare with.',
    "Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY to a project's keys.",
  )
}

/** What comes in, by whom it is heard, and the relay itself. Pure: the words follow from what was seen. */
export interface SetupChecks {
  incoming: Check[]
  /** One for each target of `relay.config.ts`, by name. */
  targets: Check[]
  relay: Check[]
}

export function setupChecks(seen: SetupSeen): SetupChecks {
  const check = (id: string, title: string, finding: Finding): Check => ({ id, title, ...finding })
  return {
    incoming: [
      check('address', 'URL for Langfuse', checkAddress(seen)),
      check('secrets', 'Webhook secret', checkSecrets(seen)),
      check('events', 'Signed events', checkEvents(seen)),
      check('langfuse-keys', "Langfuse's API keys", checkLangfuseKeys(seen)),
    ],
    targets: seen.targets.map((target) => check(target.name, target.name, checkTarget(seen, target))),
    relay: [
      check('queue', 'Queue', checkQueue(seen)),
      check('alerts', 'Troubles of targets', checkAlerts(seen)),
      check('password', 'Password of these pages', checkPassword(seen)),
      check('scheduler', 'Scheduler', checkScheduler(seen)),
      check('store', 'Database', checkStore(seen)),
    ],
  }
}
