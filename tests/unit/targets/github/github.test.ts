import { describe, expect, it } from 'vitest'
import { github } from '#lib/targets/github/github.ts'
import { githubDispatch } from '#lib/targets/github/payload.ts'
import { standIns } from '../../../mocks/targets.ts'
import { now } from '../answers.ts'
import { messageOf } from '../messages.ts'

describe('what reaches GitHub', () => {
  it.each([['12n'], ['-5nn'], [['"7n"', '{"a":1n}']], ['\ud800 ☃ 😀'], [9_007_199_254_740_991]])(
    'is the dispatch to the byte, also with a prompt of %j',
    async (text) => {
      const standIn = await standIns.github.start()
      const target = standIns.github.target(`${standIn.url}/`)
      const message = messageOf({ text })
      const context = { fetch, now: () => now, signal: AbortSignal.timeout(5000) }
      const outcome = await github.send(target, message, context)
      await standIn.close()
      expect(outcome.outcome).toBe('delivered')
      expect(outcome.request).toBe(JSON.stringify(githubDispatch(target, message)))
      expect(standIn.requests[0]).toMatchObject({
        path: '/repos/acme/prompts/dispatches',
        size: Buffer.byteLength(outcome.request),
      })
    },
  )
})
