import { expand } from '@noble/hashes/hkdf.js'
import { sha512 } from '@noble/hashes/sha2.js'

/** Tells this use of the label key from any other. */
export const labelInfo: Uint8Array = new TextEncoder().encode('glovebox psi label v1')

/** What of the parameters of a set says how labels are read. */
export interface LabelParams {
  readonly feltsPerItem: number
  /** b = ⌊log2 t⌋, 1 to 26. */
  readonly feltBits: number
  readonly labelBytes: number
  /** ⌈8 labelBytes / (k b)⌉. */
  readonly labelPolynomials: number
}

/** The most bytes of a label: what HKDF-Expand gives (RFC 5869, section 2.3). */
export const maxLabelBytes: number = 255 * 64

/**
 * A label encrypted or decrypted: its XOR with HKDF-Expand-SHA512 (RFC 5869) under the second half of the OPRF's output. That is as good as a random key for
 * whoever has not asked for the item, and every item has its own, so that a stream hides one label; under a new label of the same item it would be used
 * twice, which only shows to who saw both encrypted labels, and so knows the item.
 * @param key the 32 bytes after the tag.
 */
export function encryptLabel(key: Uint8Array, label: Uint8Array): Uint8Array {
  // Expansion takes a key of a whole hash: the 32 bytes are filled up by zeros, as HMAC does by itself (RFC 2104).
  const padded = new Uint8Array(64)
  padded.set(key)
  const stream = expand(sha512, padded, labelInfo, label.length)
  padded.fill(0)
  return label.map((byte, i) => byte ^ stream[i]!)
}

/** Bits [bit, bit + count) of the little-endian number of bytes, zeros behind its end; count is 26 at most. */
function bitsAt(bytes: Uint8Array, bit: number, count: number): number {
  let value = 0
  for (let i = bit >>> 3, shift = -(bit & 7); shift < count; i++, shift += 8) value += (bytes[i] ?? 0) * 2 ** shift
  return Math.floor(value) % 2 ** count
}

/** The values of the label polynomials at an item's elements, [polynomial][felt]: b bits each of the encrypted label. */
export function labelFelts({ feltsPerItem, feltBits, labelPolynomials }: LabelParams, label: Uint8Array): Uint32Array {
  return Uint32Array.from({ length: labelPolynomials * feltsPerItem }, (_, i) => bitsAt(label, i * feltBits, feltBits))
}

/**
 * The encrypted label from values [polynomial][felt]: the inverse of `labelFelts`.
 * @throws RangeError for a value of more than b bits, which no label gives.
 */
export function labelOf({ feltBits, labelBytes }: LabelParams, felts: ArrayLike<number>): Uint8Array {
  const label = new Uint8Array(labelBytes)
  for (let i = 0; i < felts.length; i++) {
    const value = felts[i]!
    if (!(value >= 0 && value < 2 ** feltBits))
      throw new RangeError(`"felts[${i}]" expected an integer of ${feltBits} bits`)
    for (let j = 0; j < feltBits; j++) {
      const bit = i * feltBits + j
      if (bit < 8 * labelBytes) label[bit >>> 3]! |= ((value >>> j) & 1) << (bit & 7)
    }
  }
  return label
}
