import { describe, expect, it } from 'vitest'
import { lastedWords, notificationTone, severityWords } from '#lib/core/change/alert-words.ts'

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]

it.each([
  [0, 'less than a minute'],
  [59 * second, 'less than a minute'],
  [42 * minute + 59 * second, '42 min'],
  [hour, '1 h'],
  [3 * hour + 5 * minute, '3 h 5 min'],
  [day, '1 d'],
  [2 * day + 4 * hour + 30 * minute, '2 d 4 h'],
])('%i ms lasted "%s"', (ms, words) => {
  expect(lastedWords(ms)).toBe(words)
})

describe('a severity', () => {
  it('that says that there was no data is neither trouble nor its end', () => {
    expect(severityWords('NO_DATA').tone).not.toBe(severityWords('OK').tone)
    expect(['bad', 'warn']).not.toContain(severityWords('NO_DATA').tone)
  })

  it('that came later is shown as it is', () => {
    expect(severityWords('PANIC')).toEqual({ word: 'PANIC', tone: 'quiet' })
    expect(notificationTone('PANIC')).toBe('quiet')
  })
})
