import type { IncomingMessage } from 'node:http'
import { GloveboxError } from '@glovebox/he'
import type { Context } from 'hono'
import type { Env, Intake } from './context.ts'
import { Refusal } from './errors.ts'

/** How a body is read. */
export interface BodyOptions {
  /** Bytes; one more is GloveboxError `too-large`. */
  readonly limit: number
  /** Milliseconds between two pieces, and those for a mebibyte: slower is Refusal 408. */
  readonly idleMs: number
  /** Names it in errors. */
  readonly what: string
}

/** The length that the request announces, or undefined. */
export function announcedLength(c: Context<Env>): number | undefined {
  const header = c.req.header('content-length')
  return header !== undefined && /^\d{1,15}$/.test(header) ? Number(header) : undefined
}

/**
 * The body in pieces, each checked before the next is asked for. Throws GloveboxError `too-large` as soon as it passes the limit, `unavailable` where the
 * client leaves, Refusal 408 where it stalls, and leaves the rest unread.
 */
export async function* streamBody(c: Context<Env>, { limit, idleMs, what }: BodyOptions): AsyncGenerator<Uint8Array> {
  const announced = announcedLength(c)
  if (announced !== undefined && announced > limit) throw tooLarge(what, announced, limit)
  const source = piecesOf(c)
  if (!source) return
  const began = performance.now()
  let length = 0
  const pieces = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await within(pieces.next(), idleMs, what).catch((cause: unknown) => {
        if (cause instanceof GloveboxError) throw cause
        throw new GloveboxError('unavailable', `the connection was closed before ${what} was received`, { cause })
      })
      if (done) break
      length += value.length
      if (length > limit) throw tooLarge(what, length, limit)
      // One byte every now and then keeps no connection: a mebibyte has the time of a pause.
      if (performance.now() - began > idleMs * (1 + length / 2 ** 20) + idleMs) throw slow(what)
      yield value
    }
    if (announced !== undefined && length !== announced)
      throw new GloveboxError('unavailable', `the connection was closed before ${what} was received`)
  } finally {
    // What is left unread goes with the connection; a client that has gone already is no error here.
    void Promise.resolve(pieces.return?.()).catch(() => undefined)
  }
}

/** The whole body in shared memory, so that threads read it in place; memory is taken only for what has arrived. */
export async function readBody(c: Context<Env>, intake: Intake, options: BodyOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const value of streamBody(c, options)) {
      length += value.length
      intake.used += value.length
      if (intake.used > intake.limit)
        throw new GloveboxError('unavailable', 'the server is receiving as much as it can hold: try again in a moment')
      chunks.push(value)
    }
    const body = new Uint8Array(new SharedArrayBuffer(length))
    let at = 0
    for (const chunk of chunks) {
      body.set(chunk, at)
      at += chunk.length
    }
    return body
  } finally {
    intake.used -= length
  }
}

/** Node's own stream where there is one: a web stream around it costs as much as a small query. */
function piecesOf(c: Context<Env>): AsyncIterable<Uint8Array> | undefined {
  const incoming = (c.env as { incoming?: IncomingMessage } | undefined)?.incoming
  if (incoming) return incoming.iterator({ destroyOnReturn: false })
  return c.req.raw.body ?? undefined
}

function within<T>(next: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(slow(what)), ms)
  })
  return Promise.race([next, late]).finally(() => clearTimeout(timer))
}

function slow(what: string): Refusal {
  return new Refusal(408, 'unavailable', `${what} did not arrive: the connection is too slow, or has stalled`)
}

function tooLarge(what: string, got: number, limit: number): GloveboxError {
  return new GloveboxError('too-large', `${what} has ${got} bytes or more, at most ${limit} are accepted`)
}
