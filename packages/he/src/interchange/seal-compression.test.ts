import { zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { compress, decompress } from './seal-compression.ts'

const content = Uint8Array.from({ length: 3000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24)

test('any length comes back, wherever the pieces of the input end', () => {
  for (let length = 4060; length < 4120; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => Math.imul(i ^ length, 0x9e3779b1) >>> 13)
    expect(Buffer.compare(decompress(compress(bytes), 'zlib', 'it', length), bytes)).toBe(0)
  }
})

test('empty blocks without end are refused unread', () => {
  const stored = Buffer.concat([Buffer.from([0x78, 0x9c]), ...new Array(2000).fill(Buffer.from([0, 0, 0, 255, 255]))])
  const raw = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), Buffer.alloc(10_000)])
  const refused = expect.objectContaining({
    code: 'too-large',
    message: expect.stringMatching(/^it has 100\d\d compressed bytes, far more than the 3000 bytes/),
  })
  expect(() => decompress(stored, 'zlib', 'it', 3000)).toThrow(refused)
  expect(() => decompress(raw, 'zstd', 'it', 3000)).toThrow(refused)
  // What cannot be compressed is a little longer than it was.
  expect(decompress(compress(content), 'zlib', 'it', 3000)).toEqual(content)
  expect(Buffer.compare(decompress(zstdCompressSync(content), 'zstd', 'it', 3000), content)).toBe(0)
})
