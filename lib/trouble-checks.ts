import { type Finding, notYet, ok, problem } from './check.ts'
import { troubleFix, troubleWords, type WatchState } from './trouble.ts'

export function checkMode({ isDry }: { isDry: boolean }): Finding {
  if (!isDry) return ok('Live: what the rules want is sent.')
  return notYet(
    'Dry run: nothing is sent, and each delivery shows what would have been.',
    'Set RELAY_MODE=live.',
  )
}

export function checkTroubles({ troubles }: Pick<WatchState, 'troubles'>): Finding {
  const [first] = troubles
  if (!first) return ok('Nothing goes wrong around the relay.')
  const words = `${troubles.map(troubleWords).join('. ')}. Since`
  return problem(words, troubles.map(troubleFix).join(' '), Math.min(...troubles.map(({ since }) => since)))
}
