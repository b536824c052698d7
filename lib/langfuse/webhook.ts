import { z } from 'zod'
import { type JsonObject, type JsonRefusal, readJsonObject } from '../base/json.ts'
import { own } from './body.ts'
import { type OpenedEvent, openEvent } from './opened-event.ts'
import { checkAge, type SignatureRefusal, type SignatureScheme, verifySignature } from './signature.ts'

export interface WebhookRequest {
  headers: Headers
  /** Exactly as received. */
  rawBody: Uint8Array
  secrets: readonly string[]
  schemes: readonly SignatureScheme[]
  toleranceSeconds: number
  /** Epoch milliseconds. */
  now: number
}

export interface OpenedWebhook extends OpenedEvent {
  ok: true
  signature: SignatureScheme
  /** The place of the secret that signed it. */
  secretAt: number
  secretHint: string
}

export interface RefusedWebhook {
  ok: false
  status: 400 | 401 | 503
  reason: 'no-secret' | 'signature-undated' | SignatureRefusal['reason'] | JsonRefusal['reason']
  /** A sentence with numbers, fit to be stored and shown. */
  message: string
}

const time = z.iso.datetime({ offset: true }).transform((iso) => Date.parse(iso))

const timestampOf = (body: JsonObject): number | null => time.safeParse(own(body, 'timestamp')).data ?? null

const refuse = (
  status: RefusedWebhook['status'],
  { reason, message }: Pick<RefusedWebhook, 'reason' | 'message'>,
): RefusedWebhook => ({ ok: false, status, reason, message })

/** A bare signature has no time of its own, but the signed body has. */
function checkBodyAge(timestamp: number | null, request: WebhookRequest): RefusedWebhook | null {
  if (timestamp === null) {
    const message =
      'A bare signature needs an ISO 8601 `timestamp` in the body; otherwise it could be replayed for ever'
    return refuse(401, { reason: 'signature-undated', message })
  }
  const age = checkAge(timestamp, request.now, request.toleranceSeconds)
  return age.ok ? null : refuse(401, age)
}

/**
 * Opens a request from Langfuse: verifies the bytes, then parses them. Signed JSON of an unknown shape is an `unrecognised`
 * event and not refused: after five refusals Langfuse switches an automation off.
 */
export function openWebhook(request: WebhookRequest): OpenedWebhook | RefusedWebhook {
  const { headers, rawBody, now } = request
  if (request.secrets.length === 0) {
    const message =
      'No webhook secret is set (LANGFUSE_WEBHOOK_SECRET, or webhookSecrets of a project), so no request can be verified'
    return refuse(503, { reason: 'no-secret', message })
  }
  const signature = verifySignature({ ...request, header: headers.get('x-langfuse-signature') })
  if (!signature.ok) return refuse(401, signature)
  const json = readJsonObject(rawBody)
  if (!json.ok) return refuse(400, json)
  const body = json.value
  const timestamp = timestampOf(body)
  const stale = signature.scheme === 'bare' ? checkBodyAge(timestamp, request) : null
  if (stale) return stale
  const { scheme, secretAt, secretHint } = signature
  const opened = openEvent(body, { rawBody, timestamp, now })
  return { ok: true, ...opened, signature: scheme, secretAt, secretHint }
}

const keptNames = [
  'content-type',
  'content-length',
  'content-encoding',
  'user-agent',
  'x-forwarded-for',
  'x-request-id',
  'x-vercel-id',
  'traceparent',
  'tracestate',
]

/** The headers kept with an event, at most 500 characters of each. Never a signature or a credential. */
export function keptHeaders(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    keptNames.flatMap((name) => {
      const value = headers.get(name)
      return value === null ? [] : [[name, value.slice(0, 500)]]
    }),
  )
}
