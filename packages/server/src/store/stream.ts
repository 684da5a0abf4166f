/** The pieces of a stream, until `signal` ends it: then its reason is thrown, also while a piece is waited for. */
export async function* until(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!signal) return yield* body
  signal.throwIfAborted()
  const iterator = body[Symbol.asyncIterator]()
  let stop = (): void => undefined
  const aborted = (): void => stop()
  signal.addEventListener('abort', aborted)
  let ended = false
  try {
    for (;;) {
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stop = () => reject(signal.reason)
        iterator.next().then(resolve, reject)
      })
      signal.throwIfAborted()
      if (next.done) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', aborted)
    // Not waited for: a body that stalls would hold this up as well.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** All of it in one piece. Where the size is known, memory is taken once. */
export async function collect(body: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(bytes)
  let at = 0
  for await (const piece of body) {
    if (at + piece.length > bytes) throw new RangeError(`"body" expected ${bytes} bytes, got more`)
    whole.set(piece, at)
    at += piece.length
  }
  if (at !== bytes) throw new RangeError(`"body" expected ${bytes} bytes, got ${at}`)
  return whole
}

/** The first `bytes` bytes (or all there are), and the stream from its beginning. */
export async function peek(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ head: Uint8Array; body: AsyncIterable<Uint8Array> }> {
  const iterator = body[Symbol.asyncIterator]()
  const pieces: Uint8Array[] = []
  let length = 0
  while (length < bytes) {
    const next = await iterator.next()
    if (next.done) break
    pieces.push(next.value)
    length += next.value.length
  }
  const all = Buffer.concat(pieces, length)
  return { head: all.subarray(0, bytes), body: resume(pieces, iterator) }
}

async function* resume(pieces: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ended = false
  try {
    for (let piece = pieces.shift(); piece; piece = pieces.shift()) yield piece
    for (;;) {
      const next = await iterator.next()
      if (next.done) {
        ended = true
        return
      }
      yield next.value
    }
  } finally {
    if (!ended) await iterator.return?.()
  }
}
