import { type StandIn, startStandIn } from './stand-in.ts'

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

const dispatches = /^\/repos\/[\w.-]+\/[\w.-]+\/dispatches$/

/** GitHub's API, as far as a dispatch needs it. */
export const startGithubStandIn = (port?: number): Promise<StandIn> =>
  startStandIn(({ method, path, headers, body, size }) => {
    const json = { 'content-type': 'application/json; charset=utf-8' }
    const say = (status: number, message: string) => ({
      status,
      headers: json,
      body: JSON.stringify({
        message,
        documentation_url: 'https://docs.github.com/rest',
        status: String(status),
      }),
    })
    if (!/^(token|bearer) \S+$/i.test(headers.authorization ?? '')) return say(401, 'Bad credentials')
    if (method !== 'POST' || !dispatches.test(path)) return say(404, 'Not Found')
    const [problem] = githubProblems(body, size)
    return problem === undefined ? { status: 204 } : say(422, `Invalid request.\n\n${problem}`)
  }, port)
