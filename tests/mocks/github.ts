import { createVerify, generateKeyPairSync } from 'node:crypto'
import type { GithubApp } from '#lib/core/rules/target-settings.ts'
import { type Answered, type SeenRequest, type StandIn, startStandIn } from './stand-in.ts'
import type { TargetStandIn } from './targets.ts'

/** What GitHub would refuse in a dispatch: https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event */
export function githubProblems(body: unknown, size: number): string[] {
  if (typeof body !== 'object' || body === null) return ['Body should be a JSON object']
  const { event_type, client_payload } = body as { event_type?: unknown; client_payload?: unknown }
  const properties = Object.keys((client_payload as object) ?? {}).length
  return [
    ...(typeof event_type === 'string' && event_type.length > 0 && event_type.length <= 100
      ? []
      : ['event_type must have 1 to 100 characters']),
    ...(properties > 10 ? [`No more than 10 properties are allowed; ${properties} were supplied.`] : []),
    ...(size >= 65_536 ? ['client_payload is too large'] : []),
  ]
}

const repositories = /^\/repos\/[\w.-]+\/[\w.-]+$/
const dispatches = /^\/repos\/[\w.-]+\/[\w.-]+\/dispatches$/

const json = { 'content-type': 'application/json; charset=utf-8' }
const say = (status: number, message: string): Answered => ({
  status,
  headers: json,
  body: JSON.stringify({
    message,
    documentation_url: 'https://docs.github.com/rest',
    status: String(status),
  }),
})

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })

/** A made-up app with one installation. */
export const githubApp: GithubApp = {
  id: '123456',
  privateKey: keys.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  installationId: '7654321',
}

const parsed = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))

/** Why GitHub would refuse a JWT of the app; https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app */
function jwtProblem(authorization: string, now: number): string | null {
  const [header = '', payload = '', signature = ''] = authorization.replace(/^bearer /i, '').split('.')
  const signed = createVerify('RSA-SHA256').update(`${header}.${payload}`)
  if (signature === '' || !signed.verify(keys.publicKey, signature, 'base64url'))
    return 'A JSON web token could not be decoded'
  const { iss, iat, exp } = parsed(payload)
  if (String(iss) !== githubApp.id) return 'Integration not found'
  if (exp - iat > 600 || iat > now / 1000 || exp < now / 1000)
    return "'Issued at' claim ('iat') must be in the past"
  return null
}

/** Made up: the token of the app's nth request. */
export const installationToken = (count: number): string => `ghs_plantedInstallationToken${count}`

/** Answers the app's requests for a token; null: it is another request. */
export function installationTokens(
  now: () => number,
  tokenOf = installationToken,
): (request: SeenRequest) => Answered | null {
  let count = 0
  return ({ method, path, headers }) => {
    const [, installation] = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path) ?? []
    if (installation === undefined || method !== 'POST') return null
    const problem = jwtProblem(headers.authorization ?? '', now())
    if (problem !== null) return say(401, problem)
    if (installation !== githubApp.installationId) return say(404, 'Not Found')
    count += 1
    const expires_at = new Date(now() + 3_600_000).toISOString()
    const permissions = { contents: 'write', metadata: 'read' }
    const token = tokenOf(count)
    return { status: 201, headers: json, body: JSON.stringify({ token, expires_at, permissions }) }
  }
}

/** GitHub's API, as far as a dispatch needs it. */
export function startGithubStandIn(port?: number, now: () => number = Date.now): Promise<StandIn> {
  const token = installationTokens(now)
  return startStandIn((request) => {
    const { method, path, headers, body, size } = request
    const granted = token(request)
    if (granted) return granted
    if (!/^(token|bearer) \S+$/i.test(headers.authorization ?? '')) return say(401, 'Bad credentials')
    if (method === 'GET' && repositories.test(path))
      return { status: 200, headers: json, body: JSON.stringify({ permissions: { pull: true, push: true } }) }
    if (method !== 'POST' || !dispatches.test(path)) return say(404, 'Not Found')
    const [problem] = githubProblems(body, size)
    return problem === undefined ? { status: 204 } : say(422, `Invalid request.\n\n${problem}`)
  }, port)
}

const token = 'github_pat_plantedSecret0123456789'

export const github: TargetStandIn<'github'> = {
  start: ({ port, now } = {}) => startGithubStandIn(port, now),
  target: (apiUrl) => ({
    type: 'github',
    repo: 'acme/prompts',
    token,
    apiUrl,
    eventType: 'prompt-updated',
  }),
  secret: token,
}
