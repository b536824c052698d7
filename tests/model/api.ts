import { type Clock, pick, type Random } from './edits.ts'
import type { Model, Step } from './langfuse.ts'
import {
  type Answer,
  type ApiProject,
  type Asked,
  answerOf,
  notFoundPage,
  refuse,
  root,
} from './prompt-endpoints.ts'

/** What goes wrong with one request. */
export type Fault =
  /** 429, and again until `Retry-After` has passed. */
  | 'limited'
  /** 500, or what a load balancer answers for a pod that is gone. */
  | 'failed'
  /** The connection breaks before there is an answer. */
  | 'reset'
  /** The connection breaks in the middle of the answer. */
  | 'cut'
  /** No answer comes before the client gives up, 10 s later. */
  | 'hung'

const kindsOfFaults: Fault[] = ['limited', 'failed', 'reset', 'cut', 'hung']

/** May be changed between requests. Shares are from 0 to 1. */
export interface Knobs {
  version: Asked['version']
  /** How long an answer takes, at least and at most: milliseconds that the model's clock moves on. */
  latency: readonly [number, number]
  /** The share of requests with each fault. */
  faults: Partial<Record<Fault, number>>
  retryAfterSeconds: number
  /**
   * How likely someone edits a prompt at each of these moments: before an answer is read from the database, between the
   * rows and the total of a listing, and before the client gets the answer.
   */
  edits: number
}

interface ApiOptions extends Partial<Knobs> {
  /** For faults, latencies and pods. Edits draw from the model's own. */
  random: Random
  /** Called with each edit that a request makes or that `edits` adds; the request waits until it is done. */
  onStep?: (step: Step, model: Model) => void | Promise<void>
}

interface SeenRequest {
  method: string
  /** From `/api/public` on, with its query. */
  path: string
  /** Null where there was no answer. */
  status: number | null
}

export interface ModelApi {
  fetch: typeof globalThis.fetch
  knobs: Knobs
  /** Faults of the next requests, in order, instead of drawn ones; null: no fault. */
  next: (Fault | null)[]
  requests: SeenRequest[]
  /** Where a request or an answer does not match Langfuse's OpenAPI document. */
  problems: string[]
}

/** How long a client waits for an answer. */
const patienceMs = 10_000

/**
 * Langfuse's public API for prompts, served from models, with what can go wrong on the way. All projects use the clock and
 * the pods of the first one's model. There are no timers and no other clock, so the same seeds and requests give the same answers.
 */
export function createApi(
  projects: readonly [ApiProject, ...ApiProject[]],
  { random, onStep, ...knobs }: ApiOptions,
): ModelApi {
  const { clock, pods } = projects[0].model
  const limit = createLimit(clock)
  let isEditing = false

  function draw(): Fault | null {
    const scripted = api.next.shift()
    if (scripted !== undefined) return scripted
    const drawn = random()
    let reached = 0
    for (const kind of kindsOfFaults) {
      reached += api.knobs.faults[kind] ?? 0
      if (drawn < reached) return kind
    }
    return null
  }

  /** Requests that are made because of such an edit cause no further edits. */
  async function meanwhile(model: Model): Promise<void> {
    if (isEditing || random() >= api.knobs.edits) return
    isEditing = true
    try {
      await onStep?.(model.edit(undefined, { after: Math.floor(random() * 100) }), model)
    } finally {
      isEditing = false
    }
  }

  function ask(request: Request, path: string | null): Answer | Promise<Answer> {
    if (path === null) return notFoundPage
    return answerOf({
      request,
      path,
      projects,
      version: api.knobs.version,
      random,
      meanwhile,
      made: async (step, model) => onStep?.(step, model),
      report: (problems) => api.problems.push(...problems),
    })
  }

  /** Null: no answer comes. */
  async function answer(request: Request, path: string | null, fault: Fault | null): Promise<Answer | null> {
    if (fault === 'limited') limit.reach(api.knobs.retryAfterSeconds)
    if (limit.isReached()) return limit.answer()
    const isGood = fault === null || fault === 'cut'
    // A write that gets no good answer may have been written.
    const mayBeWritten = request.method !== 'GET' && !isGood && random() < 0.5
    const answered = isGood || mayBeWritten ? await ask(request, path) : null
    if (fault === 'failed') return failure(random)
    return isGood ? answered : null
  }

  async function fetch(...[input, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
    const request = new Request(input, init)
    request.signal.throwIfAborted()
    const { pathname, search } = new URL(request.url)
    // A self-hosted server may have a base path.
    const start = pathname.indexOf(`${root}/`)
    const path = start < 0 ? null : pathname.slice(start + root.length)
    const seen: SeenRequest = {
      method: request.method,
      path: `${path === null ? pathname : root + path}${search}`,
      status: null,
    }
    api.requests.push(seen)
    const fault = draw()
    const podAhead = pick({ random }, pods)
    const [least, most] = api.knobs.latency
    const latency = least + Math.floor(random() * (most - least))
    clock.at += Math.floor(latency / 2)
    const answered = await answer(request, path, fault)
    clock.at += Math.ceil(latency / 2)
    if (!answered && fault === 'hung') {
      clock.at += patienceMs
      throw new DOMException('The operation was aborted due to timeout', 'TimeoutError')
    }
    if (!answered) throw broken('fetch failed', 'ECONNRESET')
    seen.status = answered.status
    if (answered.status === 308)
      return redirected(request, answered, () => fetch(locationOf(request, answered), init))
    return responseOf(answered, clock.at + podAhead, fault === 'cut')
  }

  const api: ModelApi = {
    fetch,
    knobs: { version: 'v4', latency: [0, 0], faults: {}, retryAfterSeconds: 30, edits: 0, ...knobs },
    next: [],
    requests: [],
    problems: [],
  }
  return api
}

/** A fixed window: once it is used up, every request is refused until it ends. */
function createLimit(clock: Clock) {
  let end = Number.NEGATIVE_INFINITY
  const isReached = (): boolean => clock.at < end
  return {
    isReached,
    reach: (seconds: number) => {
      if (!isReached()) end = clock.at + Math.max(1, seconds) * 1000
    },
    answer: (): Answer => {
      const retryAfterSeconds = Math.ceil((end - clock.at) / 1000)
      const details = { retryAfterSeconds, limit: 1000, remaining: 0, resetAt: new Date(end).toISOString() }
      const headers = {
        'retry-after': String(retryAfterSeconds),
        'x-ratelimit-limit': '1000',
        'x-ratelimit-remaining': '0',
        'x-ratelimit-reset': new Date(end).toString(),
      }
      const body = { message: 'Rate limit exceeded', code: 'rate_limited', details }
      return { status: 429, headers, body }
    },
  }
}

function failure(random: Random): Answer {
  const status = pick({ random }, [500, 502, 503, 504])
  if (status === 500) return refuse(500, 'An unknown error occurred', 'Internal Server Error')
  return { status, body: `<html><head><title>${status}</title></head></html>` }
}

const broken = (message: string, code: string): TypeError =>
  new TypeError(message, { cause: Object.assign(new Error(code), { code }) })

const locationOf = ({ url }: Request, { headers }: Answer): URL => new URL(headers?.location ?? '', url)

function redirected(request: Request, answer: Answer, follow: () => Promise<Response>) {
  if (request.redirect === 'follow') return follow()
  if (request.redirect === 'manual') return new Response(null, answer)
  throw new TypeError('fetch failed', { cause: new Error('unexpected redirect') })
}

/** `isCut`: the body ends in the middle, as undici reports it. */
function responseOf({ status, body, headers }: Answer, at: number, isCut: boolean): Response {
  const isText = typeof body === 'string'
  const type = isText ? 'text/html' : 'application/json'
  const all = { 'content-type': `${type}; charset=utf-8`, date: new Date(at).toUTCString(), ...headers }
  if (body === undefined) {
    if (isCut) throw broken('fetch failed', 'ECONNRESET')
    return new Response(null, { status, headers: all })
  }
  const bytes = new TextEncoder().encode(isText ? body : JSON.stringify(body))
  const withLength = { ...all, 'content-length': String(bytes.length) }
  return new Response(isCut ? firstHalf(bytes) : bytes, { status, headers: withLength })
}

function firstHalf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const parts = [bytes.subarray(0, Math.floor(bytes.length / 2))]
  return new ReadableStream({
    pull: (controller) => {
      const part = parts.shift()
      if (part) controller.enqueue(part)
      else controller.error(broken('terminated', 'UND_ERR_SOCKET'))
    },
  })
}
