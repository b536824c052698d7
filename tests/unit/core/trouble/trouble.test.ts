import { describe, expect, it } from 'vitest'
import { type Circuit, failingSince } from '#lib/core/delivery/circuit.ts'
import {
  afterLook,
  askFor,
  compare,
  freshWatch,
  type Look,
  troubleTitle,
  type WatchState,
} from '#lib/core/trouble/trouble.ts'

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
const look = (over: Partial<Look> = {}): Look => ({
  now,
  signedAt: null,
  signers: [],
  mismatches: [],
  overdueSince: null,
  circuits: [well],
  ...over,
})
const heard: WatchState = { ...freshWatch, startedAt: 0, lookedAt: now - minute, lastSignedAt: now - hour }
const four = [1, 2, 3, 4].map((i) => now - i * 1000)

/** One look after another; what was told at each. */
function looks(state: WatchState, ...all: Look[]): string[][] {
  let current = state
  return all.map((one) => {
    const result = compare(afterLook(current, one), one)
    current = result.state
    return [...result.began, ...result.ended].map((fact) =>
      `${fact.kind} ${fact.what} ${fact.target ?? ''}`.trim(),
    )
  })
}

describe('asking Langfuse whether prompts changed', () => {
  it('is done only when no signed event came for as long as is quiet', () => {
    const silent = { ...heard, lastSignedAt: now - quietMs }
    expect(askFor(silent, { now, quietMs })).toEqual({
      from: now - quietMs + 10 * minute,
      to: now - 10 * minute,
    })
    expect(askFor({ ...silent, lastSignedAt: now - quietMs + 1 }, { now, quietMs })).toBeNull()
  })

  it('counts from the first look where no event ever came', () => {
    const never = { ...freshWatch, startedAt: now - quietMs + 1 }
    expect(askFor(never, { now, quietMs })).toBeNull()
    expect(askFor(never, { now: now + 1, quietMs })).not.toBeNull()
    expect(askFor(freshWatch, { now, quietMs })).toBeNull()
  })

  it('is done once an hour, never while the answer is known, and never where it is switched off', () => {
    const silent = { ...heard, lastSignedAt: now - 3 * quietMs, askedAt: now - hour + 1 }
    expect(askFor(silent, { now, quietMs })).toBeNull()
    expect(askFor(silent, { now: now + 1, quietMs })).not.toBeNull()
    expect(askFor({ ...silent, changedAt: now }, { now: now + hour, quietMs })).toBeNull()
    expect(askFor(silent, { now: now + hour, quietMs: 0 })).toBeNull()
  })
})

describe('what goes wrong around the relay', () => {
  it('is told once, and its end once', () => {
    const quiet = { ...heard, changedAt: now - minute }
    expect(looks(quiet, look(), look(), look({ signedAt: now }), look())).toEqual([
      ['trouble quiet'],
      [],
      ['trouble-over quiet'],
      [],
    ])
  })

  it('is a delivery with an unknown signature after good ones, until one is right again', () => {
    const wrong = look({ mismatches: four })
    expect(looks(heard, wrong, wrong, look(), look({ signedAt: now + 1 }))).toEqual([
      ['trouble signatures'],
      [],
      [],
      ['trouble-over signatures'],
    ])
  })

  it.each([
    ['there are fewer tries than Langfuse makes', heard, look({ mismatches: four.slice(1) })],
    ['no event was ever signed right', { ...heard, lastSignedAt: null }, look({ mismatches: four })],
    ['good ones came meanwhile', heard, look({ mismatches: four, signedAt: now - 1500 })],
  ])('is no burst where %s', (_, state, one) => {
    expect(looks(state, one)).toEqual([[]])
  })

  it('is reported of unknown signatures once a day at most, whoever sends them', () => {
    const at = (minutes: number, over: Partial<Look> = {}) =>
      look({ now: now + minutes * minute, mismatches: four.map((one) => one + minutes * minute), ...over })
    const good = (minutes: number) => at(minutes, { mismatches: [], signedAt: now + minutes * minute })
    const day = 24 * 60
    const told = looks(heard, at(0), good(5), at(20), good(25), at(day - 1), good(day - 1), at(day + 5))
    expect(told).toEqual([
      ['trouble signatures'],
      ['trouble-over signatures'],
      [],
      [],
      [],
      [],
      ['trouble signatures'],
    ])
  })

  it('is a secret that was used for one project and signs for another, until it has not for a day', () => {
    const by = (projectId: string, hours = 0) =>
      look({ now: now + hours * hour, signers: [{ hint: 'c0de', projectId }] })
    expect(looks(heard, by('p1'), by('p1'), by('p2'), by('p2', 1), by('p1', 24), by('p1', 25))).toEqual([
      [],
      [],
      ['trouble secret'],
      [],
      [],
      ['trouble-over secret'],
    ])
  })

  it('is told apart for each secret, with its last characters and both projects', () => {
    const known = compare(afterLook(heard, look({ signers: [{ hint: 'c0de', projectId: 'p1' }] })), look())
    const both = look({
      signers: [
        { hint: 'c0de', projectId: 'p2' },
        { hint: 'beef', projectId: 'p2' },
      ],
    })
    const { began } = compare(afterLook(known.state, both), both)
    expect(began).toHaveLength(1)
    expect(troubleTitle(began[0] as Parameters<typeof troubleTitle>[0], now)).toBe(
      'The webhook secret that ends in c0de, until now used by project p1, signs for project p2',
    )
  })

  it('is no secret that signed for several projects ever since', () => {
    const several = look({
      signers: ['p1', 'p2'].map((projectId) => ({ hint: 'c0de', projectId })),
    })
    const third = look({ signers: [{ hint: 'c0de', projectId: 'p3' }] })
    expect(looks(heard, several, third)).toEqual([[], []])
  })

  it('keeps what it knows of secrets within bounds', () => {
    let state = heard
    for (let i = 0; i < 200; i++) {
      const one = look({
        signers: [
          { hint: `s${i}`, projectId: 'p1' },
          { hint: 's0', projectId: `p${i}` },
        ],
      })
      state = compare(afterLook(state, one), one).state
    }
    expect(state.secrets?.length).toBeLessThanOrEqual(50)
    expect(state.secrets?.[0]?.projectIds.length).toBeLessThanOrEqual(20)
    expect(state.foreign.length).toBeLessThanOrEqual(50)
  })

  it('is a target that fails for a quarter of an hour, until it takes something', () => {
    const failing = (opened: number) => look({ circuits: [{ ...well, opened, open_until: now + 1000 }] })
    expect(looks(heard, failing(5), failing(6), failing(9), look())).toEqual([
      [],
      ['trouble target slack'],
      [],
      ['trouble-over target slack'],
    ])
  })

  it('is a target that has asked for time for a quarter of an hour, until it takes something', () => {
    const since = now - 15 * minute
    const asking = (over: object) =>
      look({
        circuits: [{ ...well, limit: { since, until: now + 1000, waits: 5, send_window: 1, ...over } }],
      })
    expect(looks(heard, asking({ since: since + 1 }), asking({}), asking({ waits: 9 }), look())).toEqual([
      [],
      ['trouble target slack'],
      [],
      ['trouble-over target slack'],
    ])
  })

  it('is no target that asked for time long ago, and was sent nothing since', () => {
    const limit = { since: now - 5 * hour, until: now - 15 * minute - 1, waits: 5, send_window: 1 }
    expect(looks(heard, look({ circuits: [{ ...well, limit }] }))).toEqual([[]])
  })

  const stuckAt = (minutes: number) =>
    look({ now: now + minutes * minute, overdueSince: now - 17 * 24 * hour })

  it('is a change that ten minutes of looks found overdue, until all have settled', () => {
    const all = [0, 3, 6, 9, 10, 11, 70].map(stuckAt)
    expect(looks(heard, ...all, look({ now: now + 71 * minute }))).toEqual([
      ...[[], [], [], []],
      ['trouble overdue'],
      [],
      [],
      ['trouble-over overdue'],
    ])
  })

  it('is no change that is overdue only because nobody looked', () => {
    expect(looks(heard, stuckAt(0), stuckAt(60), stuckAt(120))).toEqual([[], [], []])
  })

  it('goes by events that come after the clock was set back', () => {
    const ahead = { ...heard, lastSignedAt: now + 72 * hour, lookedAt: now + 72 * hour }
    expect(afterLook(ahead, look()).lastSignedAt).toBe(now)
    expect(afterLook(ahead, look({ now: now + hour, signedAt: now + hour - 1 })).lastSignedAt).toBe(
      now + hour,
    )
  })

  it('is forgotten without a word where the target is no longer configured', () => {
    const failing = look({ circuits: [{ ...well, opened: 6, open_until: now }] })
    expect(looks(heard, failing, look({ circuits: [] }))).toEqual([['trouble target slack'], []])
  })

  it('has the same beginning when it ends as when it began', () => {
    const failing = (openUntil: number) => look({ circuits: [{ ...well, opened: 6, open_until: openUntil }] })
    const first = compare(heard, failing(now))
    const second = compare(first.state, failing(now + hour))
    const third = compare(second.state, look())
    expect(third.ended[0]?.since).toBe(first.began[0]?.since)
  })

  it('is said in words that tell how long it lasted', () => {
    const fact = { kind: 'trouble-over', what: 'target', target: 'slack', since: now - 42 * minute } as const
    expect(troubleTitle(fact, now)).toBe('slack takes messages again, after 42 min')
    expect(troubleTitle({ ...fact, kind: 'trouble' }, now)).toBe('slack keeps failing')
  })
})

describe('a circuit', () => {
  it('tells since when it fails, once that is a quarter of an hour', () => {
    expect(failingSince({ ...well, opened: 5, open_until: now }, now)).toBeNull()
    const pauses = (30 + 60 + 120 + 240 + 480 + 600) * 1000
    expect(failingSince({ ...well, opened: 6, open_until: now }, now)).toBe(now - pauses)
  })
})
