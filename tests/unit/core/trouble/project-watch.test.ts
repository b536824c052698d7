import { describe, expect, it } from 'vitest'
import { incidentOf } from '#lib/core/change/incident.ts'
import type { ProjectSeen } from '#lib/core/trouble/project-watch.ts'
import { troubleFix, troubleTitle, troubleWords } from '#lib/core/trouble/trouble.ts'
import {
  compareTroubles,
  type Findings,
  freshWatch,
  type WatchState,
  watchState,
  withFindings,
} from '#lib/core/trouble/watch.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const start = Date.UTC(2026, 10, 27, 2, 0)
const url = 'https://cloud.langfuse.com/project/p1/automations'

const seen = (over: Partial<ProjectSeen> = {}): ProjectSeen => ({
  ...{ name: 'support', isOnly: false, id: 'p1', url, signedAt: null, missed: 0, missedAt: null },
  ...{ away: [], otherId: null, held: null, ...over },
})
const findings = (now: number, ...projects: ProjectSeen[]): Findings => ({
  ...{ now, signedAt: null, signers: [], mismatches: [], overdueSince: null, circuits: [], projects },
})

/** One run at each time; what each reports. */
function reports(...runs: [at: number, ...projects: ProjectSeen[]][]): string[][] {
  let state: WatchState = { ...freshWatch, startedAt: start - day, lookedAt: start - minute }
  return runs.map(([at, ...projects]) => {
    const found = findings(at, ...projects)
    const result = compareTroubles(withFindings(state, found), found)
    // As it is stored and read again.
    state = watchState.parse(JSON.parse(JSON.stringify(result.state)))
    return [...result.began, ...result.ended].map((fact) => troubleTitle(fact, at))
  })
}
const at = (minutes: number) => start + minutes * minute

describe('webhooks that do not come', () => {
  it('are reported as an automation that is probably switched off, until one comes', () => {
    expect(
      reports(
        [at(0), seen({ signedAt: at(0) })],
        [at(10), seen({ missed: 1, missedAt: at(5) })],
        [at(20), seen({ missed: 2, missedAt: at(15) })],
        [at(30), seen({ missed: 9, missedAt: at(25) })],
        [at(40), seen({ missed: 9, missedAt: at(25), signedAt: at(39) })],
        [at(50), seen({ missed: 9, missedAt: at(25) })],
      ),
    ).toEqual([
      [],
      [],
      ['No webhook of support has come since 2026-11-27 02:00 UTC, although 2 changes were made'],
      [],
      ['Webhooks of support come again, after 40 min'],
      [],
    ])
  })

  it('are not reported where the endpoint failed or nothing ran when they should have come', () => {
    const away = [{ from: at(4), to: at(6) }]
    expect(
      reports(
        [at(0), seen({ signedAt: at(0) })],
        [at(10), seen({ missed: 20, missedAt: at(5), away })],
        [at(20), seen({ missed: 20, missedAt: at(5), away })],
        // Missed after it: that is another matter.
        [at(30), seen({ missed: 22, missedAt: at(25), away })],
      ).map(({ length }) => length),
    ).toEqual([0, 0, 0, 1])
  })

  it('are explained by a time in which no instance watched', () => {
    const state = { ...freshWatch, startedAt: 0, lookedAt: at(0) }
    expect(withFindings(state, findings(at(1))).away).toBeNull()
    expect(withFindings(state, findings(at(2))).away).toEqual({ from: at(0), to: at(2) })
    const later = withFindings(state, findings(at(60)))
    expect(later.away).toEqual({ from: at(0), to: at(60) })
    expect(withFindings(later, findings(at(61))).away).toEqual({ from: at(0), to: at(60) })
  })

  it('are reported as a filter where others come in between, until none is missing for a day', () => {
    expect(
      reports(
        [at(0), seen({ signedAt: at(0) })],
        [at(10), seen({ missed: 1, missedAt: at(5) })],
        [at(20), seen({ missed: 1, missedAt: at(5), signedAt: at(15) })],
        [at(30), seen({ missed: 2, missedAt: at(25) })],
        [at(40), seen({ missed: 2, missedAt: at(25), signedAt: at(35) })],
        [at(50), seen({ missed: 3, missedAt: at(45) })],
        [at(60), seen({ missed: 5, missedAt: at(55), signedAt: at(59) })],
        [at(55) + day - 1, seen({ missed: 5, missedAt: at(55) })],
        [at(55) + day, seen({ missed: 5, missedAt: at(55) })],
      ),
    ).toEqual([
      ...[[], [], [], [], []],
      ['Some webhooks of support do not come, although others do'],
      ...[[], []],
      ['No webhook of support has been missing for a day, after 1 d'],
    ])
  })

  it('of one time without webhooks are no filter, however late and in however many parts they are found', () => {
    expect(
      reports(
        [at(0), seen({ signedAt: at(0) })],
        [at(60), seen({ signedAt: at(60) })],
        [at(62), seen({ missed: 4, missedAt: at(30) })],
        [at(63), seen({ missed: 9, missedAt: at(50) })],
        [at(70), seen({ missed: 9, missedAt: at(50), signedAt: at(69) })],
      ),
    ).toEqual([[], [], [], [], []])
  })

  it('are counted from the first run on, and for each project on its own', () => {
    const other = (over: Partial<ProjectSeen> = {}) => seen({ name: 'sales', id: 'p2', ...over })
    expect(
      reports(
        [at(0), seen({ missed: 500, missedAt: at(-5) }), other()],
        [at(10), seen({ missed: 500, missedAt: at(-5) }), other({ missed: 2, missedAt: at(9) })],
      ),
    ).toEqual([[], ['No webhook of sales has come since 2026-11-27 02:09 UTC, although 2 changes were made']])
  })

  it('are not over where their project is no longer configured', () => {
    expect(
      reports([at(0), seen()], [at(10), seen({ missed: 2, missedAt: at(9) })], [at(11)]).map(
        ({ length }) => length,
      ),
    ).toEqual([0, 1, 0])
  })

  it('do not report anything while the clock is set back, and go on after it', () => {
    const far = at(0) + 365 * day
    expect(
      reports(
        [far, seen({ signedAt: far })],
        [at(10), seen({ missed: 2, missedAt: far - minute })],
        [at(20), seen({ missed: 4, missedAt: at(19) })],
      ).map(({ length }) => length),
    ).toEqual([0, 0, 0])
  })

  it('are not reported a second time as silence', () => {
    const silent: WatchState = { ...freshWatch, startedAt: 0, lookedAt: at(19), changedAt: at(5) }
    const gap = { until: null, lastAt: at(15), count: 2 }
    const project = { name: 'support', missed: 2, signed: [at(0)], gaps: [gap], otherSince: null }
    const found = findings(at(20), seen({ missed: 2, missedAt: at(15) }))
    const began = (state: WatchState) => compareTroubles(withFindings(state, found), found).began
    expect(began({ ...silent, projects: [project] }).map(({ what }) => what)).toEqual(['webhooks'])
    expect(began(silent).map(({ what }) => what)).toEqual(['quiet'])
  })
})

describe('the troubles of a project', () => {
  it('are keys of another project, and that they are right again', () => {
    expect(
      reports(
        [at(0), seen()],
        [at(1), seen({ otherId: 'p9' })],
        [at(2), seen({ otherId: 'p9' })],
        [at(62), seen()],
      ),
    ).toEqual([
      [],
      ['The API keys of support belong to the project p9, no longer to p1'],
      [],
      ['The API keys of support belong to p1 again, after 1 h 1 min'],
    ])
  })

  it('are deletions that someone has to confirm', () => {
    const held = { versions: 1200, since: at(0) }
    expect(
      reports([at(0), seen({ held })], [at(1), seen({ held: { ...held, versions: 1300 } })], [at(2), seen()]),
    ).toEqual([
      ['1,200 versions of support are gone in Langfuse, and their deletion is not reported'],
      [],
      [
        'The versions of support that were gone are there again, or their deletion was confirmed, after 2 min',
      ],
    ])
  })

  it('need no name where there is one project', () => {
    const project = { name: 'default', isOnly: true, id: 'p1', url, missed: 3, some: false }
    const about = { what: 'webhooks' as const, target: null, since: at(0), project }
    expect(troubleWords(about)).toBe(
      'No webhook has come since 2026-11-27 02:00 UTC, although 3 changes were made',
    )
  })

  it('link to the automations in Langfuse', () => {
    const fix = (some: boolean) =>
      troubleFix({ what: 'webhooks', target: null, project: { name: 'a', id: 'p1', url, some } })
    expect(fix(false)).toContain(`probably switched off`)
    expect(fix(true)).toContain('probably has a filter')
    for (const some of [true, false]) expect(fix(some)).toContain(`Open ${url}`)
  })

  it('are an incident of their own for each project', () => {
    const keys = ['support', 'sales'].map((name) => {
      const project = { name, id: null, url: null }
      const fact = { kind: 'trouble' as const, what: 'webhooks' as const, target: null, since: 5, project }
      return incidentOf({ projectId: null }, fact)?.key
    })
    expect(keys).toEqual(['prompt-relay:webhooks:support:5', 'prompt-relay:webhooks:sales:5'])
  })
})
