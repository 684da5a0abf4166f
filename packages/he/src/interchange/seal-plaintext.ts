import type { ByteReader } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { newPlaintext, type Plaintext, requireRing, requireScale, requireWhole } from '../rlwe/ciphertext.ts'
import { requireSerialisable } from '../rlwe/wire.ts'
import { openSeal, readU64, type SealReadOptions, type SealWriteOptions, sealFrame, writeU64 } from './seal-frame.ts'
import { readParmsId, sealParmsId, zeroParmsId } from './seal-parameters.ts'
import {
  arrayBytes,
  moduliOf,
  readArray,
  readResidues,
  type SealArray,
  writeArray,
  writeResidues,
} from './seal-polynomials.ts'

const fieldBytes = 32 + 8 + 8

/** Bytes of the members of a plaintext, and of a secret key, which is one. */
export function sealPlaintextBytes(count: number): number {
  return fieldBytes + arrayBytes(count)
}

/** parms_id, coeff_count u64, scale f64, data. */
export function readPlaintextMembers(
  reader: ByteReader,
  ring: Ring,
): { readonly level: number | 'key' | 'none'; readonly scale: number; readonly data: SealArray } {
  const level = readParmsId(reader, ring.params)
  const count = readU64(reader, 'coeff_count')
  const scale = reader.f64('scale')
  const data = readArray(reader, 'data')
  reader.end()
  if (data.count !== count) throw reader.malformed('data size', `${count}, as coeff_count`, data.count)
  const most = level === 'none' ? ring.n : moduliOf(ring, level).length * ring.n
  if (level === 'none' ? count > most : count !== most)
    throw reader.malformed('coeff_count', level === 'none' ? `at most ${most}` : `${most}`, count)
  return { level, scale, data }
}

function requireScheme(ring: Ring, scheme: 'ckks' | 'bfv', instead: string): void {
  if (ring.params.scheme !== scheme)
    throw new GloveboxError('unsupported', `the parameters are for ${ring.params.scheme}: use ${instead}`)
}

/**
 * Reads a plaintext of CKKS that SEAL 4 saved (Plaintext::save), at its level and scale.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for damage or a value out of range, `too-large`, `unsupported` for another
 * scheme, another SEAL or a chain that SEAL cannot have, `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE
 * ones.
 */
export function readSealPlaintext(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): Plaintext {
  const { ring } = context
  requireSerialisable(ring)
  requireScheme(ring, 'ckks', 'readSealMessage')
  const limit = sealPlaintextBytes(ring.moduli.length * ring.n)
  const { body } = openSeal(bytes, 'the SEAL plaintext', limit, options)
  const { level, scale, data } = readPlaintextMembers(body, ring)
  if (typeof level !== 'number') throw body.malformed('parms_id', 'that of a level of ciphertexts', level)
  try {
    requireScale(ring, level, scale)
  } catch {
    throw body.malformed('scale', `a number from 1 that fits the modulus of level ${level}`, scale)
  }
  const plaintext = newPlaintext(ring, level, scale)
  try {
    fillLimbs(body, ring, data, plaintext.slab.ptr, level + 1)
  } catch (error) {
    plaintext[Symbol.dispose]()
    throw error
  }
  return plaintext
}

/** Limbs 0 … count - 1 from an array of as many. */
export function fillLimbs(reader: ByteReader, ring: Ring, data: SealArray, dst: number, count: number): void {
  const { n, limbBytes } = ring
  for (let i = 0; i < count; i++) {
    const limb = ring.heap.f64(dst + i * limbBytes, n)
    readResidues(reader, data.bytes.subarray(8 * i * n, 8 * (i + 1) * n), limb, ring.moduli[i]!.p, `limb ${i}`)
  }
}

/**
 * Writes a plaintext of CKKS as SEAL 4 does (Plaintext::save), in NTT form, 8 bytes a residue before compression.
 * @throws TypeError for what is no plaintext; RangeError for another compression; GloveboxError `unsupported` for another scheme, for one decrypted from
 * a trimmed reply, and parameters that SEAL cannot have, `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSealPlaintext(plaintext: Plaintext, options: SealWriteOptions = {}): Uint8Array {
  const { ring, level, scale } = plaintext
  requireRing(ring, 'plaintext', plaintext, 'plaintext')
  requireSerialisable(ring)
  requireScheme(ring, 'ckks', 'writeSealMessage')
  requireWhole('plaintext', plaintext)
  const parmsId = sealParmsId(ring.params, level)
  const count = (level + 1) * ring.n
  return sealFrame(sealPlaintextBytes(count), options, (writer) => {
    writer.raw(parmsId)
    writeU64(writer, count)
    writer.f64(scale)
    writeArray(writer, count, () => {
      for (let i = 0; i <= level; i++)
        writeResidues(writer, ring.heap.f64(plaintext.slab.ptr + i * ring.limbBytes, ring.n), ring.moduli[i]!.p)
    })
  })
}

/**
 * Reads a plaintext of BFV that SEAL 4 saved (Plaintext::save): N coefficients from 0 to t-1, zeros behind what is there, as `encodeCoefficients` of the
 * scheme takes them.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed`, `too-large`, `unsupported` for another scheme, another SEAL, or NTT form, which
 * SEAL makes for repeated products, `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealMessage(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): Float64Array {
  const { ring } = context
  requireSerialisable(ring)
  requireScheme(ring, 'bfv', 'readSealPlaintext')
  const t = ring.params.plaintextModulus!
  const limit = sealPlaintextBytes(ring.moduli.length * ring.n)
  const { body } = openSeal(bytes, 'the SEAL plaintext', limit, options)
  const { level, scale, data } = readPlaintextMembers(body, ring)
  if (level !== 'none') {
    throw new GloveboxError(
      'unsupported',
      `${body.what} is in NTT form: save it before it is transformed (transform_to_ntt)`,
    )
  }
  if (scale !== 1) throw body.malformed('scale', '1, as BFV has none', scale)
  const out = new Float64Array(ring.n)
  const limb = out.subarray(0, data.count)
  readResidues(body, data.bytes, limb, t, 'data')
  limb.forEach((x, i) => {
    if (x < 0) limb[i] = x + t
  })
  return out
}

/**
 * Writes up to N coefficients from 0 to t-1, as `decodeCoefficients` of the scheme gives them, as SEAL 4 writes a plaintext of BFV (Plaintext::save).
 * @throws RangeError for more than N, one that is no integer from 0 to t-1, or another compression; GloveboxError `unsupported` for another scheme,
 * `insecure-parameters` under INSECURE ones.
 */
export function writeSealMessage(
  context: { readonly ring: Ring },
  coefficients: ArrayLike<number>,
  options: SealWriteOptions = {},
): Uint8Array {
  const { ring } = context
  requireSerialisable(ring)
  requireScheme(ring, 'bfv', 'writeSealPlaintext')
  const t = ring.params.plaintextModulus!
  const count = coefficients.length
  if (!(count <= ring.n)) throw new RangeError(`"coefficients" expected at most ${ring.n} values (N), got ${count}`)
  const limb = Float64Array.from(coefficients)
  // The value itself is a plaintext, which no message may hold.
  const wrong = limb.findIndex((x) => !Number.isInteger(x) || x < 0 || x >= t)
  if (wrong >= 0)
    throw new RangeError(`"coefficients[${wrong}]" expected an integer from 0 to ${t - 1}, got another value`)
  return sealFrame(sealPlaintextBytes(count), options, (writer) => {
    writer.raw(zeroParmsId)
    writeU64(writer, count)
    writer.f64(1)
    writeArray(writer, count, () => writeResidues(writer, limb, t))
  })
}
