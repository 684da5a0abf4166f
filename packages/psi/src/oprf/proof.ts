import { GloveboxError } from '@glovebox/he'
import { concatBytes } from '@noble/hashes/utils.js'
import { type Group, proofBytes, scalarBytes } from './group.ts'
import { isScalar } from './scalar.ts'
import { ascii, hashToScalar, i2osp2, prefixed, tagOf } from './suite.ts'

/** Proofs that one key evaluated all of a batch: discrete logarithms that are equal (Chaum, Pedersen 1992), as RFC 9497, section 2.2, has them. */

const composite = ascii('Composite')
const challenge = ascii('Challenge')

/** The weights d_i of ComputeComposites (RFC 9497, section 2.2.1). */
function weightsOf(
  group: Group,
  publicKey: Uint8Array,
  blinded: readonly Uint8Array[],
  evaluated: readonly Uint8Array[],
): Uint8Array[] {
  const seed = group.hash(concatBytes(prefixed(publicKey), prefixed(tagOf('voprf', 'Seed-'))))
  const head = prefixed(seed)
  return blinded.map((element, i) =>
    hashToScalar(
      group,
      concatBytes(head, i2osp2(i), prefixed(element), prefixed(evaluated[i]!), composite),
      tagOf('voprf', 'HashToScalar-'),
    ),
  )
}

function challengeOf(group: Group, parts: readonly Uint8Array[]): Uint8Array {
  return hashToScalar(group, concatBytes(...parts.map(prefixed), challenge), tagOf('voprf', 'HashToScalar-'))
}

/** GenerateProof with A the generator and B the public key: 64 bytes. `random`: a fresh secret scalar; the same twice tells the key. */
export function prove(
  group: Group,
  secret: Uint8Array,
  publicKey: Uint8Array,
  blinded: readonly Uint8Array[],
  evaluated: readonly Uint8Array[],
  random: Uint8Array,
): Uint8Array {
  const m = group.combine(weightsOf(group, publicKey, blinded, evaluated), blinded)
  // m is the identity with probability 2^-252; a proof of zeros does not verify.
  const z = group.multiply(secret, m) ?? new Uint8Array(32)
  const t2 = group.multiplyBase(random)
  const t3 = group.multiply(random, m) ?? new Uint8Array(32)
  const c = challengeOf(group, [publicKey, m, z, t2, t3])
  return concatBytes(c, group.subtractScalars(random, group.multiplyScalars(c, secret)))
}

/** VerifyProof; the elements have been checked. */
export function verify(
  group: Group,
  publicKey: Uint8Array,
  blinded: readonly Uint8Array[],
  evaluated: readonly Uint8Array[],
  proof: Uint8Array,
): boolean {
  const c = proof.subarray(0, scalarBytes)
  const s = proof.subarray(scalarBytes, proofBytes)
  if (proof.length !== proofBytes || !isScalar(c) || !isScalar(s))
    throw new GloveboxError(
      'malformed',
      `the proof expected two scalars in ${proofBytes} bytes, got ${proof.length} bytes`,
    )
  const weights = weightsOf(group, publicKey, blinded, evaluated)
  const m = group.combine(weights, blinded)
  const z = group.combine(weights, evaluated)
  const t2 = group.combine([s, c], [generatorOf(group), publicKey])
  const t3 = group.combine([s, c], [m, z])
  const expected = challengeOf(group, [publicKey, m, z, t2, t3])
  return c.every((byte, i) => byte === expected[i])
}

const one = Uint8Array.from({ length: scalarBytes }, (_, i) => (i === 0 ? 1 : 0))

function generatorOf(group: Group): Uint8Array {
  return group.multiplyBase(one)
}
