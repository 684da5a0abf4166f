import { GloveboxError } from '../base/errors.ts'
import { copyLimbs, type Ring, toCoefficients, toValues } from '../ring/ring.ts'
import { type Ciphertext, isWhole, limbOf, newCiphertext, requireRing, requireScale } from '../rlwe/ciphertext.ts'
import { requireNotTransparent, requireOpaque, requireSerialisable } from '../rlwe/wire.ts'
import { openSeal, type SealReadOptions, type SealWriteOptions, sealFrame } from './seal-frame.ts'
import { sealParmsId } from './seal-parameters.ts'
import { moduliOf, readCiphertextMembers, sealCiphertextBytes, writeCiphertextMembers } from './seal-polynomials.ts'

/**
 * Reads a ciphertext that SEAL 4 saved (Ciphertext::save), of two or three polynomials, whole or seeded, in NTT form or as coefficients.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed` for damage, a value out of range or a transparent ciphertext, `too-large`,
 * `unsupported` for another SEAL, more polynomials, another generator of seeds or a chain that SEAL cannot have, `parameters-mismatch` for a parms_id of
 * other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealCiphertext(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): Ciphertext {
  const { ring } = context
  requireSerialisable(ring)
  const limit = sealCiphertextBytes(ring, 3, ring.params.primes.length)
  const { body } = openSeal(bytes, 'the SEAL ciphertext', limit, options)
  const found = readCiphertextMembers(body, ring)
  body.end()
  const { level, parts, scale, ntt, indices } = found
  if (level === 'key')
    throw body.malformed('parms_id', 'that of a level of ciphertexts', 'that of keys: it is a public key')
  if (ring.params.scheme === 'bfv' && scale !== 1) throw body.malformed('scale', '1, as BFV has none', scale)
  try {
    requireScale(ring, level, scale)
  } catch {
    throw body.malformed('scale', `a number from 1 that fits the modulus of level ${level}`, scale)
  }
  const ct = newCiphertext(ring, parts === 3 ? 3 : 2, level, scale)
  try {
    found.fill((part, limb) => limbOf(ct, part, limb))
    if (!ntt) for (let part = 0; part < parts; part++) toValues(ring, limbOf(ct, part, 0), indices.length)
    requireOpaque(body, ct)
  } catch (error) {
    ct[Symbol.dispose]()
    throw error
  }
  return ct
}

/**
 * Writes a ciphertext as SEAL 4 does (Ciphertext::save), 8 bytes a residue before compression: CKKS in NTT form, BFV as coefficients. Seeds are
 * Glovebox's own, so part 1 is written whole.
 * @throws TypeError for what is no ciphertext; RangeError for another compression; GloveboxError `unsupported` for one read from a trimmed reply, a
 * transparent one, and parameters that SEAL cannot have, `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSealCiphertext(ct: Ciphertext, options: SealWriteOptions = {}): Uint8Array {
  const { ring, level, parts, scale } = ct
  requireRing(ring, 'ct', ct, 'ciphertext')
  requireSerialisable(ring)
  if (!isWhole(ct))
    throw new GloveboxError('unsupported', 'a ciphertext read from a trimmed reply cannot be written as a whole one')
  requireNotTransparent(ct)
  const parmsId = sealParmsId(ring.params, level)
  const ntt = ring.params.scheme === 'ckks'
  const limbs = level + 1
  using space = ring.limbs(ntt ? 1 : parts * limbs)
  const at = (part: number, limb: number): number =>
    ntt ? limbOf(ct, part, limb) : space.ptr + (part * limbs + limb) * ring.limbBytes
  if (!ntt) {
    copyLimbs(ring, space.ptr, ct.slab.ptr, parts * limbs)
    for (let part = 0; part < parts; part++) toCoefficients(ring, at(part, 0), limbs)
  }
  const members = { parmsId, ntt, parts, scale, indices: moduliOf(ring, level) }
  return sealFrame(sealCiphertextBytes(ring, parts, limbs), options, (writer) =>
    writeCiphertextMembers(writer, ring, members, at),
  )
}
