import type { Problem } from '../../base/problem.ts'
import { counted, type Finding, notYet, ok, problem } from './check.ts'
import { unlessWrong } from './configuration.ts'
import type { Asked, Reach } from './reach.ts'

export interface TargetSeen {
  name: string
  type: string
  /** Variables (or settings in `relay.config.ts`) without which it is left out. */
  missing: string[]
  /** Variables (or settings) of which it is made. */
  settings: string[]
  /** Temporary failures in a row. */
  failures: number
  /** The end of its open circuit; null: closed. */
  heldUntil: number | null
  lastDeliveredAt: number | null
  /** Open failures: deliveries that were given up, and neither replayed nor dismissed. */
  failed: number
  /** Why the newest of them, or of those that are tried again, did not arrive; null: none, or none was kept. */
  reason: string | null
  /** Whether a rule names it. */
  isWanted: boolean
}

/** What an answer from outside told, before what is known already; where something is wrong, it alone. */
export function withReach(reach: Reach | undefined, known: Finding): Finding {
  if (reach === undefined) return known
  return reach.fix === null
    ? { ...known, words: `${reach.words} ${known.words}` }
    : problem(reach.words, reach.fix)
}

interface Around {
  now: number
  asked: Asked | null
  configuration: { problems: readonly Problem[] }
}

export function checkTarget(seen: Around, target: TargetSeen): Finding {
  const { name, settings } = target
  return unlessWrong(seen.configuration.problems, [...settings, `targets.${name}`], () =>
    checkRightTarget(seen, target),
  )
}

function checkRightTarget(seen: Around, target: TargetSeen): Finding {
  const { name, missing } = target
  if (missing.length > 0) return notYet('Left out.', `Set ${missing.join(' and ')} to use it.`)
  return withReach(seen.asked?.targets[name], checkDeliveries(seen, target))
}

const asSentence = (reason: string): string => reason.replace(/\.?$/, '.')

function checkDeliveries({ now }: { now: number }, target: TargetSeen): Finding {
  const { name, failures, heldUntil, lastDeliveredAt, failed, reason, isWanted } = target
  const why = reason === null ? '' : ` ${asSentence(reason)}`
  if (heldUntil !== null && heldUntil > now) {
    const words = `It failed ${failures} times in a row.${why} The next try is`
    return problem(words, 'Look at why its deliveries fail. They wait, and nothing is lost.', heldUntil)
  }
  if (failed > 0) {
    const words = `${counted(failed, 'delivery was', 'deliveries were')} given up.${why}`
    return problem(words, 'Fix what the reason names, then replay or dismiss them on the first page.')
  }
  if (!isWanted) return notYet('No rule sends anything here.', `Name ${name} in a rule of relay.config.ts.`)
  if (lastDeliveredAt === null) return notYet('Nothing was delivered yet.', 'Send a test message.')
  return ok('Last delivered', lastDeliveredAt)
}
