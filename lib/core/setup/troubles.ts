import type { Quiet } from '../trouble/quiet.ts'
import { troubleFix, troubleWords } from '../trouble/trouble.ts'
import type { WatchState } from '../trouble/watch.ts'
import { type Check, type Finding, notYet, ok, problem, warning } from './check.ts'
import { heldFix } from './configuration.ts'

/** `isHeld`: the configuration has a problem. */
export function checkMode({ isDry, isHeld }: { isDry: boolean; isHeld: boolean }): Finding {
  if (isHeld) return notYet('Held: events are stored, and nothing is settled or sent.', heldFix)
  if (!isDry) return ok('Live: what the rules want is sent.')
  return notYet(
    'Dry run: nothing is sent, and each delivery shows what would have been.',
    'Set RELAY_MODE=live.',
  )
}

/** It looks once a minute; what is older says nothing about now. */
const lookMs = 10 * 60_000

interface WatchSeen {
  now: number
  troubles: WatchState['troubles']
  /** When it last looked, epoch milliseconds; 0: never. */
  watchedAt: number
  /** No process lives on between requests: it looks when the scheduler calls. */
  isServerless: boolean
  /** The configuration has a problem: it does not look. */
  isHeld: boolean
}

/** Green only where it looked lately, and neither found a trouble nor a target has one that is too young to announce. */
export function checkTroubles(seen: WatchSeen, targets: readonly Check[]): Finding {
  const { now, troubles, watchedAt } = seen
  if (troubles.length > 0) {
    const words = `${troubles.map(troubleWords).join('. ')}. Since`
    return problem(words, troubles.map(troubleFix).join(' '), Math.min(...troubles.map(({ since }) => since)))
  }
  const failing = targets.filter(({ state }) => state === 'problem').map(({ title }) => title)
  if (failing.length > 0) {
    const names = new Intl.ListFormat('en').format(failing)
    return problem(
      `No trouble is announced, but something is wrong with ${names}: see Targets.`,
      'Fix what the reason there names.',
    )
  }
  if (seen.isHeld) return notYet('It does not look while the configuration has a problem.', heldFix)
  if (watchedAt === 0) return notYet('It has not looked yet.', lateFix(seen))
  // Ahead of now it looked before the clock was set back.
  if (Math.abs(now - watchedAt) > lookMs)
    return warning('It looks once a minute, but has not since', lateFix(seen), watchedAt)
  return ok('No trouble around the relay. It last looked', watchedAt)
}

const lateFix = ({ isServerless }: WatchSeen): string =>
  isServerless ? 'Have /api/cron called every minute.' : 'Look into the log for errors of the loop.'

/** Signed events where none was refused since. `at`: when the last one came. */
export function checkQuiet(quiet: Quiet, at: number): Finding {
  const last = 'The last one came'
  const look = 'Look at Automations in Langfuse: one that failed five times in a row is switched off.'
  switch (quiet) {
    case 'never':
    case 'recent':
      return ok(last, at)
    case 'unchanged':
      return ok(`Langfuse says that no prompt changed since. ${last}`, at)
    case 'unwatched':
      return notYet(`QUIET_HOURS is 0, so that silence means nothing. ${last}`, 'Set QUIET_HOURS to 24.', at)
    case 'changed':
      return problem(`Prompts changed in Langfuse, and no event came. ${last}`, look, at)
    case 'no-keys': {
      const fix =
        'Set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, and it is checked whether prompts changed.'
      return warning(`None came for longer than QUIET_HOURS: cause unknown. ${last}`, `${fix} ${look}`, at)
    }
    case 'no-answer': {
      const words = 'None came for longer than QUIET_HOURS: cause unknown, because Langfuse does not answer.'
      return warning(`${words} ${last}`, `Check the keys and LANGFUSE_BASE_URL. ${look}`, at)
    }
    case 'clock':
      return warning(
        `The clock was set back, so that nobody knows how long no event came. ${last}`,
        'Set the clock of this machine by NTP.',
        at,
      )
  }
}
