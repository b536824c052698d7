import { subscribe, unsubscribe } from 'node:diagnostics_channel'

const channel = 'http.server.response.finish'

/**
 * Resolves when a server of this process has sent its first answer, or after `mostMs` where it sends none.
 * https://nodejs.org/api/diagnostics_channel.html#http
 */
export function firstAnswer(mostMs: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      unsubscribe(channel, done)
      resolve()
    }
    const timer = setTimeout(done, mostMs)
    subscribe(channel, done)
  })
}
