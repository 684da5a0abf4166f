import { type ByteReader, ByteWriter } from '../base/bytes.ts'
import { fromHex } from '../base/digest.ts'
import { GloveboxError } from '../base/errors.ts'
import { decodeFrame, encodeFrame, type FrameKind } from '../base/frame.ts'
import type { Ring } from '../ring/ring.ts'
import { extendedIndex } from '../ring/ring.ts'
import { type Ciphertext, isWhole, limbOf, newCiphertext, requireRing, requireScale } from './ciphertext.ts'
import { expandCiphertext, expandPublicKey, expandSwitchingKey, seedBytes } from './expand.ts'
import {
  digitsAt,
  type EvaluationKeys,
  extendedLimbs,
  newPublicKey,
  newSwitchingKey,
  type PublicKey,
  type SwitchingKey,
} from './keys.ts'
import { limbBytes, readLimb, writeLimb } from './pack.ts'

// Bodies are written and read by write… and read…, so that other frames can hold them; encode… and decode… add the frame.
// Every reader checks a length before it allocates and a residue before it is used.

/** What a decoder insists on. */
export interface DecodeOptions {
  /** Refuse more bytes than this, frame included, before reading any of them; default: 2^30, 1 GiB. */
  readonly maxBytes?: number
  /** Names the input in errors; default 'the' and what is expected: 'the ciphertext'. */
  readonly what?: string
}

/** Parameters below the security limit exist for tests; nothing made with them may leave the process. */
export function requireSerialisable(ring: Ring): void {
  if (ring.params.literal.security === 'INSECURE') {
    throw new GloveboxError('insecure-parameters', 'objects under INSECURE parameters cannot be serialised')
  }
}

function frame(ring: Ring, kind: FrameKind, write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter()
  write(writer)
  return encodeFrame(kind, fromHex(ring.params.digest), writer.done())
}

function unframe<T extends Disposable>(
  ring: Ring,
  kind: FrameKind,
  bytes: Uint8Array,
  options: DecodeOptions,
  read: (reader: ByteReader) => T,
): T {
  const { body } = decodeFrame(bytes, kind, { ...options, owner: fromHex(ring.params.digest) })
  const value = read(body)
  try {
    body.end()
  } catch (error) {
    value[Symbol.dispose]()
    throw error
  }
  return value
}

/** Bytes of one limb modulo each of ring.moduli[indices[i]]. */
function packedBytes(ring: Ring, indices: readonly number[]): number {
  return indices.reduce((sum, index) => sum + limbBytes(ring.n, ring.moduli[index]!.p), 0)
}

/** A scale that `requireScale` lets pass, or the error of a malformed field. */
export function readScale(reader: ByteReader, ring: Ring, level: number): number {
  const scale = reader.f64('scale')
  try {
    requireScale(ring, level, scale)
  } catch {
    throw reader.malformed('scale', `a positive number that fits the modulus of level ${level}`, scale)
  }
  return scale
}

// ---- ciphertexts ------------------------------------------------------------------------------------------------------

/**
 * seeded u8, parts u8, level u8, scale f64, [seed, 32 bytes], then the limbs of each part that is not the seed's, ⌈log2 q⌉ bits a residue; see
 * docs/wire-format.md.
 * @throws GloveboxError `unsupported` for a ciphertext read from a trimmed reply or a transparent one, `insecure-parameters` under INSECURE ones,
 * `disposed` for one disposed of.
 */
export function writeCiphertext(writer: ByteWriter, ct: Ciphertext): void {
  const { ring, parts, level, seed } = ct
  requireSerialisable(ring)
  if (!isWhole(ct))
    throw new GloveboxError('unsupported', 'a ciphertext read from a trimmed reply cannot be written as a whole one')
  requireNotTransparent(ct)
  writer
    .u8(seed ? 1 : 0)
    .u8(parts)
    .u8(level)
    .f64(ct.scale)
  if (seed) writer.raw(seed)
  for (let part = 0; part < parts; part++) {
    if (seed && part === 1) continue
    for (let i = 0; i <= level; i++) writeLimb(writer, ring, limbOf(ct, part, i), ring.moduli[i]!.p)
  }
}

/**
 * Reads what `writeCiphertext` wrote, of the ring's parameters; nothing is allocated for a length that is not there.
 * @throws GloveboxError `malformed` for a field or residue out of range, bytes that are missing, or a transparent ciphertext; `insecure-parameters`
 * under INSECURE ones.
 */
export function readCiphertext(reader: ByteReader, ring: Ring): Ciphertext {
  requireSerialisable(ring)
  const seeded = reader.u8('seeded')
  if (seeded > 1) throw reader.malformed('seeded', '0 or 1', seeded)
  const parts = reader.u8('parts')
  if (parts !== 2 && !(parts === 3 && seeded === 0)) throw reader.malformed('parts', seeded ? '2' : '2 or 3', parts)
  const level = reader.u8('level')
  if (level > ring.params.maxLevel) throw reader.malformed('level', `at most ${ring.params.maxLevel}`, level)
  const scale = readScale(reader, ring, level)
  const seed = seeded ? reader.slice(seedBytes, 'seed').slice() : undefined
  reader.ensure((seed ? 1 : parts) * packedBytes(ring, [...Array(level + 1).keys()]), 'residues')
  const ct = newCiphertext(ring, parts, level, scale, seed ? { seed } : {})
  try {
    for (let part = 0; part < parts; part++) {
      if (seed && part === 1) continue
      for (let i = 0; i <= level; i++)
        readLimb(reader, ring, limbOf(ct, part, i), ring.moduli[i]!.p, `part ${part}, limb ${i}`)
    }
    if (seed) expandCiphertext(ct, seed)
    requireOpaque(reader, ct)
  } catch (error) {
    ct[Symbol.dispose]()
    throw error
  }
  return ct
}

/** A ciphertext whose parts behind the first are 0 modulo some prime is readable by everybody there. */
function isTransparent(ct: Ciphertext): boolean {
  const { ring, level, parts } = ct
  const isZero = (part: number, limb: number): boolean =>
    ring.heap.f64(limbOf(ct, part, limb), ring.n).every((x) => x === 0)
  for (let limb = 0; limb <= level; limb++) if (isZero(1, limb) && (parts === 2 || isZero(2, limb))) return true
  return false
}

/** Refuses a transparent ciphertext from outside: an accident or an attack. */
export function requireOpaque(reader: ByteReader, ct: Ciphertext): void {
  if (isTransparent(ct)) {
    throw reader.malformed('part 1', 'a polynomial that is not 0', '0: the ciphertext is transparent')
  }
}

/** Refuses to send one, which nobody would accept: the result of a product with 0 or of a value less itself. */
export function requireNotTransparent(ct: Ciphertext): void {
  if (isTransparent(ct)) {
    throw new GloveboxError(
      'unsupported',
      'the ciphertext is transparent (a product with 0, or a value less itself): it hides nothing and cannot be written',
    )
  }
}

/**
 * A ciphertext in its frame, with its seed in place of c_1 where it still has one: `ciphertextBytes` tells the size for two parts.
 * @throws GloveboxError `unsupported` for one read from a trimmed reply or a transparent one, `insecure-parameters` under INSECURE ones, `disposed`
 * for one disposed of.
 */
export function encodeCiphertext(ct: Ciphertext): Uint8Array {
  return frame(ct.ring, 'ciphertext', (writer) => writeCiphertext(writer, ct))
}

/**
 * Reads `encodeCiphertext` of the context's parameters.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for another frame, damage, a value out of range or a transparent ciphertext,
 * `too-large` above `maxBytes`, `parameters-mismatch` for one of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function decodeCiphertext(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: DecodeOptions = {},
): Ciphertext {
  return unframe(context.ring, 'ciphertext', bytes, options, (reader) => readCiphertext(reader, context.ring))
}

// ---- public keys --------------------------------------------------------------------------------------------------------

/**
 * A public key in its frame: its seed, 32 bytes, and the limbs of b. A key without a seed: the limbs of b and those of a; the length tells which.
 * @throws GloveboxError `insecure-parameters` under INSECURE ones, `disposed` for a key disposed of.
 */
export function encodePublicKey(key: PublicKey): Uint8Array {
  const { ring, slab } = key
  requireSerialisable(ring)
  return frame(ring, 'public key', (writer) => {
    if (key.seed) writer.raw(key.seed)
    for (let part = 0; part < (key.seed ? 1 : 2); part++) {
      ring.params.primes.forEach((p, i) =>
        writeLimb(writer, ring, slab.ptr + (part * ring.params.primes.length + i) * ring.limbBytes, p),
      )
    }
  })
}

/**
 * Reads `encodePublicKey` of the context's parameters.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for another frame, damage or a residue out of range, `too-large` above
 * `maxBytes`, `parameters-mismatch` for a key of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function decodePublicKey(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: DecodeOptions = {},
): PublicKey {
  const { ring } = context
  requireSerialisable(ring)
  return unframe(ring, 'public key', bytes, options, (reader) => {
    const { primes } = ring.params
    const half = packedBytes(ring, [...primes.keys()])
    // A half is longer than a seed, so no length stands for both.
    const seed = reader.remaining === 2 * half ? undefined : reader.slice(seedBytes, 'seed').slice()
    reader.ensure(half, 'residues')
    const key = newPublicKey(ring, seed)
    try {
      for (const [part, name] of (seed ? ['b'] : ['b', 'a']).entries()) {
        primes.forEach((p, i) => {
          const at = key.slab.ptr + (part * primes.length + i) * ring.limbBytes
          readLimb(reader, ring, at, p, `${name}, limb ${i}`)
        })
      }
    } catch (error) {
      key[Symbol.dispose]()
      throw error
    }
    if (seed) expandPublicKey(key)
    return key
  })
}

// ---- evaluation keys ------------------------------------------------------------------------------------------------------

/** Added to the level of a key without a seed. Levels are below 64. */
const wholeKey = 0x80

/** level u8, seed, then b of every digit over the extended basis of the level; without a seed: level + 128 u8, then b and a of every digit. */
function writeSwitchingKey(writer: ByteWriter, key: SwitchingKey): void {
  const { ring, slab, level } = key
  const limbs = extendedLimbs(ring, level)
  writer.u8(key.seed ? level : level + wholeKey)
  if (key.seed) writer.raw(key.seed)
  for (let part = 0; part < 2 * key.digits; part++) {
    if (key.seed && part % 2 === 1) continue
    for (let limb = 0; limb < limbs; limb++) {
      const at = slab.ptr + (part * limbs + limb) * ring.limbBytes
      writeLimb(writer, ring, at, ring.moduli[extendedIndex(ring, level, limb)]!.p)
    }
  }
}

function readSwitchingKey(reader: ByteReader, ring: Ring): SwitchingKey {
  const byte = reader.u8('key level')
  const whole = byte >= wholeKey
  const level = whole ? byte - wholeKey : byte
  if (level > ring.params.maxLevel) throw reader.malformed('key level', `at most ${ring.params.maxLevel}`, byte)
  if (ring.params.special.length === 0)
    throw reader.malformed('key', 'none, as the parameters have no special prime', 'one')
  const seed = whole ? undefined : reader.slice(seedBytes, 'key seed').slice()
  const limbs = extendedLimbs(ring, level)
  const indices = Array.from({ length: limbs }, (_, limb) => extendedIndex(ring, level, limb))
  reader.ensure((whole ? 2 : 1) * digitsAt(ring, level) * packedBytes(ring, indices), 'residues of a key')
  const key = newSwitchingKey(ring, level, seed)
  try {
    for (let part = 0; part < 2 * key.digits; part++) {
      if (seed && part % 2 === 1) continue
      const name = `${part % 2 === 1 ? 'a of ' : ''}digit ${part >> 1}`
      for (let limb = 0; limb < limbs; limb++) {
        const at = key.slab.ptr + (part * limbs + limb) * ring.limbBytes
        readLimb(reader, ring, at, ring.moduli[indices[limb]!]!.p, `${name}, limb ${limb}`)
      }
    }
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
  if (seed) expandSwitchingKey(key)
  return key
}

/**
 * relinearisation u8 [key], count u32, then for each Galois element, ascending: element u32, key. A key: level u8, its seed of 32 bytes, b of every
 * digit; without a seed, level + 128, then b and a of every digit. See docs/wire-format.md.
 * @throws TypeError for what is no key; GloveboxError `parameters-mismatch` for a key of another context, `insecure-parameters` under INSECURE ones,
 * `disposed` for a key disposed of.
 */
export function writeEvaluationKeys(writer: ByteWriter, ring: Ring, keys: EvaluationKeys): void {
  requireSerialisable(ring)
  writer.u8(keys.relinearisation ? 1 : 0)
  if (keys.relinearisation) {
    requireRing(ring, 'keys.relinearisation', keys.relinearisation)
    writeSwitchingKey(writer, keys.relinearisation)
  }
  writer.u32(keys.galois.size)
  for (const element of [...keys.galois.keys()].sort((a, b) => a - b)) {
    const key = keys.galois.get(element)!
    requireRing(ring, `keys.galois(${element})`, key)
    writer.u32(element)
    writeSwitchingKey(writer, key)
  }
}

/**
 * Reads what `writeEvaluationKeys` wrote, of the ring's parameters; disposing the result disposes every key in it.
 * @throws GloveboxError `malformed` for a level, Galois element or residue out of range, elements out of order, or bytes that are missing: what was
 * made until then is given back; `insecure-parameters` under INSECURE ones.
 */
export function readEvaluationKeys(reader: ByteReader, ring: Ring): EvaluationKeys & Disposable {
  requireSerialisable(ring)
  const made: SwitchingKey[] = []
  const dispose = (): void => {
    for (const key of made) key[Symbol.dispose]()
  }
  const read = (): SwitchingKey => {
    const key = readSwitchingKey(reader, ring)
    made.push(key)
    return key
  }
  try {
    const present = reader.u8('relinearisation')
    if (present > 1) throw reader.malformed('relinearisation', '0 or 1', present)
    const relinearisation = present ? read() : undefined
    const count = reader.u32('count')
    const galois = new Map<number, SwitchingKey>()
    let previous = 1
    for (let i = 0; i < count; i++) {
      const element = reader.u32('Galois element')
      if (element % 2 === 0 || element >= 2 * ring.n || element <= previous) {
        throw reader.malformed('Galois element', `an odd number above ${previous} and below ${2 * ring.n}`, element)
      }
      previous = element
      galois.set(element, read())
    }
    return { relinearisation, galois, [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/**
 * Evaluation keys in their frame, by ascending Galois element: seeds and b parts. `planKeys` tells the size beforehand.
 * @throws TypeError for what is no key; GloveboxError `parameters-mismatch` for a key of another context, `insecure-parameters` under INSECURE ones,
 * `disposed` for a key disposed of.
 */
export function encodeEvaluationKeys(context: { readonly ring: Ring }, keys: EvaluationKeys): Uint8Array {
  return frame(context.ring, 'evaluation keys', (writer) => writeEvaluationKeys(writer, context.ring, keys))
}

/**
 * Reads `encodeEvaluationKeys` of the context's parameters; disposing the result disposes every key in it.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for another frame, damage or a value out of range, `too-large` above
 * `maxBytes`, `parameters-mismatch` for keys of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function decodeEvaluationKeys(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: DecodeOptions = {},
): EvaluationKeys & Disposable {
  return unframe(context.ring, 'evaluation keys', bytes, options, (reader) => readEvaluationKeys(reader, context.ring))
}
