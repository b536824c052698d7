/**
 * Who counts as one address. Anyone can write `X-Forwarded-For`, so it is believed only where the platform sets it
 * (Vercel); elsewhere all share one limit, because Next does not show the socket.
 */
export function senderAddress(forwardedFor: string | null, isPlatformSet: boolean): string {
  const last = forwardedFor?.split(',').at(-1)?.trim()
  return isPlatformSet && last ? last.slice(0, 100) : 'local'
}
