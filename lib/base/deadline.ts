/** The work was not done in time, but may still be done later. */
class TooLate extends Error {
  readonly code = 'ETIMEDOUT'
}

/** The result of `work`, or an error if it takes longer than `ms`. `what`: who is expected to answer. */
export function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooLate(`${what} did not answer within ${ms / 1000} s`)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
