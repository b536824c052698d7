/** `bad`: somebody should look now; `warn`: soon; `good`: it is over; `quiet`: nothing is known to be wrong. */
export type AlertTone = 'bad' | 'warn' | 'good' | 'quiet'

/**
 * Langfuse's severities of monitors. `NO_DATA` is neither trouble nor its end: the monitor saw nothing to measure.
 * What is not here is shown in Langfuse's own word.
 */
const severities = new Map<string, { word: string; tone: AlertTone }>([
  ['ALERT', { word: 'Alert', tone: 'bad' }],
  ['WARNING', { word: 'Warning', tone: 'warn' }],
  ['NO_DATA', { word: 'No data', tone: 'quiet' }],
  ['OK', { word: 'Recovered', tone: 'good' }],
])

export const severityWords = (severity: string): { word: string; tone: AlertTone } =>
  severities.get(severity) ?? { word: severity, tone: 'quiet' }

/** What befell which resource; Langfuse sends further types without notice. */
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

/** `Evaluator blocked`; of a type that is not known, its own words. */
export const notificationWord = (eventType: string): string =>
  notifications.get(eventType)?.word ?? eventType.replaceAll('-', ' ')

/** A notification in a sentence. */
export function notificationTitle(eventType: string, resource: string | null): string {
  const known = notifications.get(eventType)
  if (resource === null) return notificationWord(eventType)
  return known ? known.title(resource) : `${notificationWord(eventType)}: ${resource}`
}

/** Of a notification: Langfuse says `ALERT`, `WARNING` or `INFO`. */
export const notificationTone = (severity: string): AlertTone =>
  severity === 'INFO' ? 'quiet' : severity === 'WARNING' ? 'warn' : severityWords(severity).tone
