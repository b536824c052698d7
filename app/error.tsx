'use client'

/** Next asks for a client component here. The reason is in the log, under the digest; of a refused form, it is told. */
export default function ErrorPage({
  error,
  reset,
}: {
  error: Error & { digest?: string }
  reset: () => void
}) {
  return (
    <main className="mx-auto max-w-md px-6 py-24 text-center">
      <h1 className="text-xl font-semibold tracking-tight">This page could not be made</h1>
      {error.digest === undefined && error.message.startsWith('The address does not match') ? (
        <p className="mt-3 text-soft">{error.message}</p>
      ) : (
        <p className="mt-3 text-soft">
          Usually this means that the store cannot be reached: npm run doctor says why. Nothing that was
          accepted is lost, and the log has the error
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
