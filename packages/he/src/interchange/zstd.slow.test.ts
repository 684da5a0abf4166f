import { constants, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { unzstd } from './zstd.ts'

test.each([
  [2, 700_000],
  [200, 700_000],
])('what Node compresses at level 19 comes back: words of %i letters, %i bytes', (letters, length) => {
  let x = 4
  const next = (): number => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0
    return x >>> 16
  }
  const words = Array.from({ length: 50 }, () => Array.from({ length: 7 }, () => next() % letters))
  const out: number[] = []
  while (out.length < length) out.push(...words[next() % words.length]!, next() & 255)
  const input = Uint8Array.from(out.slice(0, length))
  for (const contentSizeFlag of [0, 1]) {
    const bytes = zstdCompressSync(input, {
      params: { [constants.ZSTD_c_compressionLevel]: 19, [constants.ZSTD_c_contentSizeFlag]: contentSizeFlag },
    })
    expect(Buffer.compare(unzstd(bytes, 'it', input.length), input)).toBe(0)
  }
})
