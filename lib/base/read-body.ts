interface BodyRefusal {
  ok: false
  reason: 'too-large' | 'too-slow' | 'aborted' | 'busy'
  /** A sentence with its numbers. */
  message: string
  /** The first 2 KB that arrived. */
  head: Uint8Array
  /** Bytes that arrived before the refusal. */
  size: number
}

export type BodyResult = { ok: true; bytes: Uint8Array } | BodyRefusal

const headBytes = 2048
/** A socket buffers this much of a body anyway, whether it is read or not. */
export const smallBytes = 64 * 1024

/** A stream that has ended or failed refuses to be cancelled, which is just as good. */
const ignore = () => undefined

/** A body's share of the memory for the bodies of all requests (`lib/base/body-budget.ts`). */
export interface BodyRoom {
  /** True once it may take so many bytes in total; false: there is no room. Not called for bodies up to `smallBytes`. */
  reserve: (bytes: number) => true | Promise<boolean>
  /** `act` is called when the room is given to others. */
  onEvict: (act: () => void) => void
}

const unlimited: BodyRoom = { reserve: () => true, onEvict: ignore }

/** Doubles: keeping the chunks in a list would let a sender of one-byte chunks use a hundred times the limit. */
const roomFor = (needed: number, room: number): number => (needed <= room ? room : Math.max(needed, 2 * room))

function append(bytes: Uint8Array, size: number, chunk: Uint8Array, room: number): Uint8Array {
  if (size === 0 && room === chunk.byteLength) return chunk
  let whole = bytes
  if (room > bytes.byteLength) {
    whole = new Uint8Array(room)
    whole.set(bytes.subarray(0, size))
  }
  whole.set(chunk, size)
  return whole
}

/** A wrong or missing `Content-Length` does no harm: what arrives is counted. */
function declaredBytes(contentLength: string | null | undefined): number {
  return /^[0-9]{1,15}$/.test(contentLength ?? '') ? Number(contentLength) : 0
}

/**
 * Reads a whole body: at most `maxBytes`, within `timeoutMs` from the first to the last byte, in the memory that `room`
 * grants. A refused body is cancelled. A body of one chunk is returned without a copy.
 */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
  limits: { maxBytes: number; timeoutMs: number; contentLength?: string | null; room?: BodyRoom },
): Promise<BodyResult> {
  const { maxBytes, timeoutMs, room = unlimited } = limits
  let bytes: Uint8Array = new Uint8Array()
  let size = 0
  let reserved = smallBytes
  const refuse = (reason: BodyRefusal['reason'], message: string): BodyRefusal => {
    // A copy (which `slice` of a Buffer is not): the head is kept, and must not keep megabytes in memory.
    return {
      ok: false,
      reason,
      message,
      head: new Uint8Array(bytes.subarray(0, Math.min(size, headBytes))),
      size,
    }
  }
  const declared = declaredBytes(limits.contentLength)
  if (declared > maxBytes) {
    body?.cancel().catch(ignore)
    return refuse('too-large', `The body has ${declared} bytes, the limit is ${maxBytes}`)
  }
  if (body === null) return { ok: true, bytes }

  const reader = body.getReader()
  const stop: { why: 'too-slow' | 'busy' | null } = { why: null }
  const end = (why: 'too-slow' | 'busy') => {
    stop.why ??= why
    reader.cancel().catch(ignore)
  }
  const messages = {
    'too-slow': () => `The body took longer than ${timeoutMs / 1000} s, ${size} bytes arrived`,
    busy: () => `Too many large bodies arrived at once; this one was given up after ${size} bytes`,
  }
  const timer = setTimeout(() => end('too-slow'), timeoutMs)
  room.onEvict(() => end('busy'))
  try {
    for (;;) {
      const part = await reader.read().catch(() => null)
      if (stop.why) return refuse(stop.why, messages[stop.why]())
      if (part === null) return refuse('aborted', `The sender broke off after ${size} bytes`)
      if (part.done) return { ok: true, bytes: bytes.subarray(0, size) }
      const needed = size + part.value.byteLength
      if (needed > maxBytes) {
        const kept = bytes.subarray(0, Math.min(size, headBytes))
        bytes = new Uint8Array([...kept, ...part.value.subarray(0, headBytes - kept.byteLength)])
        size = needed
        reader.cancel().catch(ignore)
        return refuse('too-large', `The body has more than ${size} bytes, the limit is ${maxBytes}`)
      }
      if (needed > reserved) {
        // All of it at once: bodies that hold a part and wait for more would block each other for ever.
        reserved = declared >= needed ? declared : maxBytes
        const granted = room.reserve(reserved)
        if (granted !== true && !(await granted)) {
          end('busy')
          return refuse('busy', messages.busy())
        }
      }
      const space =
        reserved === declared && needed > smallBytes ? declared : roomFor(needed, bytes.byteLength)
      bytes = append(bytes, size, part.value, space)
      size = needed
    }
  } finally {
    clearTimeout(timer)
  }
}
