import type { Backend } from '../backend/backend.ts'
import { createEvaluator, type Evaluator } from '../circuits/evaluator.ts'
import type { ParamsLiteral } from '../params/params.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey, type GaloisRequest } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import type { ComplexSlots, Slots } from '../schemes/ckks/encoder.ts'

/** An evaluator with the keys of both sides. */
export interface Automatic {
  readonly evaluator: Evaluator
  readonly slots: number
  readonly top: number
  encrypt(values: Slots, level?: number): Ciphertext
  decrypt(ct: Ciphertext): Float64Array
  decryptComplex(ct: Ciphertext): ComplexSlots
}

export interface AutomaticOptions {
  readonly backend?: Backend['name']
  readonly literal: ParamsLiteral
  readonly scale: number
  /** The level of the ladder that has the scale. */
  readonly level?: number
  readonly galois?: readonly (GaloisRequest | number)[]
}

export function automatic({ backend = 'wasm-fused', literal, scale, level, galois = [] }: AutomaticOptions): Automatic {
  const ckks = openCkks(literal, { backend })
  const secret = createSecretKey(ckks)
  const keys = {
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(
      ckks,
      secret,
      galois.map((request) => (typeof request === 'number' ? { steps: request } : request)),
    ),
  }
  const evaluator = createEvaluator(ckks, { scale, keys, ...(level !== undefined && { level }) })
  const decryptComplex = (ct: Ciphertext): ComplexSlots => {
    using plain = decrypt(ckks, secret, ct)
    return ckks.decodeComplex(plain)
  }
  return {
    evaluator,
    slots: ckks.params.slots,
    top: ckks.params.maxLevel,
    encrypt(values, at) {
      using plain = evaluator.encode(values, at)
      return encryptSymmetric(ckks, secret, plain)
    },
    decrypt: (ct) => decryptComplex(ct).re,
    decryptComplex,
  }
}

/** A chain of `count` primes of `bits` over a base of 50, for tests alone. */
export function deepLiteral(ringDegree: number, count: number, bits = 40): ParamsLiteral {
  return {
    scheme: 'ckks',
    ringDegree,
    modulusBits: [50, ...new Array<number>(count).fill(bits)],
    specialBits: [50, 50, 50],
    security: 'INSECURE',
  }
}

/** A chain whose primes differ by up to two bits, with a ladder from the bottom: a scale that is forgotten anywhere shows. */
export function unevenLiteral(ringDegree: number, count: number): ParamsLiteral {
  const sizes = [40, 41, 39, 40, 41, 40, 39]
  return {
    scheme: 'ckks',
    ringDegree,
    modulusBits: [50, ...Array.from({ length: count }, (_, i) => sizes[i % sizes.length]!)],
    specialBits: [50, 50, 50],
    security: 'INSECURE',
  }
}

/** The largest difference between two vectors, the shorter one filled up with zeros. */
export function furthest(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = 0
  for (let i = 0; i < got.length; i++) {
    const error = Math.abs(got[i]! - (expected[i] ?? 0))
    if (!(error <= most)) most = error
  }
  return most
}
