import { Unzlib, zlibSync } from 'fflate'
import { GloveboxError } from '../base/errors.ts'
import { unzstd } from './zstd.ts'

/** How SEAL frames are compressed: 0 none, 1 zlib (RFC 1950), 2 Zstandard (RFC 8878). */
export const sealCompressions = ['none', 'zlib', 'zstd'] as const
export type SealCompression = (typeof sealCompressions)[number]

/** The decompressor of zlib gets its input in pieces, so that what it makes of one stays small: it makes at most 1032 bytes of one. */
const pieceBytes = 4096

/** Collects the output of a decompressor and stops it at the limit. */
function createSink(what: string, limit: number): { take(chunk: Uint8Array): void; done(): Uint8Array } {
  const chunks: Uint8Array[] = []
  let length = 0
  return {
    take(chunk) {
      length += chunk.length
      if (length > limit) {
        throw new GloveboxError(
          'too-large',
          `${what} decompresses to more than ${limit} bytes, the most that it may have`,
        )
      }
      chunks.push(chunk)
    },
    done() {
      const all = new Uint8Array(length)
      let at = 0
      for (const chunk of chunks) {
        all.set(chunk, at)
        at += chunk.length
        // It may have been a secret.
        chunk.fill(0)
      }
      return all
    },
  }
}

function adler32(bytes: Uint8Array): number {
  let a = 1
  let b = 0
  // 3800 steps keep b below 2^31.
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + 3800, bytes.length)
    for (; at < end; at++) {
      a += bytes[at]!
      b += a
    }
    a %= 65521
    b %= 65521
  }
  return b * 65536 + a
}

function inflate(bytes: Uint8Array, what: string, limit: number): Uint8Array {
  const sink = createSink(what, limit)
  let ended = false
  const stream = new Unzlib((chunk, final) => {
    sink.take(chunk)
    ended ||= final
  })
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    stream.push(bytes.subarray(at, at + pieceBytes), at + pieceBytes >= bytes.length)
  }
  const out = sink.done()
  const sum = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4).getUint32(0)
  if (!ended || sum !== adler32(out)) throw new Error('its checksum (Adler-32) does not match')
  return out
}

/**
 * Decompresses to at most `limit` bytes; what is larger is refused while it comes, what is damaged is `malformed`. `what` names the
 * input in errors.
 */
export function decompress(
  bytes: Uint8Array,
  compression: Exclude<SealCompression, 'none'>,
  what: string,
  limit: number,
): Uint8Array {
  // Nothing grows by compression, but for a few bytes a block: what is longer is full of empty blocks, to keep us busy.
  if (bytes.length > 2 * limit + 1024) {
    throw new GloveboxError(
      'too-large',
      `${what} has ${bytes.length} compressed bytes, far more than the ${limit} bytes that it may decompress to`,
    )
  }
  try {
    if (bytes.length < 6) throw new Error('it is too short')
    return compression === 'zlib' ? inflate(bytes, what, limit) : unzstd(bytes, what, limit)
  } catch (cause) {
    if (cause instanceof GloveboxError) throw cause
    throw new GloveboxError(
      'malformed',
      `${what} cannot be decompressed (${compression}): ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

/** zlib at its usual level. */
export function compress(bytes: Uint8Array): Uint8Array {
  return zlibSync(bytes)
}
