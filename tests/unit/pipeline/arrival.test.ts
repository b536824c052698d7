import { describe, expect, it } from 'vitest'
import { openEvent } from '#lib/langfuse/opened-event.ts'
import { type Arrival, eventRow } from '#lib/pipeline/arrival.ts'
import { type FixtureName, fixture } from '../../fixtures.ts'

function rowOf(rawBody: Uint8Array) {
  const opened = openEvent(JSON.parse(Buffer.from(rawBody).toString()), { rawBody, timestamp: 1, now: 2 })
  const came: Omit<Arrival, keyof typeof opened> = {
    source: 'langfuse-webhook',
    receivedAt: 3,
    headers: '{}',
    signature: 'v1',
    secretHint: 'cdef',
    body: rawBody,
    test: false,
  }
  return eventRow({ ...opened, ...came }, { id: 'evt_1', changeId: 'chg_1' })
}

describe('the row of an event', () => {
  it.each<[string, FixtureName, object]>([
    [
      'about a prompt',
      '06-prompt-deleted.json',
      { type: 'prompt-version', action: 'deleted', project_id: 'cmfq1x7h3000108l4b2k9d6tz', occurred_at: 1 },
    ],
    [
      'about a monitor',
      '09-monitor-alert.json',
      { type: 'monitor-alert', action: null, version: null, occurred_at: Date.parse('2026-08-21T15:00Z') },
    ],
  ])('%s has what its body says', (_, name, expected) => {
    const body = fixture(name)
    const { prompt } = JSON.parse(body.toString())
    const ofPrompt = prompt ? { subject: prompt.name, version: prompt.version } : {}
    expect(rowOf(body)).toMatchObject({ ...expected, ...ofPrompt, size: body.byteLength, body })
  })

  it('that nothing is known of has no project, action or version', () => {
    const columns = { type: 'unrecognised', action: null, project_id: null, version: null }
    expect(rowOf(Buffer.from('{"type":"trace-created"}'))).toMatchObject({
      ...columns,
      ...{ subject: 'trace-created', change_id: 'chg_1', received_at: 3, secret_hint: 'cdef' },
    })
  })
})
