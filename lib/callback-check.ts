import { type Finding, notYet, ok } from './check.ts'

export interface CallbackSeen {
  /** From where a browser may call. */
  origins: string[]
  hasToken: boolean
  /** When the newest came, epoch milliseconds. */
  lastAt: number | null
}

/** How far what comes to the callback door can be believed. */
export function checkCallbacks({ origins, hasToken, lastAt }: CallbackSeen, hasKeys: boolean): Finding {
  if (!hasToken && !hasKeys) {
    return notYet(
      'No token is asked for, and nothing confirms what comes: anyone who knows the address can have your targets told of any id.',
      "Set CALLBACK_TOKEN, or Langfuse's API keys, by which each id is confirmed.",
    )
  }
  const guards = [
    ...(hasToken ? ['with the token only'] : []),
    ...(hasKeys ? ["told once Langfuse's API knows the ids"] : []),
  ].join(', ')
  const taken = `Taken from Langfuse's server and from pages at ${origins.join(', ')}: ${guards}.`
  return lastAt === null ? ok(`${taken} None has come.`) : ok(`${taken} The last one came`, lastAt)
}
