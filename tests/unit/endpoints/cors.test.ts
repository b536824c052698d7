import { describe, expect, it } from 'vitest'
import { readEnv } from '#lib/base/env.ts'
import { problemText } from '#lib/base/problem.ts'
import { corsHeaders, originOf, preflightHeaders } from '#lib/endpoints/cors.ts'

function environment(source: Record<string, string> = {}) {
  const { env, problems } = readEnv({ LANGFUSE_BASE_URL: 'https://langfuse.example.com/base', ...source })
  if (!env) throw new Error(problems.join(' '))
  return env
}
const env = environment()
const from = (origin: string, more: Record<string, string> = {}) => new Headers({ origin, ...more })

describe('a page may call', () => {
  it.each([
    ['from Langfuse itself, whatever path it has', 'https://langfuse.example.com', {}],
    [
      'from an origin that is named',
      'https://a.example',
      { LANGFUSE_ORIGINS: 'https://a.example/, http://b:3000' },
    ],
    ['from the other one too', 'http://b:3000', { LANGFUSE_ORIGINS: 'https://a.example http://b:3000' }],
  ])('%s', (_, origin, source) => {
    expect(originOf(from(origin), environment(source))).toEqual({ from: 'page', origin, isAllowed: true })
    expect(corsHeaders(from(origin), environment(source))).toEqual({
      vary: 'Origin',
      'access-control-allow-origin': origin,
    })
  })

  it.each([
    'https://langfuse.example.com.evil.example',
    'https://evil-langfuse.example.com',
    'http://langfuse.example.com',
    'https://langfuse.example.com:8443',
    'https://LANGFUSE.example.com',
    'https://langfuse.example.com/',
    'null',
    '*',
    '',
  ])('but not from %j, and gets no CORS headers', (origin) => {
    expect(originOf(from(origin), env)).toMatchObject({ isAllowed: false })
    expect(corsHeaders(from(origin), env)).toEqual({ vary: 'Origin' })
    const asked = from(origin, { 'access-control-request-headers': 'content-type' })
    expect(preflightHeaders(asked, env)).not.toHaveProperty('access-control-allow-origin')
  })

  it('from nowhere else once origins are named', () => {
    const named = environment({ LANGFUSE_ORIGINS: 'https://a.example' })
    expect(originOf(from('https://langfuse.example.com'), named)).toMatchObject({ isAllowed: false })
  })
})

it('a server names no origin', () => {
  expect(originOf(new Headers(), env)).toEqual({ from: 'server' })
  expect(corsHeaders(new Headers(), env)).toEqual({ vary: 'Origin' })
})

describe('a preflight', () => {
  const custom = environment({ CALLBACK_HEADERS: 'X-Team, x-run', CALLBACK_TOKEN_HEADER: 'X-Token' })
  const allowed = (asked: string, of = custom) =>
    preflightHeaders(from('https://langfuse.example.com', { 'access-control-request-headers': asked }), of)[
      'access-control-allow-headers'
    ]

  it('is answered for an hour, for POST alone', () => {
    expect(preflightHeaders(from('https://langfuse.example.com'), env)).toMatchObject({
      'access-control-allow-methods': 'POST',
      'access-control-max-age': '3600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    })
  })

  it.each([
    ['content-type', 'content-type'],
    ['content-type,x-team', 'content-type, x-team'],
    ['X-Token, X-RUN', 'x-token, x-run'],
    ['x-team-2,xteam', undefined],
    ['authorization', undefined],
    ['*', undefined],
    ['', undefined],
  ])('that asks for %j may send %j', (asked, answer) => {
    expect(allowed(asked)).toBe(answer)
  })

  it('may ask for `authorization` where the token comes in it', () => {
    expect(allowed('authorization,content-type', env)).toBe('content-type, authorization')
  })
})

describe('the configuration of callbacks is refused where', () => {
  it.each([
    ['any origin is allowed', { LANGFUSE_ORIGINS: '*' }],
    ['an origin has a path', { LANGFUSE_ORIGINS: 'https://a.example/app' }],
    ['an origin has no scheme', { LANGFUSE_ORIGINS: 'a.example' }],
    ['an origin is no web address', { LANGFUSE_ORIGINS: 'file:///a' }],
    ['one of several is wrong', { LANGFUSE_ORIGINS: 'https://a.example,b.example' }],
    ['a header has a blank', { CALLBACK_TOKEN_HEADER: 'x token' }],
    ['a header has a line break', { CALLBACK_TOKEN_HEADER: 'x\r\ny' }],
    ['one of several headers is wrong', { CALLBACK_HEADERS: 'x-a, x:b' }],
    ['the token is short', { CALLBACK_TOKEN: 'fifteen-letters' }],
  ])('%s', (_, source) => {
    const [[name = '', value = ''] = []] = Object.entries(source)
    const problems = readEnv(source).problems.map(problemText)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(name)
    expect(problems[0]).not.toContain(` ${value} `)
  })
})
