import type { Env } from '../base/env.ts'
import { traceHeaders } from '../base/tracing.ts'
import type { ProjectDirectory, Signed } from '../core/rules/project-directory.ts'
import type { LangfuseProject } from '../core/rules/projects.ts'
import { keptHeaders, type OpenedWebhook, openWebhook } from '../langfuse/webhook.ts'
import type { Arrival } from '../pipeline/arrival.ts'
import { noteEvent } from '../pipeline/journal.ts'
import type { Received } from '../pipeline/receive.ts'
import { answer, type Body, headOf, type RefuseDeps, refuse, storeUnavailable, withBody } from './answers.ts'

const endpoint = 'langfuse-webhook'
/** Langfuse accepts prompts in forms of up to 4.5 MB. */
const maxBytes = 5 * 1024 * 1024

export interface EndpointDeps extends RefuseDeps {
  env: Env
  /** Absent: the secrets of `env` sign for any project. */
  directory?: ProjectDirectory
  /** Reads the ids of projects that this process does not know yet. */
  learnIds?: () => Promise<void>
  receive: (arrival: Arrival) => Promise<Received>
}

/**
 * The webhook endpoint reads the raw bytes, verifies the signature, then parses. 202: the event is stored durably; 200: it
 * was stored before. Every refusal gives its reason and is recorded. 503: the store is out of reach, so that Langfuse tries
 * again.
 */
export function answerWebhook(request: Request, deps: EndpointDeps): Promise<Response> {
  const startedAt = deps.now()
  return withBody(request, maxBytes, (body) => answerBody(request, { body, startedAt }, deps))
}

async function answerBody(
  request: Request,
  { body, startedAt }: { body: Body; startedAt: number },
  deps: EndpointDeps,
): Promise<Response> {
  const { env, directory, now } = deps
  if (!body.ok) return refuse(request, { ...body, endpoint }, deps)
  const opened = openWebhook({
    headers: request.headers,
    rawBody: body.bytes,
    secrets: directory?.secrets.map(({ secret }) => secret) ?? env.LANGFUSE_WEBHOOK_SECRET,
    schemes: env.SIGNATURE_SCHEMES,
    toleranceSeconds: env.SIGNATURE_TOLERANCE_SECONDS,
    now: now(),
  })
  if (!opened.ok) return refuse(request, { ...opened, ...headOf(body.bytes), endpoint }, deps)
  const signed = await signerOf(deps, opened)
  if (signed?.as === 'wrong')
    return refuse(request, { ...wrongProject(signed.for, opened), ...headOf(body.bytes), endpoint }, deps)
  try {
    const { status, eventId } = await deps.receive({
      ...opened,
      ...(signed?.as === 'unknown' ? unjudged(signed.for, opened) : {}),
      source: endpoint,
      receivedAt: now(),
      headers: JSON.stringify({ ...keptHeaders(request.headers), ...traceHeaders() }),
      body: body.bytes,
      test: false,
    })
    const { event, subject } = opened
    noteEvent(endpoint, { status, eventId, type: event.type, subject, milliseconds: now() - startedAt })
    return answer(status === 'accepted' ? 202 : 200, { status, eventId })
  } catch (error) {
    return storeUnavailable(error, { endpoint, size: body.bytes.byteLength })
  }
}

/** The project whose secret signed an event; of several with one secret, the one that fits best. */
function bestSigner(
  { secrets, signedFor }: ProjectDirectory,
  { secretAt, projectId }: OpenedWebhook,
): { for: LangfuseProject; as: Signed } | null {
  const all = secrets[secretAt]?.projects.map((one) => ({ for: one, as: signedFor(one, projectId) })) ?? []
  return all.find(({ as }) => as === 'right') ?? all.find(({ as }) => as === 'unknown') ?? all[0] ?? null
}

async function signerOf(
  { directory, learnIds }: EndpointDeps,
  opened: OpenedWebhook,
): Promise<ReturnType<typeof bestSigner>> {
  if (!directory) return null
  const known = bestSigner(directory, opened)
  if (known?.as !== 'unknown' || !learnIds) return known
  await learnIds()
  return bestSigner(directory, opened)
}

/** The right secret of another project: a mistake in the configuration, or a secret in the wrong hands. */
const wrongProject = ({ name }: LangfuseProject, { projectId }: OpenedWebhook) => ({
  status: 401,
  reason: 'wrong-project',
  message: `The event names the project ${JSON.stringify(projectId?.slice(0, 60))}, but it is signed with a secret of ${name}, which has another id`,
})

/** It must not share a change with events that are known to be of the project that it names. */
const unjudged = ({ name }: LangfuseProject, { twinKey }: OpenedWebhook) => ({
  signedFor: name,
  twinKey: twinKey === null ? null : `${name} ${twinKey}`,
})
