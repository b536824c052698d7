import { registerOTel } from '@vercel/otel'

/** Loaded only where tracing is configured: without it, no request pays for it. */
export function startTracing(): void {
  // Spans of fetches, Next's and the library's, would hold URLs, and that of a Slack webhook is a password.
  process.env.NEXT_OTEL_FETCH_DISABLED = '1'
  registerOTel({ serviceName: 'prompt-relay', instrumentations: [] })
}
