import {
  type Attributes,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TracerProvider,
  trace,
} from '@opentelemetry/api'

/** Without tracing, the API uses its no-op implementation: a span costs well under a microsecond. */
const tracer = () => trace.getTracer('prompt-relay')

/**
 * The W3C trace context of a span (by default the current one). It is kept in the store, and so goes from the request
 * through settling to the sends. Empty without tracing.
 */
export function traceHeaders(span?: Span): { traceparent?: string } {
  const carrier: { traceparent?: string } = {}
  propagation.inject(span ? trace.setSpan(context.active(), span) : context.active(), carrier)
  const { traceparent } = carrier
  return traceparent === undefined ? {} : { traceparent }
}

interface Begin {
  attributes: Attributes
  /** Trace contexts of what caused it: the first is its parent, the others are linked. */
  from: readonly string[]
  /** Epoch milliseconds; absent: now. */
  startedAt?: number
  isRequest?: boolean
}

export function beginSpan(name: string, { attributes, from, startedAt, isRequest }: Begin): Span {
  const [parent, ...others] = [...new Set(from)].map((traceparent) =>
    propagation.extract(ROOT_CONTEXT, { traceparent }),
  )
  const links = others.flatMap((other): Link[] => {
    const linked = trace.getSpanContext(other)
    return linked ? [{ context: linked }] : []
  })
  const kind = isRequest ? SpanKind.CLIENT : SpanKind.INTERNAL
  return tracer().startSpan(
    name,
    { kind, attributes, links, ...(startedAt !== undefined && { startTime: startedAt }) },
    parent ?? ROOT_CONTEXT,
  )
}

/** `problem`: why it failed; null if it did not. */
export function endSpan(span: Span, attributes: Attributes, problem: string | null): void {
  span.setAttributes(attributes)
  if (problem !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: problem })
  span.end()
}

/** The trace context in the kept headers (JSON) of an event. */
export function traceOf(headers: string): string[] {
  if (!headers.includes('traceparent')) return []
  const { traceparent } = JSON.parse(headers) as { traceparent?: unknown }
  return typeof traceparent === 'string' ? [traceparent] : []
}

/** Recognised by its methods, not by its class: Next bundles the API once for each route. */
interface Provider extends TracerProvider {
  getDelegate?: () => Provider
  forceFlush?: () => Promise<void>
}

/** Sends what has not been sent yet, before the process ends or a function is frozen. */
export async function flushSpans(): Promise<void> {
  const given: Provider = trace.getTracerProvider()
  const provider = given.getDelegate?.() ?? given
  await provider.forceFlush?.().catch(() => undefined)
}
