import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { verifiedBody } from './verified.ts'

export const dynamic = 'force-dynamic'

/** Opened late, because `next build` loads this file too. */
let queue: Queue | undefined

function openQueue(): Queue {
  const connection = new Redis({ host: '127.0.0.1', port: 6379, maxRetriesPerRequest: null })
  return new Queue('prompt-events', { connection, prefix: process.env.BENCH_REDIS_PREFIX })
}

/** What tutorials build: verify, put the event into a queue, answer. Another worker would do the rest. */
export async function POST(request: Request): Promise<Response> {
  const body = await verifiedBody(request)
  if (body === null) return new Response('bad signature', { status: 401 })
  queue ??= openQueue()
  await queue.add('prompt-event', JSON.parse(body))
  return Response.json({ received: true })
}
