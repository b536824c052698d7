import { describe, expect, it } from 'vitest'
import { freshState, type PollState, type Stream } from '#lib/core/polling/state.ts'
import { checkPolling, type PollSeen } from '#lib/core/setup/polling-check.ts'
import { langfuseProject } from '../../../projects.ts'

const now = Date.parse('2026-08-21T12:00:00Z')
const minute = 60_000
const read: Stream = { ...freshState.scores, mark: now - minute, doneAt: now - minute }
const state: PollState = { ...freshState, projectId: 'p', observations: read, scores: read }
const { called } = langfuseProject()
const seen: PollSeen = { hasKeys: true, called, everyMs: minute, state }

describe('polling, on the setup page', () => {
  it.each<[string, Partial<PollSeen>, string, RegExp]>([
    ['no keys', { hasKeys: false }, 'not-yet', /^Off: .*API keys/],
    ['switched off', { everyMs: 0 }, 'not-yet', /POLL_SECONDS is 0/],
    ['never run', { state: null }, 'not-yet', /not run yet/],
    ['all read', {}, 'ok', /^Reading v2 observations and v3 scores\. Last complete$/],
    [
      'older endpoints',
      { state: { ...state, observations: { ...read, oldSince: now } } },
      'ok',
      /older observations and v3 scores/,
    ],
    [
      'an error of both',
      { state: { ...state, error: { at: now, message: 'The rate limit of Langfuse is reached (429)' } } },
      'problem',
      /^The rate limit .*, 1 minutes? behind\. Last tried$/,
    ],
    [
      'an error of one stream',
      { state: { ...state, scores: { ...read, error: { at: now, message: 'Langfuse answered 500' } } } },
      'problem',
      /Langfuse answered 500/,
    ],
    [
      'behind',
      { state: { ...state, scores: { ...read, mark: now - 300 * minute, doneAt: now - 300 * minute } } },
      'problem',
      /5 hours behind/,
    ],
    [
      'a skipped span',
      { state: { ...state, scores: { ...read, skipped: { from: now - 9e7, to: now - 8e7 } } } },
      'ok',
      /^Skipped scores from 2026-08-20 11:00 UTC to 2026-08-20 13:46 UTC/,
    ],
  ])('%s', (_, over, expected, words) => {
    const finding = checkPolling({ ...seen, ...over }, now)
    expect(finding.state).toBe(expected)
    expect(finding.words).toMatch(words)
  })
})
