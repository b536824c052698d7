import { requireSession } from '#app/session.ts'
import { database } from '#lib/store/client.ts'
import { bodyOfEvent } from '#lib/store/tables/events.ts'

/** The exact bytes of an event, as a file: never shown by the browser, whatever they are. */
export async function GET(
  _request: Request,
  { params }: { params: Promise<{ id: string }> },
): Promise<Response> {
  const { id } = await params
  await requireSession(`/events/${encodeURIComponent(id)}/body`)
  const body = await bodyOfEvent(await database(), id)
  if (!body) return new Response('There is no such event.\n', { status: 404 })
  return new Response(new Uint8Array(body), {
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${id.replaceAll(/[^\w]/g, '')}.json"`,
      'cache-control': 'no-store',
    },
  })
}
