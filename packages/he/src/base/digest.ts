import { sha256 } from '@noble/hashes/sha2.js'

/**
 * SHA-256 (FIPS 180-4) of any number of bytes: 32 bytes.
 * @throws TypeError for what is no Uint8Array.
 */
export function digest(bytes: Uint8Array): Uint8Array {
  return sha256(bytes)
}

/** Lower-case hexadecimal digits, two for each byte, without prefix. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/**
 * The bytes of a string of lower-case hexadecimal digits, two for each byte, without prefix.
 * @throws TypeError for upper case, an odd number of digits, or anything else.
 */
export function fromHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text))
    throw new TypeError(`"text" expected lower-case hexadecimal digits, got ${text.slice(0, 20)}`)
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))
}

/** Whether two arrays have the same length and bytes. Not in constant time: for public values only. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
