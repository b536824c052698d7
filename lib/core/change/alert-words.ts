import type { Tone } from './kinds.ts'

export type AlertTone = Exclude<Tone, 'accent'>

/**
 * Langfuse's severities of monitors. `NO_DATA` is neither an alert nor its end: the monitor had nothing to measure. Any
 * other severity is shown as Langfuse spells it.
 */
const severities = new Map<string, { word: string; tone: AlertTone }>([
  ['ALERT', { word: 'Alert', tone: 'bad' }],
  ['WARNING', { word: 'Warning', tone: 'warn' }],
  ['NO_DATA', { word: 'No data', tone: 'quiet' }],
  ['OK', { word: 'Recovered', tone: 'good' }],
])

export const severityWords = (severity: string): { word: string; tone: AlertTone } =>
  severities.get(severity) ?? { word: severity, tone: 'quiet' }

/** Langfuse adds types without notice. */
const notifications = new Map<string, { word: string; title: (resource: string) => string }>([
  [
    'evaluator-blocked',
    { word: 'Evaluator blocked', title: (resource) => `Evaluator ${resource} is blocked` },
  ],
  [
    'blob-export-failed',
    { word: 'Blob export failed', title: (resource) => `Blob export to ${resource} failed` },
  ],
  [
    'posthog-export-failed',
    { word: 'PostHog export failed', title: (resource) => `PostHog export to ${resource} failed` },
  ],
])

/** `Evaluator blocked`; an unknown type as Langfuse spells it. */
export const notificationWord = (eventType: string): string =>
  notifications.get(eventType)?.word ?? eventType.replaceAll('-', ' ')

export function notificationTitle(eventType: string, resource: string | null): string {
  const known = notifications.get(eventType)
  if (resource === null) return notificationWord(eventType)
  return known ? known.title(resource) : `${notificationWord(eventType)}: ${resource}`
}

/** Langfuse gives notifications the severity `ALERT`, `WARNING` or `INFO`. */
export const notificationTone = (severity: string): AlertTone =>
  severity === 'INFO' ? 'quiet' : severity === 'WARNING' ? 'warn' : severityWords(severity).tone
