import type { RejectionRow } from './db/schema.ts'
import type { Env } from './env.ts'
import { newId } from './id.ts'
import { log, thrown } from './log.ts'
import type { Arrival, Received } from './receive.ts'
import { keptHeaders, type OpenedWebhook, openWebhook } from './sources/langfuse-webhook.ts'
import { readBody } from './sources/read-body.ts'

/** Langfuse takes prompts up to a form of 4.5 MB. */
const maxBytes = 5 * 1024 * 1024
/** From the first byte to the last. */
const bodyTimeoutMs = 10_000
const headBytes = 2048

export interface DoorDeps {
  env: Env
  now: () => number
  receive: (arrival: Arrival) => Promise<Received>
  reject: (rejection: RejectionRow) => Promise<void>
}

interface Refusal {
  status: number
  reason: string
  message: string
  head: Uint8Array
  size: number
}

const bodyStatus = { 'too-large': 413, 'too-slow': 408, aborted: 400 } as const

/** JSON answer; Langfuse keeps the first 1,000 characters of one that is not 2xx and shows them to its users. */
function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/**
 * The signed door: raw bytes first, then the signature, then the parser. 202 when the event is stored durably,
 * 200 when it was before; every refusal with its reason, kept as a rejection; 503 when the store is out of reach,
 * so that Langfuse tries again.
 */
export async function answerWebhook(request: Request, deps: DoorDeps): Promise<Response> {
  const { env, now } = deps
  const body = await readBody(request.body, {
    maxBytes,
    timeoutMs: bodyTimeoutMs,
    contentLength: request.headers.get('content-length'),
  })
  if (!body.ok) return refuse(request, { ...body, status: bodyStatus[body.reason] }, deps)
  const opened = openWebhook({
    headers: request.headers,
    rawBody: body.bytes,
    secrets: env.LANGFUSE_WEBHOOK_SECRET,
    schemes: env.SIGNATURE_SCHEMES,
    toleranceSeconds: env.SIGNATURE_TOLERANCE_SECONDS,
    now: now(),
  })
  if (!opened.ok) {
    const head = body.bytes.slice(0, headBytes)
    return refuse(request, { ...opened, head, size: body.bytes.byteLength }, deps)
  }
  try {
    const received = await deps.receive(arrivalOf(request, opened, body.bytes, now()))
    const { status, eventId } = received
    log('info', 'event', { status, eventId, type: opened.type, subject: opened.subject })
    return answer(status === 'accepted' ? 202 : 200, { status, eventId })
  } catch (error) {
    log('error', 'event not stored', thrown(error))
    const message = 'The store is out of reach, so nothing was accepted. Send it again.'
    return answer(503, { error: 'store-unavailable', message }, { 'retry-after': '5' })
  }
}

function arrivalOf(request: Request, opened: OpenedWebhook, body: Uint8Array, now: number): Arrival {
  return {
    source: 'langfuse-webhook',
    dedupe_key: opened.dedupeKey,
    twin_key: opened.twinKey,
    type: opened.type,
    action: opened.action,
    project_id: opened.projectId,
    subject: opened.subject,
    version: opened.version,
    occurred_at: opened.occurredAt,
    received_at: now,
    headers: JSON.stringify(keptHeaders(request.headers)),
    signature: opened.scheme,
    secret_hint: opened.secretHint,
    size: body.byteLength,
    body,
    test: false,
  }
}

/** Answers a refusal and keeps it; that it cannot be kept changes nothing for the sender. */
async function refuse(request: Request, refusal: Refusal, { now, reject }: DoorDeps): Promise<Response> {
  const { status, reason, message, head, size } = refusal
  const address = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim().slice(0, 100) ?? null
  const rejection: RejectionRow = {
    id: newId('rej', now()),
    at: now(),
    door: 'langfuse-webhook',
    status_code: status,
    reason,
    message,
    method: request.method,
    address,
    user_agent: request.headers.get('user-agent')?.slice(0, 200) ?? null,
    size,
    head,
  }
  await reject(rejection).catch((error) => log('error', 'rejection not stored', thrown(error)))
  log('warn', 'rejected', { status, reason, detail: message, size })
  return answer(status, { error: reason, message })
}

/** For methods that the door does not take. */
export const wrongMethod = (): Response =>
  answer(405, { error: 'wrong-method', message: 'Send a POST.' }, { allow: 'POST' })
