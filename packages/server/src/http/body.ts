import { GloveboxError } from '@glovebox/he'

/** Bytes of all bodies that are being received or computed on: many within their own limits must not fill the memory together. */
export interface Intake {
  readonly limit: number
  used: number
}

/**
 * Reads a request body chunk by chunk and takes memory only for what has arrived. Throws GloveboxError `too-large` as soon as the
 * body passes `limit`, `unavailable` when all bodies together pass the intake's, and leaves the rest unread.
 */
export async function readBody(request: Request, limit: number, intake: Intake, what: string): Promise<Uint8Array> {
  const announced = Number(request.headers.get('content-length') ?? 0)
  if (announced > limit) throw tooLarge(what, announced, limit)
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = request.body?.getReader()
  try {
    while (reader) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw new GloveboxError('unavailable', `the connection was closed before ${what} was received`, { cause })
      })
      if (done) break
      length += value.length
      intake.used += value.length
      if (length > limit) throw tooLarge(what, length, limit)
      if (intake.used > intake.limit) {
        throw new GloveboxError('unavailable', 'the server is receiving as much as it can hold: try again in a moment')
      }
      chunks.push(value)
    }
    // Shared, so that the threads read it in place.
    const body = new Uint8Array(new SharedArrayBuffer(length))
    let at = 0
    for (const chunk of chunks) {
      body.set(chunk, at)
      at += chunk.length
    }
    return body
  } finally {
    intake.used -= length
    // What is left unread goes with the connection; a client that has gone already is no error here.
    await reader?.cancel().catch(() => undefined)
  }
}

function tooLarge(what: string, got: number, limit: number): GloveboxError {
  return new GloveboxError('too-large', `${what} has ${got} bytes or more, at most ${limit} are accepted`)
}
