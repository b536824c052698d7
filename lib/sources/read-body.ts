interface BodyRefusal {
  ok: false
  reason: 'too-large' | 'too-slow' | 'aborted'
  /** A sentence with its numbers. */
  message: string
  /** The first 2 KB that came. */
  head: Uint8Array
  /** Bytes that came before the refusal. */
  size: number
}

export type BodyResult = { ok: true; bytes: Uint8Array } | BodyRefusal

const headBytes = 2048

/** Already ended or failed streams refuse to be cancelled, which is as good. */
const ignore = () => undefined

/**
 * Doubles its room: keeping the parts apart instead would let a sender of one-byte chunks
 * take a hundred times the cap in memory.
 */
function append(bytes: Uint8Array, size: number, chunk: Uint8Array): Uint8Array {
  if (size === 0) return chunk
  const needed = size + chunk.byteLength
  let room = bytes
  if (needed > bytes.byteLength) {
    room = new Uint8Array(Math.max(needed, 2 * bytes.byteLength))
    room.set(bytes.subarray(0, size))
  }
  room.set(chunk, size)
  return room
}

/** A false or missing `Content-Length` is no matter: what comes is counted. */
function declaredBytes(contentLength: string | null | undefined): number {
  return /^[0-9]{1,15}$/.test(contentLength ?? '') ? Number(contentLength) : 0
}

/**
 * Reads a body whole, at most `maxBytes`, within `timeoutMs` from first to last byte. A refused body is
 * cancelled. A body of one chunk is given back as it came, without a copy.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  limits: { maxBytes: number; timeoutMs: number; contentLength?: string | null },
): Promise<BodyResult> {
  const { maxBytes, timeoutMs } = limits
  let bytes: Uint8Array = new Uint8Array()
  let size = 0
  const refuse = (reason: BodyRefusal['reason'], message: string): BodyRefusal => {
    // A copy: the head is kept, and must not hold on to megabytes.
    return { ok: false, reason, message, head: bytes.slice(0, Math.min(size, headBytes)), size }
  }
  const declared = declaredBytes(limits.contentLength)
  if (declared > maxBytes) {
    body?.cancel().catch(ignore)
    return refuse('too-large', `The body has ${declared} bytes, the limit is ${maxBytes}`)
  }
  if (body === null) return { ok: true, bytes }

  const reader = body.getReader()
  let late = false
  const timer = setTimeout(() => {
    late = true
    reader.cancel().catch(ignore)
  }, timeoutMs)
  try {
    for (;;) {
      const part = await reader.read().catch(() => null)
      if (late)
        return refuse('too-slow', `The body took longer than ${timeoutMs / 1000} s, ${size} bytes came`)
      if (part === null) return refuse('aborted', `The sender broke off after ${size} bytes`)
      if (part.done) return { ok: true, bytes: bytes.subarray(0, size) }
      bytes = append(bytes, size, part.value)
      size += part.value.byteLength
      if (size > maxBytes) {
        reader.cancel().catch(ignore)
        return refuse('too-large', `The body has more than ${size} bytes, the limit is ${maxBytes}`)
      }
    }
  } finally {
    clearTimeout(timer)
  }
}
