import { unstable_doesMiddlewareMatch } from 'next/experimental/testing/server.js'
import { describe, expect, it } from 'vitest'
import { config } from '../../proxy.ts'

const matches = (path: string): boolean =>
  unstable_doesMiddlewareMatch({ config, nextConfig: {}, url: `http://localhost${path}` })

describe('the proxy', () => {
  it.each(['/', '/login', '/events', '/changes/chg_1', '/events/evt_1/body', '/nowhere', '/apiary'])(
    'matches %s',
    (path) => {
      expect(matches(path)).toBe(true)
    },
  )

  it.each([
    '/api',
    '/api/',
    '/api/webhooks/langfuse',
    '/api/webhooks/langfuse/',
    '/api/health',
    '/api/cron?x=1',
    '/_next/static/chunks/a.js',
  ])('does not match %s', (path) => {
    expect(matches(path)).toBe(false)
  })
})
