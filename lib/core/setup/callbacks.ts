import { type Finding, notYet, ok, problem } from './check.ts'

export interface CallbackSeen {
  /** From where a browser may call. */
  origins: string[]
  hasToken: boolean
  /** `CALLBACK_OPEN`. */
  isOpen: boolean
  /** When the newest came, epoch milliseconds. */
  lastAt: number | null
}

const setToken = 'Set CALLBACK_TOKEN, and have Langfuse send it (docs/callbacks.md)'

/** Which callbacks are accepted, and how far they can be believed. */
export function checkCallbacks(seen: CallbackSeen, hasKeys: boolean): Finding {
  const { origins, hasToken, isOpen, lastAt } = seen
  const pages = `pages at ${origins.join(', ')}`
  if (isOpen && !hasKeys) {
    const words =
      'Open to anyone who knows the address, and nothing confirms what comes: your targets are notified of each, with no text but ids that a machine made.'
    return problem(words, `${setToken}, and take CALLBACK_OPEN out; or set Langfuse's API keys.`)
  }
  if (!hasToken && !isOpen && !hasKeys) {
    const fix = `${setToken}; or set Langfuse's API keys, for callbacks from ${pages}; or set CALLBACK_OPEN=1, for those of anyone.`
    return notYet('Closed: each callback is answered 503.', fix)
  }
  const confirmed = "reported once Langfuse's API knows the ids"
  const ways = [
    ...(hasToken ? [`with the token${hasKeys ? `, ${confirmed}` : ''}`] : []),
    ...(isOpen ? [`from anyone, ${confirmed}`] : []),
    ...(hasKeys && !isOpen ? [`from browser ${pages}, ${confirmed}`] : []),
  ]
  const others =
    hasToken || isOpen ? '' : ` Langfuse's own server (Web Callouts) is answered 503: ${setToken}.`
  const words = `Accepted ${ways.join('; ')}.${others}`
  return lastAt === null ? ok(`${words} None has come.`) : ok(`${words} The last one came`, lastAt)
}
