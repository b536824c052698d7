/** The limit of Node: a server that reads the body and checks its HMAC, and does nothing else. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const secret = process.env.LANGFUSE_WEBHOOK_SECRET ?? ''

const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const header = String(request.headers['x-langfuse-signature'] ?? '')
    const [, t = '', digest = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
    const expected = createHmac('sha256', secret).update(`${t}.`).update(Buffer.concat(parts)).digest()
    const given = Buffer.from(digest, 'hex')
    const isRight = given.length === expected.length && timingSafeEqual(given, expected)
    response.writeHead(isRight ? 200 : 401, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ received: isRight }))
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
