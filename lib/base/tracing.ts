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

/** Where tracing is off, the API's own stand-ins answer: a span costs well below a microsecond. */
const tracer = () => trace.getTracer('prompt-relay')

/**
 * The W3C trace context of a span (the one under way where none is given), to be kept in the store, which carries it
 * from the request over settling to the sends. Empty where tracing is off.
 */
export function traceHeaders(span?: Span): { traceparent?: string } {
  const carrier: { traceparent?: string } = {}
  propagation.inject(span ? trace.setSpan(context.active(), span) : context.active(), carrier)
  const { traceparent } = carrier
  return traceparent === undefined ? {} : { traceparent }
}

interface Begin {
  attributes: Attributes
  /** Trace contexts of what led to it: the first is its parent, the others are linked. */
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

/** `problem`: why it went wrong; null: it did not. */
export function endSpan(span: Span, attributes: Attributes, problem: string | null): void {
  span.setAttributes(attributes)
  if (problem !== null) span.setStatus({ code: SpanStatusCode.ERROR, message: problem })
  span.end()
}

/** The trace context that an event's kept headers (JSON) tell. */
export function traceOf(headers: string): string[] {
  if (!headers.includes('traceparent')) return []
  const { traceparent } = JSON.parse(headers) as { traceparent?: unknown }
  return typeof traceparent === 'string' ? [traceparent] : []
}

/** Told by what they can do, not by their classes: Next bundles the API once for each route. */
interface Provider extends TracerProvider {
  getDelegate?: () => Provider
  forceFlush?: () => Promise<void>
}

/** Sends what is not sent yet: before the process ends, or a function is frozen. */
export async function flushSpans(): Promise<void> {
  const given: Provider = trace.getTracerProvider()
  const provider = given.getDelegate?.() ?? given
  await provider.forceFlush?.().catch(() => undefined)
}
