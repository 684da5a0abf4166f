import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { digest, equalBytes, fromHex, toHex } from './digest.ts'
import { fillRandom, randomBytes } from './random.ts'

describe('digests', () => {
  test('SHA-256 of "abc" is the one of FIPS 180-4, appendix B.1, and others are those of node:crypto', () => {
    expect(toHex(digest(new TextEncoder().encode('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    fc.assert(
      fc.property(
        fc.uint8Array(),
        (bytes) => toHex(digest(bytes)) === createHash('sha256').update(bytes).digest('hex'),
      ),
    )
  })

  test('hexadecimal digits there and back; others are refused', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => equalBytes(fromHex(toHex(bytes)), bytes)))
    for (const text of ['0', 'AB', 'zz', '0x12', ' 12']) expect(() => fromHex(text)).toThrow(TypeError)
  })

  test('equalBytes compares lengths and all bytes', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2))).toBe(false)
  })
})

describe('random bytes', () => {
  test('fill more than one call of getRandomValues may, to the last byte', () => {
    const bytes = new Uint8Array(3 * 65536 + 7)
    fillRandom(bytes)
    // Each 64-byte piece being all zeros has probability 2^-512.
    for (let at = 0; at + 64 <= bytes.length; at += 64)
      expect(bytes.subarray(at, at + 64).some((b) => b !== 0)).toBe(true)
    expect(bytes.subarray(-64).some((b) => b !== 0)).toBe(true)
  })

  test('differ from call to call', () => {
    expect(randomBytes(32)).not.toEqual(randomBytes(32))
    expect(randomBytes(0)).toHaveLength(0)
  })
})
