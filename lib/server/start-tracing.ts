import { registerOTel } from '@vercel/otel'

/** Loaded only if tracing is configured, so that requests cost nothing otherwise. */
export function startTracing(): void {
  // Next's and the library's own spans of fetches would contain URLs, and that of a Slack webhook is a secret.
  process.env.NEXT_OTEL_FETCH_DISABLED = '1'
  registerOTel({ serviceName: 'prompt-relay', instrumentations: [] })
}
