import { randomBytes } from '../base/random.ts'
import type { Ptr } from '../kernels/table.ts'
import { copyLimbs, type Ring, toCoefficients } from '../ring/ring.ts'
import { requireRing } from '../rlwe/ciphertext.ts'
import { sampleError, spread } from '../rlwe/noise.ts'
import { newSecretKey, type SecretKey, secretLimb } from '../rlwe/secret-key.ts'
import { requireSerialisable } from '../rlwe/wire.ts'
import { openSeal, type SealReadOptions, type SealWriteOptions, sealFrame, writeU64 } from './seal-frame.ts'
import { sealParmsId } from './seal-parameters.ts'
import { fillLimbs, readPlaintextMembers, sealPlaintextBytes } from './seal-plaintext.ts'
import { moduliOf, sealCiphertextBytes, writeArray, writeCiphertextMembers, writeResidues } from './seal-polynomials.ts'

// A secret key is a plaintext with the parms_id of keys: all limbs, in NTT form. None of the errors here shows a residue.

/**
 * Reads a secret key that SEAL 4 saved (SecretKey::save); what it decompressed is wiped, the bytes that were given are not.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` unless it is one polynomial modulo all primes, with coefficients -1, 0 and 1
 * in about equal numbers (2N/3 other than 0, within 10 standard deviations), `too-large`, `unsupported` for another SEAL or a chain that SEAL cannot
 * have, `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealSecretKey(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): SecretKey {
  const { ring } = context
  requireSerialisable(ring)
  const { n, kernels } = ring
  const count = ring.moduli.length
  const { body, own } = openSeal(bytes, 'the SEAL secret key', sealPlaintextBytes(count * n), options)
  using limbs = ring.limbs(count, { wipe: true })
  using first = ring.limbs(1, { wipe: true })
  try {
    const { level, scale, data } = readPlaintextMembers(body, ring)
    if (level === 'none' || (level !== 'key' && level + 1 !== count))
      throw body.malformed('parms_id', 'that of keys', `that of level ${level}`)
    if (scale !== 1) throw body.malformed('scale', '1', scale)
    fillLimbs(body, ring, data, limbs.ptr, count)
  } finally {
    if (own) body.bytes.fill(0)
  }
  copyLimbs(ring, first.ptr, limbs.ptr, 1)
  toCoefficients(ring, first.ptr, 1)
  const { p, pinv } = ring.moduli[0]!
  kernels.reduce(first.ptr, first.ptr, n, p, pinv)
  const coefficients = ring.heap.f64(first.ptr, n)
  if (coefficients.some((x) => Math.abs(x) > 1)) throw body.malformed('data', 'coefficients -1, 0 and 1', 'others')
  // Ten standard deviations of a uniform key's weight. Under a key of zeros everybody could read.
  const excess = coefficients.reduce((weight, x) => weight + Math.abs(x), 0) - (2 * n) / 3
  if (Math.abs(excess) > 10 * Math.sqrt((2 * n) / 9))
    throw body.malformed('data', 'about two in three coefficients other than 0', excess < 0 ? 'far fewer' : 'far more')
  const key = newSecretKey(ring, (ptr) => copyLimbs(ring, ptr, first.ptr, 1))
  try {
    ring.moduli.forEach(({ p, pinv }, i) => {
      kernels.sub(first.ptr, limbs.ptr + i * ring.limbBytes, secretLimb(key, i), n, p, pinv)
      kernels.reduce(first.ptr, first.ptr, n, p, pinv)
      if (ring.heap.f64(first.ptr, n).some((x) => x !== 0))
        throw body.malformed(`limb ${i}`, 'the same polynomial modulo every prime', 'another')
    })
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
  return key
}

/**
 * Writes a secret key as SEAL 4 does (SecretKey::save), 8·N bytes for each prime before compression. Whoever reads the bytes reads everything: keep them
 * where only the owner can.
 * @throws TypeError for what is no secret key; RangeError for another compression; GloveboxError `unsupported` for parameters that SEAL cannot have,
 * `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSealSecretKey(key: SecretKey, options: SealWriteOptions = {}): Uint8Array {
  const { ring } = key
  requireRing(ring, 'key', key, 'secret-key')
  requireSerialisable(ring)
  const parmsId = sealParmsId(ring.params, 'key')
  const count = ring.moduli.length * ring.n
  return sealFrame(sealPlaintextBytes(count), options, (writer) => {
    writer.raw(parmsId)
    writeU64(writer, count)
    writer.f64(1)
    writeArray(writer, count, () => {
      ring.moduli.forEach(({ p }, i) => {
        writeResidues(writer, ring.heap.f64(secretLimb(key, i), ring.n), p)
      })
    })
  })
}

/**
 * A fresh public key as SEAL 4 writes one (PublicKey::save), in full. It is made anew, as a public key of SEAL has residues modulo the special prime
 * too, which a Glovebox one has not.
 * @throws TypeError for what is no secret key; RangeError for another compression; GloveboxError `parameters-mismatch` for one of another context,
 * `unsupported` for parameters that SEAL cannot have, `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function createSealPublicKey(
  context: { readonly ring: Ring },
  secret: SecretKey,
  options: SealWriteOptions = {},
): Uint8Array {
  const { ring } = context
  requireRing(ring, 'secret', secret, 'secret-key')
  requireSerialisable(ring)
  const { kernels, n, limbBytes } = ring
  const parmsId = sealParmsId(ring.params, 'key')
  const indices = moduliOf(ring, 'key')
  using pair = ring.limbs(2 * indices.length)
  using error = ring.limbs(1, { wipe: true })
  using product = ring.limbs(1, { wipe: true })
  const at = (part: number, limb: number): Ptr => pair.ptr + (part * indices.length + limb) * limbBytes
  sampleError(ring, error.ptr)
  spread(ring, at(0, 0), error.ptr, indices)
  using seed = ring.heap.alloc(32)
  ring.heap.u8(seed.ptr, 32).set(randomBytes(32))
  indices.forEach((i) => {
    const { p, pinv } = ring.moduli[i]!
    kernels.expandUniform(at(1, i), n, p, seed.ptr, 0, i)
    kernels.mul(product.ptr, at(1, i), secretLimb(secret, i), n, p, pinv)
    kernels.sub(at(0, i), at(0, i), product.ptr, n, p, pinv)
  })
  const members = { parmsId, ntt: true, parts: 2, scale: 1, indices }
  return sealFrame(sealCiphertextBytes(ring, 2, indices.length), options, (writer) =>
    writeCiphertextMembers(writer, ring, members, at),
  )
}
