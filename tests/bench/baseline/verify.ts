import { verifiedBody } from './verified.ts'

export const dynamic = 'force-dynamic'

/** What any signed webhook costs in Next before anything is done with it: the body and its HMAC. */
export async function POST(request: Request): Promise<Response> {
  const body = await verifiedBody(request)
  if (body === null) return new Response('bad signature', { status: 401 })
  return Response.json({ received: true })
}
