import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unzstd } from './zstd.ts'
import { readHuffmanTable } from './zstd-entropy.ts'

const level = (n: number, more: Record<number, number> = {}) => ({
  params: { [constants.ZSTD_c_compressionLevel]: n, ...more },
})

/** Bytes with some order in them, so that every part of the format is used. */
function text(length: number, seed: number, letters: number): Uint8Array {
  let x = seed
  const words = Array.from({ length: 50 }, () =>
    Array.from({ length: 3 + (seed % 9) }, () => {
      x = (Math.imul(x, 1103515245) + 12345) >>> 0
      return (x >>> 16) % letters
    }),
  )
  const out: number[] = []
  while (out.length < length) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    out.push(...words[(x >>> 20) % words.length]!, (x >>> 12) & 255)
  }
  return Uint8Array.from(out.slice(0, length))
}

describe('Zstandard', () => {
  test.each([-5, 1, 3, 9, 19])('what Node compresses at level %d comes back', (n) => {
    const inputs = [
      new Uint8Array(0),
      Uint8Array.of(7),
      new Uint8Array(1000),
      new Uint8Array(400_000).fill(9),
      text(300, 1, 4),
      text(5_000, 2, 26),
      text(300_000, 3, 200),
      // Level 19 takes its time: zstd.slow.test.ts.
      text(n === 19 ? 150_000 : 700_000, 4, 2),
      Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24),
      // Residues as SEAL has them: words of 64 bits, the upper half of them 0.
      new Uint8Array(
        Float64Array.from({ length: 20_000 }, (_, i) => (i * i * 7919) % 1099511480321).map(Math.round).buffer,
      ),
    ]
    for (const input of inputs) {
      const out = unzstd(zstdCompressSync(input, level(n)), 'it', input.length)
      expect(Buffer.compare(out, input)).toBe(0)
      const summed = zstdCompressSync(
        input,
        level(n, { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_contentSizeFlag]: 0 }),
      )
      expect(Buffer.compare(unzstd(summed, 'it', input.length), input)).toBe(0)
    }
  })

  test('any bytes, at any level', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 3000, size: 'max' }),
      fc
        .tuple(fc.integer({ min: 0, max: 6000 }), fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 256 }))
        .map(([length, seed, letters]) => text(length, seed, letters)),
    )
    fc.assert(
      fc.property(bytes, fc.integer({ min: -7, max: 19 }), (input, n) => {
        expect(Buffer.compare(unzstd(zstdCompressSync(input, level(n)), 'it', input.length), input)).toBe(0)
      }),
      { numRuns: 150 },
    )
  })

  test('more than the limit is refused, whether the header tells or not', () => {
    const input = text(100_000, 5, 20)
    for (const flag of [0, 1]) {
      const bytes = zstdCompressSync(input, level(3, { [constants.ZSTD_c_contentSizeFlag]: flag }))
      expect(() => unzstd(bytes, 'it', input.length - 1)).toThrow(
        expect.objectContaining({ code: 'too-large', message: expect.stringMatching(/^it decompresses to/) }),
      )
    }
    // 16 MB of zeros in a few hundred bytes.
    const bomb = zstdCompressSync(new Uint8Array(2 ** 24), level(3, { [constants.ZSTD_c_contentSizeFlag]: 0 }))
    expect(bomb.length).toBeLessThan(2000)
    expect(() => unzstd(bomb, 'it', 2 ** 20)).toThrow('it decompresses to more than 1048576 bytes')
  })

  test('matches that would run on and on end with their block', () => {
    // One block of a thousand sequences: tables of one symbol, no literals, the longest match code with 16 bits, at distance 1.
    const sequences = 1000
    const body = Buffer.concat([
      Buffer.from([0b00001_000, 65]), // one raw literal
      Buffer.from([128 + (sequences >> 8), sequences & 255, 0b01_01_01_00, 1, 0, 52]),
      Buffer.alloc(2 * sequences, 0xff),
      Buffer.from([1]),
    ])
    const header = Buffer.alloc(3)
    header.writeUIntLE((body.length << 3) | (2 << 1) | 1, 0, 3)
    const frame = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), header, body])
    expect(() => unzstd(frame, 'it', 2 ** 30)).toThrow('a block is too long')
  })

  test('a prefix code has no weights above 11, whose sum would wrap around', () => {
    for (const weights of [
      [10, 224, 245, 191, 93, 68, 207, 93, 40, 9, 36],
      [12, 177, 231, 255, 255, 127, 42, 24, 71, 223, 198, 204, 22],
    ])
      expect(() => readHuffmanTable(Uint8Array.from(weights))).toThrow('a prefix code is damaged')
  })

  test('damage anywhere is an error or other bytes, never a crash, nor more than the limit', () => {
    const frames = [text(4000, 6, 26), text(4000, 7, 200), text(20_000, 8, 3)].flatMap((input) =>
      [1, 19].map((n) => zstdCompressSync(input, level(n))),
    )
    fc.assert(
      fc.property(
        fc.nat({ max: frames.length - 1 }),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }),
        (which, edits) => {
          const bytes = Uint8Array.from(frames[which]!)
          for (const [at, value] of edits) bytes[at % bytes.length] = value
          try {
            expect(unzstd(bytes, 'it', 30_000).length).toBeLessThanOrEqual(30_000)
          } catch (error) {
            // Never what a mistake in the decoder would throw.
            expect((error as Error).name).toMatch(/^(Error|GloveboxError)$/)
          }
        },
      ),
      { numRuns: 1500 },
    )
    for (const frame of frames)
      for (let length = 0; length < frame.length; length += 1 + (length >> 4))
        expect(() => unzstd(Uint8Array.from(frame).subarray(0, length), 'it', 30_000)).toThrow(Error)
  })
})
