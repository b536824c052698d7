import { describe, expect, it } from 'vitest'
import type { Circuit } from '#lib/core/delivery/circuit.ts'
import { troubleTitle } from '#lib/core/trouble/trouble.ts'
import {
  compareTroubles,
  type Findings,
  freshWatch,
  likelyLangfuse,
  spanToAskAbout,
  type WatchState,
  withFindings,
} from '#lib/core/trouble/watch.ts'

const minute = 60_000
const hour = 60 * minute
const now = Date.UTC(2026, 7, 21, 9)
const quietMs = 24 * hour

const well: Circuit & { name: string } = {
  name: 'slack',
  failures: 0,
  open_until: null,
  opened: 0,
  next_slot_at: 0,
  limit: null,
}
const findings = (over: Partial<Findings> = {}): Findings => ({
  now,
  signedAt: null,
  signers: [],
  mismatches: [],
  overdueSince: null,
  circuits: [well],
  projects: [],
  ...over,
})
const signed: WatchState = { ...freshWatch, startedAt: 0, lookedAt: now - minute, lastSignedAt: now - hour }
const four = [1, 2, 3, 4].map((i) => now - i * 1000)

/** Runs one after another; what each reports. */
function reportsOf(state: WatchState, ...all: Findings[]): string[][] {
  let current = state
  return all.map((one) => {
    const result = compareTroubles(withFindings(current, one), one)
    current = result.state
    return [...result.began, ...result.ended].map((fact) =>
      `${fact.kind} ${fact.what} ${fact.target ?? ''}`.trim(),
    )
  })
}

describe('asking Langfuse whether prompts changed', () => {
  it('happens only after QUIET_HOURS without a signed event', () => {
    const silent = { ...signed, lastSignedAt: now - quietMs }
    expect(spanToAskAbout(silent, { now, quietMs })).toEqual({
      from: now - quietMs + 10 * minute,
      to: now - 10 * minute,
    })
    expect(spanToAskAbout({ ...silent, lastSignedAt: now - quietMs + 1 }, { now, quietMs })).toBeNull()
  })

  it('counts from the first run where no event has ever come', () => {
    const never = { ...freshWatch, startedAt: now - quietMs + 1 }
    expect(spanToAskAbout(never, { now, quietMs })).toBeNull()
    expect(spanToAskAbout(never, { now: now + 1, quietMs })).not.toBeNull()
    expect(spanToAskAbout(freshWatch, { now, quietMs })).toBeNull()
  })

  it('happens once an hour, not while the answer is known, and never where it is switched off', () => {
    const silent = { ...signed, lastSignedAt: now - 3 * quietMs, askedAt: now - hour + 1 }
    expect(spanToAskAbout(silent, { now, quietMs })).toBeNull()
    expect(spanToAskAbout(silent, { now: now + 1, quietMs })).not.toBeNull()
    expect(spanToAskAbout({ ...silent, changedAt: now }, { now: now + hour, quietMs })).toBeNull()
    expect(spanToAskAbout(silent, { now: now + hour, quietMs: 0 })).toBeNull()
  })
})

describe('a trouble', () => {
  it('is reported once, and so is its end', () => {
    const quiet = { ...signed, changedAt: now - minute }
    expect(reportsOf(quiet, findings(), findings(), findings({ signedAt: now }), findings())).toEqual([
      ['trouble quiet'],
      [],
      ['trouble-over quiet'],
      [],
    ])
  })

  it('is a delivery with an unknown signature after valid ones, until one is valid again', () => {
    const wrong = findings({ mismatches: four })
    expect(reportsOf(signed, wrong, wrong, findings(), findings({ signedAt: now + 1 }))).toEqual([
      ['trouble signatures'],
      [],
      [],
      ['trouble-over signatures'],
    ])
  })

  it.each([
    ['there are fewer tries than Langfuse makes', signed, findings({ mismatches: four.slice(1) })],
    ['no event was ever signed validly', { ...signed, lastSignedAt: null }, findings({ mismatches: four })],
    ['valid ones came in between', signed, findings({ mismatches: four, signedAt: now - 1500 })],
  ])('is not made of unknown signatures where %s', (_, state, one) => {
    expect(reportsOf(state, one)).toEqual([[]])
  })

  it('of unknown signatures is reported at most once a day, no matter who sends them', () => {
    const at = (minutes: number, over: Partial<Findings> = {}) =>
      findings({
        now: now + minutes * minute,
        mismatches: four.map((one) => one + minutes * minute),
        ...over,
      })
    const good = (minutes: number) => at(minutes, { mismatches: [], signedAt: now + minutes * minute })
    const day = 24 * 60
    const reports = reportsOf(
      signed,
      at(0),
      good(5),
      at(20),
      good(25),
      at(day - 1),
      good(day - 1),
      at(day + 5),
    )
    expect(reports).toEqual([
      ['trouble signatures'],
      ['trouble-over signatures'],
      [],
      [],
      [],
      [],
      ['trouble signatures'],
    ])
  })

  it('is a secret of one project that signs for another, until it has not done so for a day', () => {
    const by = (projectId: string, hours = 0) =>
      findings({ now: now + hours * hour, signers: [{ hint: 'c0de', projectId }] })
    expect(reportsOf(signed, by('p1'), by('p1'), by('p2'), by('p2', 1), by('p1', 24), by('p1', 25))).toEqual([
      [],
      [],
      ['trouble secret'],
      [],
      [],
      ['trouble-over secret'],
    ])
  })

  it('names each secret by its last characters, with both projects', () => {
    const known = compareTroubles(
      withFindings(signed, findings({ signers: [{ hint: 'c0de', projectId: 'p1' }] })),
      findings(),
    )
    const both = findings({
      signers: [
        { hint: 'c0de', projectId: 'p2' },
        { hint: 'beef', projectId: 'p2' },
      ],
    })
    const { began } = compareTroubles(withFindings(known.state, both), both)
    expect(began).toHaveLength(1)
    expect(troubleTitle(began[0] as Parameters<typeof troubleTitle>[0], now)).toBe(
      'The webhook secret ending in c0de, used so far by project p1, now signs for project p2',
    )
  })

  it('is not a secret that has always signed for several projects', () => {
    const several = findings({
      signers: ['p1', 'p2'].map((projectId) => ({ hint: 'c0de', projectId })),
    })
    const third = findings({ signers: [{ hint: 'c0de', projectId: 'p3' }] })
    expect(reportsOf(signed, several, third)).toEqual([[], []])
  })

  it('keeps a bounded number of secrets and projects', () => {
    let state = signed
    for (let i = 0; i < 200; i++) {
      const one = findings({
        signers: [
          { hint: `s${i}`, projectId: 'p1' },
          { hint: 's0', projectId: `p${i}` },
        ],
      })
      state = compareTroubles(withFindings(state, one), one).state
    }
    expect(state.secrets?.length).toBeLessThanOrEqual(50)
    expect(state.secrets?.[0]?.projectIds.length).toBeLessThanOrEqual(20)
    expect(state.foreign.length).toBeLessThanOrEqual(50)
  })

  it('is a target that fails for a quarter of an hour, until it accepts a message', () => {
    const failing = (opened: number) => findings({ circuits: [{ ...well, opened, open_until: now + 1000 }] })
    expect(reportsOf(signed, failing(5), failing(6), failing(9), findings())).toEqual([
      [],
      ['trouble target slack'],
      [],
      ['trouble-over target slack'],
    ])
  })

  it('is a target that asks for time for a quarter of an hour, until it accepts a message', () => {
    const since = now - 15 * minute
    const asking = (over: object) =>
      findings({
        circuits: [{ ...well, limit: { since, until: now + 1000, waits: 5, send_window: 1, ...over } }],
      })
    expect(
      reportsOf(signed, asking({ since: since + 1 }), asking({}), asking({ waits: 9 }), findings()),
    ).toEqual([[], ['trouble target slack'], [], ['trouble-over target slack']])
  })

  it('is not a target that asked for time long ago and was sent nothing since', () => {
    const limit = { since: now - 5 * hour, until: now - 15 * minute - 1, waits: 5, send_window: 1 }
    expect(reportsOf(signed, findings({ circuits: [{ ...well, limit }] }))).toEqual([[]])
  })

  const stuckAt = (minutes: number) =>
    findings({ now: now + minutes * minute, overdueSince: now - 17 * 24 * hour })

  it('is a change that every run of ten minutes finds overdue, until all have settled', () => {
    const all = [0, 3, 6, 9, 10, 11, 70].map(stuckAt)
    expect(reportsOf(signed, ...all, findings({ now: now + 71 * minute }))).toEqual([
      ...[[], [], [], []],
      ['trouble overdue'],
      [],
      [],
      ['trouble-over overdue'],
    ])
  })

  it('is not a change that is overdue only because the watch did not run', () => {
    expect(reportsOf(signed, stuckAt(0), stuckAt(60), stuckAt(120))).toEqual([[], [], []])
  })

  it('counts events that come after the clock was set back', () => {
    const ahead = { ...signed, lastSignedAt: now + 72 * hour, lookedAt: now + 72 * hour }
    expect(withFindings(ahead, findings()).lastSignedAt).toBe(now)
    expect(withFindings(ahead, findings({ now: now + hour, signedAt: now + hour - 1 })).lastSignedAt).toBe(
      now + hour,
    )
  })

  it('ends without a report where the target is no longer configured', () => {
    const failing = findings({ circuits: [{ ...well, opened: 6, open_until: now }] })
    expect(reportsOf(signed, failing, findings({ circuits: [] }))).toEqual([['trouble target slack'], []])
  })

  it('has the same start in both reports', () => {
    const failing = (openUntil: number) =>
      findings({ circuits: [{ ...well, opened: 6, open_until: openUntil }] })
    const first = compareTroubles(signed, failing(now))
    const second = compareTroubles(first.state, failing(now + hour))
    const third = compareTroubles(second.state, findings())
    expect(third.ended[0]?.since).toBe(first.began[0]?.since)
  })

  it('says at its end how long it lasted', () => {
    const fact = { kind: 'trouble-over', what: 'target', target: 'slack', since: now - 42 * minute } as const
    expect(troubleTitle(fact, now)).toBe('slack accepts messages again, after 42 min')
    expect(troubleTitle({ ...fact, kind: 'trouble' }, now)).toBe('slack keeps failing')
  })
})

describe('a request with an unknown signature', () => {
  it("is probably Langfuse's where it names a known project and was tried again", () => {
    expect(likelyLangfuse([{ projectId: 'p1', at: [1, 2, 2, 2] }], ['p1'])).toEqual([1, 2, 2, 2])
  })

  it.each([
    ['one of another project', { projectId: 'p2', at: [1, 2, 3, 4] }],
    ['one of no project', { projectId: null, at: [1, 2, 3, 4] }],
    ['one that came once', { projectId: 'p1', at: [1] }],
  ])('%s is not', (_, refused) => {
    expect(likelyLangfuse([refused], ['p1'])).toEqual([])
  })
})
