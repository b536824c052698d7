import type { DifferenceSummary } from '../change/change.ts'
import type { VersionContent } from '../prompt/fold.ts'
import { diffTexts, type PromptDifference, summarise } from './difference.ts'
import { textSize } from './text.ts'

/** The difference of two versions for a page. `text` null: only what was stored with the change is known. */
export interface VersionDifference {
  summary: DifferenceSummary
  text: PromptDifference | null
}

export type ComparedVersion = VersionContent & { version: number }

export function compareVersions(before: ComparedVersion, after: ComparedVersion): VersionDifference {
  return { summary: summarise(before, after), text: diffTexts(before.text, after.text) }
}

/**
 * What a change's stored summary was made from, as far as these texts are still those: a prompt that was deleted
 * and made anew begins again with version 1, and its new texts are not what the change was about.
 */
export function inFull(
  summary: DifferenceSummary,
  before: VersionContent | null,
  after: VersionContent | null,
): VersionDifference {
  const isSameText =
    before !== null &&
    after !== null &&
    textSize(before.text) === summary.sizeBefore &&
    textSize(after.text) === summary.sizeAfter
  return { summary, text: isSameText ? diffTexts(before.text, after.text) : null }
}
