import type { Tone } from '#lib/core/change/kinds.ts'
import type { ReplayRow } from '#lib/store/schema.ts'
import type { IconName } from '../../_ui/icons.tsx'

export interface ReplayWords {
  icon: IconName
  tone: Tone
  word: string
}

type Job = Pick<ReplayRow, 'next_at' | 'cancelled'>

export const isUnderWay = ({ next_at }: Job): boolean => next_at !== null

export function replayWords(job: Job): ReplayWords {
  if (isUnderWay(job)) return { icon: 'retry', tone: 'accent', word: 'Under way' }
  return job.cancelled === 1
    ? { icon: 'skip', tone: 'warn', word: 'Cancelled' }
    : { icon: 'check', tone: 'good', word: 'Done' }
}

export const modeWords: Record<ReplayRow['mode'], string> = {
  'as-it-was': 'as it was',
  'todays-rules': "with today's rules",
}
