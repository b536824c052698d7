export const dynamic = 'force-dynamic'

/** The limit of Next: a route that does nothing. */
export function POST(): Response {
  return Response.json({ status: 'ok' })
}
