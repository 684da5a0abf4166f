import { createCipheriv, createHash } from 'node:crypto'
import { fromResidues, interpolate, type Poly } from './reference-ring.ts'

// A second reader and writer of the wire format, from its description in base/frame.ts and rlwe/wire.ts alone: SHA-256 and ChaCha20 are
// those of node:crypto, bits are taken one residue at a time from a bigint.

export interface OpenFrame {
  readonly kind: number
  readonly owner: string
  readonly body: Uint8Array
}

function checksum(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest().subarray(0, 16)
}

/** Opens a frame; throws unless magic, version, length and checksum are right. */
export function openFrame(bytes: Uint8Array): OpenFrame {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.toString('latin1', 0, 4) !== 'GLBX' || view[4] !== 1 || view.readUInt16LE(6) !== 0)
    throw new Error('not a frame')
  const length = view.readUInt32LE(40)
  if (view.length !== 44 + length + 16) throw new Error('wrong length')
  if (!view.subarray(44 + length).equals(checksum(view.subarray(0, 44 + length)))) throw new Error('wrong checksum')
  return { kind: view[5]!, owner: view.toString('hex', 8, 40), body: view.subarray(44, 44 + length) }
}

/** A frame with a right length and checksum around any body: what whoever wants to do harm would send. */
export function forgeFrame(kind: number, owner: string, body: Uint8Array): Uint8Array {
  const header = Buffer.alloc(44)
  header.write('GLBX', 'latin1')
  header[4] = 1
  header[5] = kind
  header.write(owner, 8, 'hex')
  header.writeUInt32LE(body.length, 40)
  const content = Buffer.concat([header, body])
  return new Uint8Array(Buffer.concat([content, checksum(content)]))
}

/** The frame with its body edited, and length and checksum made right again. */
export function reframe(bytes: Uint8Array, edit: (body: Buffer) => Uint8Array | undefined): Uint8Array {
  const { kind, owner, body } = openFrame(bytes)
  const copy = Buffer.from(body)
  return forgeFrame(kind, owner, edit(copy) ?? copy)
}

/** `count` unsigned integers of `bits` bits, least significant bit first, no gaps. */
export function unpackBits(bytes: Uint8Array, count: number, bits: number): bigint[] {
  const out: bigint[] = []
  for (let i = 0; i < count; i++) {
    const first = Math.floor((i * bits) / 8)
    const last = Math.min(bytes.length, Math.ceil(((i + 1) * bits) / 8))
    let word = 0n
    for (let at = last - 1; at >= first; at--) word = (word << 8n) | BigInt(bytes[at]!)
    out.push((word >> BigInt((i * bits) % 8)) & ((1n << BigInt(bits)) - 1n))
  }
  return out
}

/** The inverse of `unpackBits`. */
export function packBits(values: readonly bigint[], bits: number): Uint8Array {
  const out = new Uint8Array(Math.ceil((values.length * bits) / 8))
  values.forEach((value, i) => {
    for (let b = 0; b < bits; b++) {
      const at = i * bits + b
      out[at >> 3]! |= Number((value >> BigInt(b)) & 1n) << (at & 7)
    }
  })
  return out
}

export function bitsOf(p: number): number {
  return (p - 1).toString(2).length
}

/** n residues modulo p from the public stream: ChaCha20 (RFC 8439) under the seed, nonce (domain, index, 0), u64 masked and rejected. */
export function expandSeed(seed: Uint8Array, domain: number, index: number, n: number, p: number): bigint[] {
  const iv = Buffer.alloc(16)
  iv.writeUInt32LE(domain, 4)
  iv.writeUInt32LE(index, 8)
  const stream = createCipheriv('chacha20', seed, iv).update(Buffer.alloc(64 * n))
  const mask = (1n << BigInt(p.toString(2).length)) - 1n
  const out: bigint[] = []
  for (let at = 0; out.length < n; at += 8) {
    const candidate = stream.readBigUInt64LE(at) & mask
    if (candidate < BigInt(p)) out.push(candidate)
  }
  return out
}

export interface WireCiphertext {
  readonly level: number
  readonly scale: number
  readonly seed: Uint8Array | undefined
  readonly parts: readonly Poly[]
}

/** Reads the body of a ciphertext: seeded u8, parts u8, level u8, scale f64, [seed], limbs. */
export function readWireCiphertext(body: Uint8Array, n: number, primes: readonly number[]): WireCiphertext {
  const view = Buffer.from(body)
  const seeded = view[0] === 1
  const [count, level] = [view[1]!, view[2]!]
  const scale = view.readDoubleLE(3)
  let at = 11
  const seed = seeded ? view.subarray(at, at + 32) : undefined
  if (seeded) at += 32
  const chain = primes.slice(0, level + 1)
  const parts = Array.from({ length: count }, (_, part) => {
    const limbs = chain.map((p, index) => {
      if (part === 1 && seed) return interpolate(expandSeed(seed, 1, index, n, p), p)
      const bytes = Math.ceil((n * bitsOf(p)) / 8)
      const values = unpackBits(view.subarray(at, at + bytes), n, bitsOf(p))
      at += bytes
      return interpolate(values, p)
    })
    return fromResidues(limbs, chain)
  })
  if (at !== view.length) throw new Error(`${view.length - at} bytes behind the ciphertext`)
  return { level, scale, seed, parts }
}

/** Ternary coefficients from the body of a secret key: two bits each, 0, 1 or 2 for 0, 1 or -1. */
export function readWireSecret(body: Uint8Array, n: number): Poly {
  return unpackBits(body, n, 2).map((code) => (code === 2n ? -1n : code))
}
