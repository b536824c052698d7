import { describe, expect, it } from 'vitest'
import { pathSegment } from '#lib/base/url-path.ts'
import { emptyDetail } from '#lib/core/change/change.ts'
import { callbackLinks, promptUrl, traceUrl } from '#lib/core/change/links.ts'
import { promptPath } from '../../../../app/(dashboard)/_words/prompt-path.ts'

const base = 'https://l.example/base'

/** As a browser would request it. */
const pathIn = (url: string | null): string | null => (url === null ? null : new URL(url).pathname)

describe('a URL made of a name', () => {
  it.each(['.', '..', ''])('does not exist for %j', (name) => {
    expect(pathSegment(name)).toBeNull()
    expect(promptUrl(base, 'p1', name, 2)).toBeNull()
    expect(promptUrl(base, name, 'x', 2)).toBeNull()
    expect(traceUrl(base, 'p1', { traceId: name, observationId: null })).toBeNull()
  })

  it.each(['...', '%2e%2e', 'a/../b', '../..', './x', '..;', ' ..', '..\\..', '\ud800', '?', '#', 'a b'])(
    'of %j leads to it and nowhere else',
    (name) => {
      const path = pathIn(promptUrl(base, 'p1', name, null))
      expect(decodeURIComponent(path?.replace('/base/project/p1/prompts/', '') ?? '')).toBe(
        name.toWellFormed(),
      )
    },
  )

  it.each(['.', '..', 'a/..', '../x', '%2e%2e', '..;', '\ud800'])(
    'of the page of %j stays on that page',
    (name) => {
      const { pathname, searchParams } = new URL(promptPath(name), 'https://relay.example')
      const shown = searchParams.get('name') ?? decodeURIComponent(pathname.replace('/prompts/', ''))
      expect(shown).toBe(name.toWellFormed())
    },
  )

  it("is left out for a trace named `..` in a callback, while the session's stays", () => {
    const ids = { traceId: '..', observationId: null, sessionId: 's1' }
    const facts = [{ kind: 'trace-callback' as const, ...ids, confirmed: true }]
    expect(callbackLinks({ projectId: 'p1', detail: { ...emptyDetail, facts } }, base)).toEqual([
      { label: 'Open the session', url: `${base}/project/p1/sessions/s1` },
    ])
  })
})
