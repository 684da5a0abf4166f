// BLAKE2Xb (Aumasson, Neves, O'Hearn, Winnerlein 2016), the extendable output of BLAKE2b (RFC 7693): SEAL's generator of public
// polynomials. A 64-bit word is two u32, the low one first.

const blockBytes = 128
const hashBytes = 64

/** RFC 7693, section 2.6: the words of SHA-512's initialisation vector. */
const initial: Uint32Array = Uint32Array.of(
  0xf3bcc908,
  0x6a09e667,
  0x84caa73b,
  0xbb67ae85,
  0xfe94f82b,
  0x3c6ef372,
  0x5f1d36f1,
  0xa54ff53a,
  0xade682d1,
  0x510e527f,
  0x2b3e6c1f,
  0x9b05688c,
  0xfb41bd6b,
  0x1f83d9ab,
  0x137e2179,
  0x5be0cd19,
)

/** RFC 7693, section 2.7. */
const schedule: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]

/** The mixing function G of RFC 7693, section 3.1, on words a … d of v with words x and y of the message. */
function mix(v: Uint32Array, m: Uint32Array, a: number, b: number, c: number, d: number, x: number, y: number): void {
  let aLow = v[2 * a]!
  let aHigh = v[2 * a + 1]!
  let bLow = v[2 * b]!
  let bHigh = v[2 * b + 1]!
  let cLow = v[2 * c]!
  let cHigh = v[2 * c + 1]!
  let dLow = v[2 * d]!
  let dHigh = v[2 * d + 1]!
  // Sums of three u32 are exact in a double; what is above 32 bits is the carry.
  let low = aLow + bLow + m[2 * x]!
  aHigh = (aHigh + bHigh + m[2 * x + 1]! + Math.floor(low / 2 ** 32)) >>> 0
  aLow = low >>> 0
  let xLow = dLow ^ aLow
  let xHigh = dHigh ^ aHigh
  dLow = xHigh >>> 0
  dHigh = xLow >>> 0
  low = cLow + dLow
  cHigh = (cHigh + dHigh + Math.floor(low / 2 ** 32)) >>> 0
  cLow = low >>> 0
  xLow = bLow ^ cLow
  xHigh = bHigh ^ cHigh
  bLow = ((xLow >>> 24) | (xHigh << 8)) >>> 0
  bHigh = ((xHigh >>> 24) | (xLow << 8)) >>> 0
  low = aLow + bLow + m[2 * y]!
  aHigh = (aHigh + bHigh + m[2 * y + 1]! + Math.floor(low / 2 ** 32)) >>> 0
  aLow = low >>> 0
  xLow = dLow ^ aLow
  xHigh = dHigh ^ aHigh
  dLow = ((xLow >>> 16) | (xHigh << 16)) >>> 0
  dHigh = ((xHigh >>> 16) | (xLow << 16)) >>> 0
  low = cLow + dLow
  cHigh = (cHigh + dHigh + Math.floor(low / 2 ** 32)) >>> 0
  cLow = low >>> 0
  xLow = bLow ^ cLow
  xHigh = bHigh ^ cHigh
  bLow = ((xHigh >>> 31) | (xLow << 1)) >>> 0
  bHigh = ((xLow >>> 31) | (xHigh << 1)) >>> 0
  v[2 * a] = aLow
  v[2 * a + 1] = aHigh
  v[2 * b] = bLow
  v[2 * b + 1] = bHigh
  v[2 * c] = cLow
  v[2 * c + 1] = cHigh
  v[2 * d] = dLow
  v[2 * d + 1] = dHigh
}

/** The compression function F of RFC 7693, section 3.2; `length` counts the bytes so far, below 2^32. */
function compress(h: Uint32Array, m: Uint32Array, v: Uint32Array, length: number, last: boolean): void {
  v.set(h)
  v.set(initial, 16)
  v[24]! ^= length
  if (last) {
    v[28] = ~v[28]!
    v[29] = ~v[29]!
  }
  for (let round = 0; round < 12; round++) {
    const s = schedule[round % 10]!
    mix(v, m, 0, 4, 8, 12, s[0]!, s[1]!)
    mix(v, m, 1, 5, 9, 13, s[2]!, s[3]!)
    mix(v, m, 2, 6, 10, 14, s[4]!, s[5]!)
    mix(v, m, 3, 7, 11, 15, s[6]!, s[7]!)
    mix(v, m, 0, 5, 10, 15, s[8]!, s[9]!)
    mix(v, m, 1, 6, 11, 12, s[10]!, s[11]!)
    mix(v, m, 2, 7, 8, 13, s[12]!, s[13]!)
    mix(v, m, 3, 4, 9, 14, s[14]!, s[15]!)
  }
  for (let i = 0; i < 16; i++) h[i]! ^= v[i]! ^ v[i + 16]!
}

const root = { fanout: 1, leafLength: 0, innerLength: 0 } as const
const node = { fanout: 0, leafLength: hashBytes, innerLength: hashBytes } as const

/** BLAKE2b of `input` under a parameter block of BLAKE2X; a key is a first block of its own. */
function hash(
  { fanout, leafLength, innerLength }: typeof root | typeof node,
  hashLength: number,
  keyLength: number,
  offset: number,
  outputLength: number,
  input: Uint8Array,
): Uint8Array {
  const h = initial.slice()
  h[0]! ^= hashLength | (keyLength << 8) | (fanout << 16) | (fanout << 24)
  h[1]! ^= leafLength
  h[2]! ^= offset
  h[3]! ^= outputLength
  h[4]! ^= innerLength << 8
  const m = new Uint32Array(32)
  const v = new Uint32Array(32)
  const block = new Uint8Array(m.buffer)
  for (let at = 0; at === 0 || at < input.length; at += blockBytes) {
    const end = Math.min(at + blockBytes, input.length)
    block.fill(0)
    block.set(input.subarray(at, end))
    compress(h, m, v, end, end === input.length)
  }
  return new Uint8Array(h.buffer, 0, hashLength)
}

/** `length` bytes (1 to 2^32 - 2) from an input under a key of at most 64 bytes. */
export function blake2xb(length: number, input: Uint8Array, key: Uint8Array): Uint8Array {
  if (!Number.isInteger(length) || length < 1 || length > 2 ** 32 - 2)
    throw new RangeError(`"length" expected an integer from 1 to 2^32 - 2, got ${length}`)
  if (key.length > hashBytes) throw new RangeError(`"key" expected at most 64 bytes, got ${key.length}`)
  const padded = new Uint8Array((key.length > 0 ? blockBytes : 0) + input.length)
  padded.set(key)
  padded.set(input, padded.length - input.length)
  const top = hash(root, hashBytes, key.length, 0, length, padded)
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += hashBytes) {
    const size = Math.min(hashBytes, length - at)
    out.set(hash(node, size, 0, at / hashBytes, length, top), at)
  }
  return out
}
