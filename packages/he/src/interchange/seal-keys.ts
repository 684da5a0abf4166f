import type { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import { invMod } from '../base/numbers.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { requireRing } from '../rlwe/ciphertext.ts'
import { extendedLimbs, newPublicKey, newSwitchingKey, type PublicKey, type SwitchingKey } from '../rlwe/keys.ts'
import { requireSerialisable } from '../rlwe/wire.ts'
import {
  memberBytes,
  openSeal,
  readMember,
  readU64,
  type SealReadOptions,
  type SealWriteOptions,
  sealFrame,
  writeMember,
  writeU64,
} from './seal-frame.ts'
import { readParmsId, requireSealShape, sealParmsId } from './seal-parameters.ts'
import {
  moduliOf,
  readCiphertextMembers,
  type SealCiphertext,
  sealCiphertextBytes,
  writeCiphertextMembers,
} from './seal-polynomials.ts'

// KSwitchKeys: parms_id of keys, count u64, and for each key its number of digits u64 (0: there is none), then each digit as a public
// key: a ciphertext of 0 modulo all primes, in NTT form, with P * source added to limb d of digit d. These are the digits of a
// SwitchingKey at the top level, limb for limb.

/**
 * What keys decompress to at most: their residues are uniform, of at least 11 bits in 64, so that no compression leaves less than a
 * sixth of them; and N counts.
 */
function keysLimit(ring: Ring): (compressed: number) => number {
  return (compressed) => 8 * compressed + 8 * ring.n + 1024
}

function requireKeyCiphertext(reader: ByteReader, ct: SealCiphertext, ring: Ring): void {
  // With one prime in all, keys have its parms_id.
  if (ct.level !== 'key' && ct.indices.length !== ring.moduli.length)
    throw reader.malformed('parms_id', 'that of keys', `that of level ${ct.level}`)
  if (!ct.ntt) throw reader.malformed('is_ntt_form', '1, as keys are', 0)
  if (ct.parts !== 2) throw reader.malformed('size', '2, as keys have', ct.parts)
}

/**
 * Reads a public key that SEAL 4 saved (PublicKey::save), whole or seeded. Its residues modulo the special prime are checked and left out: encryption
 * here does not use them.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed`, `too-large`, `unsupported` for another SEAL or a chain that SEAL cannot have,
 * `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealPublicKey(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): PublicKey {
  const { ring } = context
  requireSerialisable(ring)
  const limit = sealCiphertextBytes(ring, 2, ring.moduli.length)
  const { body } = openSeal(bytes, 'the SEAL public key', limit, options)
  const found = readCiphertextMembers(body, ring)
  body.end()
  requireKeyCiphertext(body, found, ring)
  const limbs = ring.params.primes.length
  using spare = ring.limbs(1)
  const key = newPublicKey(ring)
  try {
    found.fill((part, limb) => (limb < limbs ? key.slab.ptr + (part * limbs + limb) * ring.limbBytes : spare.ptr))
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
  return key
}

/** Where limb `limb` of part `part` of digit d lies in a key at the top level. */
function digitLimb(key: SwitchingKey, digit: number, part: number, limb: number): Ptr {
  const limbs = extendedLimbs(key.ring, key.level)
  return key.slab.ptr + ((2 * digit + part) * limbs + limb) * key.ring.limbBytes
}

/** A key of SEAL as a SwitchingKey, or undefined where it has no digits. */
function readKey(reader: ByteReader, ring: Ring): SwitchingKey | undefined {
  const { maxLevel, special } = ring.params
  const digits = readU64(reader, 'digits')
  if (digits === 0) return undefined
  if (special.length === 0) throw reader.malformed('digits', '0, as the parameters have no special prime', digits)
  if (digits !== maxLevel + 1) throw reader.malformed('digits', `0 or ${maxLevel + 1}`, digits)
  const members = Array.from({ length: digits }, () => {
    const member = readMember(reader, 'digit')
    const found = readCiphertextMembers(member, ring)
    member.end()
    requireKeyCiphertext(member, found, ring)
    return found
  })
  const key = newSwitchingKey(ring, maxLevel)
  try {
    members.forEach((found, digit) => found.fill((part, limb) => digitLimb(key, digit, part, limb)))
  } catch (error) {
    key[Symbol.dispose]()
    throw error
  }
  return key
}

/** Reads KSwitchKeys; `take` gets each key that is there. */
function readKeys(
  ring: Ring,
  bytes: Uint8Array,
  what: string,
  options: SealReadOptions,
  most: number,
  take: (reader: ByteReader, index: number, key: SwitchingKey) => void,
): void {
  requireSerialisable(ring)
  requireSealShape(ring.params)
  const { body } = openSeal(bytes, what, keysLimit(ring), options)
  const level = readParmsId(body, ring.params)
  if (level !== 'key') throw body.malformed('parms_id', 'that of keys', level)
  const count = readU64(body, 'keys')
  if (count > most) throw body.malformed('keys', `at most ${most}`, count)
  for (let index = 0; index < count; index++) {
    const key = readKey(body, ring)
    if (key !== undefined) take(body, index, key)
  }
  body.end()
}

/**
 * Reads relinearisation keys that SEAL 4 saved (RelinKeys::save), whole or seeded: the one of s^2, for every level; there may be no others.
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed`, also where there is no key, `too-large`, `unsupported` for another SEAL or a
 * chain that SEAL cannot have, `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealRelinearisationKey(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): SwitchingKey {
  let key: SwitchingKey | undefined
  try {
    readKeys(context.ring, bytes, 'the SEAL relinearisation keys', options, 1, (_reader, _index, found) => {
      key = found
    })
  } catch (error) {
    key?.[Symbol.dispose]()
    throw error
  }
  if (key === undefined)
    throw new GloveboxError('malformed', `${options.what ?? 'the SEAL relinearisation keys'} hold no key`)
  return key
}

/** dst(X) = src(X^element) for every part of every digit. */
function turn(dst: SwitchingKey, src: SwitchingKey, element: number): void {
  const { ring } = src
  const index = ring.automorphism(element)
  const limbs = 2 * src.digits * extendedLimbs(ring, src.level)
  const [to, from] = [dst.slab.ptr, src.slab.ptr]
  ring.parallel(limbs, (i, kernels) =>
    kernels.permute(to + i * ring.limbBytes, from + i * ring.limbBytes, index, ring.n),
  )
}

/**
 * Reads Galois keys that SEAL 4 saved (GaloisKeys::save), whole or seeded, by Galois element, for every level; each is for the caller to dispose. SEAL's
 * key of g leads from s(X^g) to s, ours from s to s(X^(1/g)): both halves are turned by X → X^(1/g).
 * @throws TypeError for what is no Uint8Array; GloveboxError `malformed`, `too-large`, `unsupported` for another SEAL or a chain that SEAL cannot have,
 * `parameters-mismatch` for a parms_id of other parameters, `insecure-parameters` under INSECURE ones.
 */
export function readSealGaloisKeys(
  context: { readonly ring: Ring },
  bytes: Uint8Array,
  options: SealReadOptions = {},
): ReadonlyMap<number, SwitchingKey> {
  const { ring } = context
  const keys = new Map<number, SwitchingKey>()
  try {
    readKeys(ring, bytes, 'the SEAL Galois keys', options, ring.n, (reader, index, found) => {
      using key = found
      const element = 2 * index + 1
      if (element === 1) throw reader.malformed('keys', 'none for Galois element 1', 'one')
      const own = newSwitchingKey(ring, key.level)
      keys.set(element, own)
      turn(own, key, Number(invMod(BigInt(element), BigInt(2 * ring.n))))
    })
  } catch (error) {
    for (const key of keys.values()) key[Symbol.dispose]()
    throw error
  }
  return keys
}

function keyBytes(ring: Ring): number {
  return ring.params.primes.length * memberBytes(sealCiphertextBytes(ring, 2, ring.moduli.length))
}

/** The digits of a key at the top level. */
function writeKey(writer: ByteWriter, key: SwitchingKey, parmsId: Uint8Array): void {
  const { ring } = key
  const indices = moduliOf(ring, 'key')
  writeU64(writer, key.digits)
  for (let digit = 0; digit < key.digits; digit++) {
    writeMember(writer, sealCiphertextBytes(ring, 2, indices.length), () =>
      writeCiphertextMembers(writer, ring, { parmsId, ntt: true, parts: 2, scale: 1, indices }, (part, limb) =>
        digitLimb(key, digit, part, limb),
      ),
    )
  }
}

/** Refuses what SEAL has no keys for. */
function requireWritable(ring: Ring, name: string, key: SwitchingKey): void {
  requireRing(ring, name, key, 'switching-key')
  requireSerialisable(ring)
  requireSealShape(ring.params)
  if (key.level !== ring.params.maxLevel) {
    throw new GloveboxError(
      'unsupported',
      `"${name}" was made for ciphertexts up to level ${key.level}, SEAL's keys serve all levels: make it for level ${ring.params.maxLevel}`,
    )
  }
}

/**
 * Writes a relinearisation key for the top level as SEAL 4's RelinKeys, in full: SEAL cannot expand Glovebox's seeds. Before compression 16·N bytes for
 * each digit and prime.
 * @throws TypeError for what is no switching key; RangeError for another compression; GloveboxError `unsupported` for a lower level or parameters that
 * SEAL cannot have, `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSealRelinearisationKey(key: SwitchingKey, options: SealWriteOptions = {}): Uint8Array {
  const { ring } = key
  requireWritable(ring, 'key', key)
  const parmsId = sealParmsId(ring.params, 'key')
  return sealFrame(32 + 8 + 8 + keyBytes(ring), options, (writer) => {
    writer.raw(parmsId)
    writeU64(writer, 1)
    writeKey(writer, key, parmsId)
  })
}

/**
 * Writes Galois keys for the top level, by Galois element, as SEAL 4's GaloisKeys, in full: before compression 16·N bytes for each key, digit and prime.
 * @throws TypeError for what is no switching key; RangeError for another compression, or an element that is not odd from 3 to 2N - 1; GloveboxError `unsupported` for a lower level or parameters that
 * SEAL cannot have, `parameters-mismatch` for a key of another context, `insecure-parameters` under INSECURE ones, `disposed` for one disposed of.
 */
export function writeSealGaloisKeys(
  context: { readonly ring: Ring },
  keys: ReadonlyMap<number, SwitchingKey>,
  options: SealWriteOptions = {},
): Uint8Array {
  const { ring } = context
  for (const [element, key] of keys) {
    if (!Number.isInteger(element) || element % 2 !== 1 || element < 3 || element >= 2 * ring.n)
      throw new RangeError(`"keys" expected Galois elements, odd from 3 to ${2 * ring.n - 1}, got ${String(element)}`)
    requireWritable(ring, `keys(${element})`, key)
  }
  const parmsId = sealParmsId(ring.params, 'key')
  return sealFrame(32 + 8 + 8 * ring.n + keys.size * keyBytes(ring), options, (writer) => {
    writer.raw(parmsId)
    writeU64(writer, ring.n)
    for (let index = 0; index < ring.n; index++) {
      const element = 2 * index + 1
      const key = keys.get(element)
      if (key === undefined) {
        writeU64(writer, 0)
        continue
      }
      using turned = newSwitchingKey(ring, key.level)
      turn(turned, key, element)
      writeKey(writer, turned, parmsId)
    }
  })
}
