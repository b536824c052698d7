import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { firstAnswer } from '#lib/first-answer.ts'

it('waits until a server has answered', async () => {
  const answers: (() => void)[] = []
  const server = createServer((_, response) => answers.push(() => response.end('ok')))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let isAnswered = false
  const answered = firstAnswer(60_000).then(() => {
    isAnswered = true
  })
  const asking = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await once(server, 'request')
  expect(isAnswered).toBe(false)
  answers[0]?.()
  await (await asking).text()
  await answered
  server.closeAllConnections()
  server.close()
})

it('does not wait for long where nobody asks', async () => {
  const begin = performance.now()
  await firstAnswer(20)
  expect(performance.now() - begin).toBeLessThan(5000)
})
