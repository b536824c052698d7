import { bodyBudget } from '../base/body-budget.ts'
import { newId } from '../base/id.ts'
import { log, thrown } from '../base/log.ts'
import { type Problem, problemText } from '../base/problem.ts'
import { processState } from '../base/process-state.ts'
import { readBody } from '../base/read-body.ts'
import { storeErrorKind, storeErrorWords } from '../base/store-error.ts'
import { countRejection, noteNotStored, noteRejection } from '../pipeline/journal.ts'
import { storeProbe } from '../store/probe.ts'
import type { RejectionRow } from '../store/schema.ts'

export interface RefuseDeps {
  now: () => number
  reject: (rejection: RejectionRow) => Promise<void>
  /** Whether a refusal for this reason is recorded, not only counted; absent: all are. */
  records?: (reason: string) => boolean
}

interface Refusal {
  endpoint: string
  status: number
  reason: string
  message: string
  /** The first 2 KB of the body, and its whole size. */
  head: Uint8Array
  size: number
}

/** From the first byte to the last. */
const bodyTimeoutMs = 10_000
const headBytes = 2048
const bodyStatus = { 'too-large': 413, 'too-slow': 408, aborted: 400, busy: 503 } as const

export type Body = { ok: true; bytes: Uint8Array } | ({ ok: false } & Omit<Refusal, 'endpoint'>)

/**
 * Reads a request's body, at most `maxBytes` within 10 s, and calls `act` with it. Until `act` resolves, the body counts
 * towards the memory that all bodies share; if that is full, it is refused with 503.
 */
export async function withBody<Result>(
  request: Request,
  maxBytes: number,
  act: (body: Body) => Promise<Result>,
): Promise<Result> {
  const contentLength = request.headers.get('content-length')
  processState.promptRelayBodies ??= bodyBudget()
  const room = processState.promptRelayBodies.open()
  try {
    const body = await readBody(request.body, { maxBytes, timeoutMs: bodyTimeoutMs, contentLength, room })
    room.keep()
    return await act(body.ok ? body : { ...body, status: bodyStatus[body.reason] })
  } finally {
    room.close()
  }
}

/** The same for a body that is always small. */
export const bodyOf = (request: Request, maxBytes: number): Promise<Body> =>
  withBody(request, maxBytes, async (body) => body)

/** What is kept of a refused body. */
export const headOf = (bytes: Uint8Array): Pick<Refusal, 'head' | 'size'> => ({
  head: new Uint8Array(bytes.subarray(0, headBytes)),
  size: bytes.byteLength,
})

/** A JSON answer. Langfuse shows its users the first 1,000 characters of any answer that is not 2xx. */
export function answer(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** The event (`size` bytes) could not be stored, so nothing was accepted. */
export function storeUnavailable(
  error: unknown,
  { endpoint, size }: { endpoint: string; size: number },
  headers: Record<string, string> = {},
): Response {
  const reason = storeErrorKind(error)
  noteNotStored({ endpoint, reason, size }, error)
  storeProbe().noteFailure(error, size)
  const message = `The store accepts nothing (${storeErrorWords[reason]}), so nothing was stored. Send it again.`
  return answer(503, { error: 'store-unavailable', message }, { 'retry-after': '5', ...headers })
}

/** These problems of the configuration keep the endpoint from working. */
export const misconfigured = (problems: readonly Problem[]): Response =>
  answer(503, { error: 'misconfigured', message: problems.map(problemText).join(' ') })

/** Refuses a request and records that. The answer is the same if it cannot be recorded. */
export async function refuse(
  request: Request,
  { endpoint, status, reason, message, head, size }: Refusal,
  { now, reject, records }: RefuseDeps,
  answerHeaders: Record<string, string> = {},
): Promise<Response> {
  if (records?.(reason) === false) {
    countRejection(endpoint, reason)
    return answer(status, { error: reason, message }, answerHeaders)
  }
  const address = request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim().slice(0, 100) ?? null
  const rejection: RejectionRow = {
    id: newId('rej', now()),
    at: now(),
    door: endpoint,
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
  noteRejection({ endpoint, status, reason, detail: message, size }, rejection.id)
  const wait: Record<string, string> = reason === 'busy' ? { 'retry-after': '1' } : {}
  return answer(status, { error: reason, message }, { ...wait, ...answerHeaders })
}

const minuteMs = 60_000
const maxRefusalsAMinute = 30

/**
 * Whether a refusal is recorded, as a row and a log line: 30 a minute for each reason are. Anyone can cause them; more would
 * add nothing, fill the log, and push other refusals out of the store. `reason`: one of a fixed few.
 */
export function refusalPace(now: () => number): (reason: string) => boolean {
  const minutes = new Map<string, { from: number; count: number }>()
  return (reason) => {
    const time = now()
    const known = minutes.get(reason)
    const isCurrent = known !== undefined && time >= known.from && time - known.from < minuteMs
    const minute = isCurrent ? known : { from: time, count: 0 }
    minute.count += 1
    minutes.set(reason, minute)
    return minute.count <= maxRefusalsAMinute
  }
}

/** For methods that an endpoint does not accept; `allow`: those that it does. */
export const wrongMethod = (allow: string) => (): Response =>
  answer(405, { error: 'wrong-method', message: 'Send a POST.' }, { allow })
