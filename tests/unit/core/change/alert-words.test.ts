import { describe, expect, it } from 'vitest'
import { notificationTone, severityWords } from '#lib/core/change/alert-words.ts'

describe('a severity', () => {
  it('of no data is neither an alert nor its end', () => {
    expect(severityWords('NO_DATA').tone).not.toBe(severityWords('OK').tone)
    expect(['bad', 'warn']).not.toContain(severityWords('NO_DATA').tone)
  })

  it('that Langfuse added later is shown as it is', () => {
    expect(severityWords('PANIC')).toEqual({ word: 'PANIC', tone: 'quiet' })
    expect(notificationTone('PANIC')).toBe('quiet')
  })
})
