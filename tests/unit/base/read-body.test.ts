import { describe, expect, it, vi } from 'vitest'
import { readBody } from '#lib/base/read-body.ts'

const limits = { maxBytes: 10, timeoutMs: 1000 }
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const textOf = (part: Uint8Array): string => Buffer.from(part).toString()

/** Yields the chunks, then does what `end` says. Shows whether it was cancelled. */
function streamOf(chunks: Uint8Array[], end: 'close' | 'hang' | 'error' = 'close') {
  const cancel = vi.fn()
  let at = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[at++]
      if (chunk) controller.enqueue(chunk)
      else if (end === 'close') controller.close()
      else if (end === 'error') controller.error(new Error('socket closed'))
      else return new Promise<void>(() => undefined)
    },
    cancel,
  })
  return { stream, cancel }
}

describe('a body is read whole', () => {
  it('from many chunks, in order', async () => {
    const chunks = ['ab', 'c', '', 'defg', 'h', 'ij'].map(bytes)
    const result = await readBody(streamOf(chunks).stream, limits)
    expect(result.ok && textOf(result.bytes)).toBe('abcdefghij')
  })

  it('from one chunk, without a copy', async () => {
    const chunk = bytes('abc')
    const result = await readBody(streamOf([chunk]).stream, limits)
    expect(result.ok && result.bytes.buffer).toBe(chunk.buffer)
  })

  it('without writing into the chunks that arrived', async () => {
    const whole = bytes('ab----')
    await readBody(streamOf([whole.subarray(0, 2), bytes('cd')]).stream, limits)
    expect(textOf(whole)).toBe('ab----')
  })

  it.each([null, streamOf([]).stream])('when it is empty (%#)', async (body) => {
    expect(await readBody(body, limits)).toEqual({ ok: true, bytes: new Uint8Array() })
  })

  it('without reserving room if it is small; if it is large, all of it at once', async () => {
    const reserve = vi.fn(() => true as const)
    const room = { reserve, onEvict: () => undefined }
    const read = (size: number, contentLength?: string) => {
      const { stream } = streamOf(Array.from({ length: size / 1000 }, () => new Uint8Array(1000)))
      return readBody(stream, { maxBytes: 500_000, timeoutMs: 1000, contentLength, room })
    }
    expect(await read(65_000, '65000')).toMatchObject({ ok: true, bytes: { byteLength: 65_000 } })
    expect(reserve).not.toHaveBeenCalled()
    expect(await read(300_000, '300000')).toMatchObject({ ok: true, bytes: { byteLength: 300_000 } })
    expect(await read(300_000)).toMatchObject({ ok: true, bytes: { byteLength: 300_000 } })
    expect(reserve.mock.calls).toEqual([[300_000], [500_000]])
  })

  it('at exactly the limit', async () => {
    const result = await readBody(streamOf([bytes('12345'), bytes('67890')]).stream, limits)
    expect(result).toMatchObject({ ok: true, bytes: { byteLength: 10 } })
  })

  it.each(['3', '0', '-1', '1e99', 'many', '', null])(
    'whatever Content-Length %j says below the limit',
    async (contentLength) => {
      const result = await readBody(streamOf([bytes('abcdef')]).stream, { ...limits, contentLength })
      expect(result.ok && textOf(result.bytes)).toBe('abcdef')
    },
  )

  it('in little memory and time, however small its chunks are', async () => {
    const size = 400_000
    const one = new Uint8Array(1)
    const { stream } = streamOf(Array.from({ length: size }, () => one))
    const result = await readBody(stream, { ...limits, maxBytes: size })
    expect(result.ok && result.bytes.byteLength).toBe(size)
    expect(result.ok && result.bytes.buffer.byteLength).toBeLessThanOrEqual(2 * size)
  })
})

describe('a body is refused', () => {
  it('unread when Content-Length is over the limit', async () => {
    const { stream, cancel } = streamOf([bytes('abc')], 'hang')
    const result = await readBody(stream, { ...limits, contentLength: '11' })
    expect(result).toEqual({
      ok: false,
      reason: 'too-large',
      message: 'The body has 11 bytes, the limit is 10',
      head: new Uint8Array(),
      size: 0,
    })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it.each([undefined, '4'])(
    'at the first byte over the limit with Content-Length %j',
    async (contentLength) => {
      const { stream, cancel } = streamOf([bytes('12345678'), bytes('9ab'), bytes('never read')], 'hang')
      const result = await readBody(stream, { ...limits, contentLength })
      expect(result).toMatchObject({ ok: false, reason: 'too-large', size: 11 })
      expect(!result.ok && textOf(result.head)).toBe('123456789ab')
      expect(cancel).toHaveBeenCalledOnce()
    },
  )

  it('and no more than its first 2 KB are kept', async () => {
    const { stream } = streamOf([new Uint8Array(5000), new Uint8Array(5000)])
    const result = await readBody(stream, { ...limits, maxBytes: 9000 })
    expect(result).toMatchObject({ ok: false, size: 10_000, head: { byteLength: 2048 } })
    expect(!result.ok && result.head.buffer.byteLength).toBe(2048)
  })

  it('when it does not end in time, from the first byte to the last', async () => {
    vi.useFakeTimers()
    const { stream, cancel } = streamOf([bytes('abc')], 'hang')
    const reading = readBody(stream, limits)
    await vi.advanceTimersByTimeAsync(999)
    expect(cancel).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(await reading).toMatchObject({
      ok: false,
      reason: 'too-slow',
      message: 'The body took longer than 1 s, 3 bytes arrived',
      size: 3,
    })
    expect(cancel).toHaveBeenCalledOnce()
    vi.useRealTimers()
  })

  it('when drops keep coming past the time', async () => {
    vi.useFakeTimers()
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) =>
        new Promise((resolve) =>
          setTimeout(() => {
            controller.enqueue(bytes('.'))
            resolve()
          }, 300),
        ),
    })
    const reading = readBody(stream, limits)
    await vi.advanceTimersByTimeAsync(1000)
    expect(await reading).toMatchObject({ reason: 'too-slow', size: 3 })
    vi.useRealTimers()
  })

  it.each([
    [undefined, 500_000],
    ['400000', 400_000],
  ])('when there is no room for all of it (declared: %s)', async (contentLength, reserved) => {
    const { stream, cancel } = streamOf([new Uint8Array(60_000), new Uint8Array(60_000)], 'hang')
    const reserve = vi.fn(async () => false)
    const room = { reserve, onEvict: () => undefined }
    const result = await readBody(stream, { maxBytes: 500_000, timeoutMs: 1000, contentLength, room })
    expect(reserve.mock.calls).toEqual([[reserved]])
    expect(result).toMatchObject({ reason: 'busy', size: 60_000, head: { byteLength: 2048 } })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('when its room is given to others while it waits for the sender', async () => {
    const { stream, cancel } = streamOf([bytes('abc')], 'hang')
    let evict = (): void => undefined
    const room = {
      reserve: () => true as const,
      onEvict: (act: () => void) => {
        evict = act
      },
    }
    const reading = readBody(stream, { ...limits, room })
    setTimeout(() => evict())
    expect(await reading).toMatchObject({ reason: 'busy', size: 3 })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('when the sender goes away, without a throw', async () => {
    const result = await readBody(streamOf([bytes('abc')], 'error').stream, limits)
    expect(result).toMatchObject({
      ok: false,
      reason: 'aborted',
      message: 'The sender broke off after 3 bytes',
    })
    expect(!result.ok && textOf(result.head)).toBe('abc')
  })
})

it.each(['close', 'error'] as const)('leaves no timer behind after %s', async (end) => {
  vi.useFakeTimers()
  await readBody(streamOf([bytes('abc')], end).stream, limits)
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})
