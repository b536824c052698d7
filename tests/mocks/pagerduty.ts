import { type StandIn, startStandIn } from './stand-in.ts'
import type { TargetStandIn } from './targets.ts'

/** Made up. */
export const pagerdutyKey = 'standInPlantedKey0123456789abcde'

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function payloadProblems(payload: unknown, needed: readonly string[]): string[] {
  if (!isObject(payload)) return ["'payload' is missing or blank"]
  const { summary, severity, timestamp } = payload
  return [
    ...needed.filter((name) => !payload[name]).map((name) => `'payload.${name}' is missing or blank`),
    ...(typeof summary === 'string' && summary.length > 1024
      ? ["Length of 'payload.summary' is incorrect (should be at most 1024 characters)"]
      : []),
    ...(needed.includes('severity') && !['critical', 'error', 'warning', 'info'].includes(String(severity))
      ? [
          "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
        ]
      : []),
    ...(timestamp !== undefined && Number.isNaN(Date.parse(String(timestamp)))
      ? ["'payload.timestamp' is invalid (must be in ISO 8601 format)"]
      : []),
  ]
}

function linkProblems(links: unknown): string[] {
  if (links === undefined) return []
  if (!Array.isArray(links)) return ["'links' must be an array"]
  const isFine = (link: unknown) => isObject(link) && /^https?:\/\/\S+$/.test(String(link.href))
  return links.every(isFine) ? [] : ["'links' holds one without a web address"]
}

/** What PagerDuty would refuse in an event: https://developer.pagerduty.com/docs/send-alert-event, …/send-change-event */
export function pagerdutyProblems(path: string, body: unknown, size: number): string[] {
  if (!isObject(body)) return ['Event is not a JSON object']
  if (size > 512 * 1024) return ['Event is larger than 512 KB']
  const { routing_key, event_action, dedup_key, payload, links } = body
  const key =
    typeof routing_key === 'string' && routing_key.length === 32
      ? []
      : ["Length of 'routing_key' is incorrect (should be 32 characters)"]
  if (path === '/v2/change/enqueue')
    return [
      ...key,
      // Those of rulesets begin with R: https://developer.pagerduty.com/docs/events-api-v2-overview#getting-started
      ...(String(routing_key).startsWith('R') ? ["'routing_key' of a ruleset takes no change events"] : []),
      ...payloadProblems(payload, ['summary']),
      ...linkProblems(links),
    ]
  const isAction = ['trigger', 'acknowledge', 'resolve'].includes(String(event_action))
  const isKey = typeof dedup_key === 'string' && dedup_key.length <= 255
  const needed = event_action === 'trigger' ? ['summary', 'source', 'severity'] : null
  return [
    ...key,
    ...(isAction ? [] : ["'event_action' is invalid"]),
    ...(isKey || (dedup_key === undefined && event_action === 'trigger') ? [] : ["'dedup_key' is invalid"]),
    ...(needed ? payloadProblems(payload, needed) : []),
    ...linkProblems(links),
  ]
}

/** PagerDuty's Events API v2: `incidents` are the open ones, by their key. */
export async function startPagerdutyStandIn(port?: number): Promise<StandIn & { incidents: Set<string> }> {
  const incidents = new Set<string>()
  const standIn = await startStandIn(({ method, path, body, size }) => {
    const say = (status: number, answer: object) => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(answer),
    })
    if (!/^\/v2\/(change\/)?enqueue$/.test(path)) return say(404, { message: 'Not Found' })
    if (method !== 'POST') return say(405, { message: 'Method Not Allowed' })
    const errors = pagerdutyProblems(path, body, size)
    if (errors.length > 0)
      return say(400, { status: 'invalid event', message: 'Event object is invalid', errors })
    const { event_action, dedup_key = 'made-up' } = body as { event_action?: string; dedup_key?: string }
    if (event_action === 'trigger') incidents.add(dedup_key)
    if (event_action === 'resolve') incidents.delete(dedup_key)
    return say(202, { status: 'success', message: 'Event processed', ...(event_action && { dedup_key }) })
  }, port)
  return { ...standIn, incidents }
}

export const pagerduty: TargetStandIn<'pagerduty'> = {
  start: ({ port } = {}) => startPagerdutyStandIn(port),
  target: (eventsUrl) => ({ type: 'pagerduty', routingKey: pagerdutyKey, eventsUrl }),
  secret: pagerdutyKey,
}
