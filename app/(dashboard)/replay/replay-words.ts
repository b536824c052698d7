import type { ReplayRow } from '#lib/store/schema.ts'
import type { KindWords } from '../_words/change-words.ts'

type Job = Pick<ReplayRow, 'next_at' | 'cancelled'>

export const isRunning = ({ next_at }: Job): boolean => next_at !== null

export function replayWords(job: Job): KindWords {
  if (isRunning(job)) return { icon: 'retry', tone: 'accent', word: 'Running' }
  return job.cancelled === 1
    ? { icon: 'skip', tone: 'warn', word: 'Cancelled' }
    : { icon: 'check', tone: 'good', word: 'Done' }
}
