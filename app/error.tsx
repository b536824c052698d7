'use client'

/** Next requires a client component here. The log has the error under the digest; a refused form is explained here. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string }
  reset: () => void
}) {
  return (
    <main className="mx-auto max-w-md px-6 py-24 text-center">
      <h1 className="text-xl font-semibold tracking-tight">This page could not be loaded</h1>
      {error.digest === undefined && error.message.startsWith('The address does not match') ? (
        <p className="mt-3 text-soft">{error.message}</p>
      ) : (
        <p className="mt-3 text-soft">
          Usually the database cannot be reached; npm run doctor says why. No accepted event is lost. The log
          has the error
          {error.digest ? (
            <>
              {' '}
              under <code className="font-mono text-[13px]">{error.digest}</code>
            </>
          ) : null}
          .
        </p>
      )}
      <button type="button" className="button button-main mt-6" onClick={reset}>
        Try again
      </button>
    </main>
  )
}
