import { randomBytes } from 'node:crypto'
import { mod } from '../base/numbers.ts'
import type { Ring } from '../ring/ring.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import type { SecretKey } from '../rlwe/secret-key.ts'
import {
  addPoly,
  centredPoly,
  evaluate,
  fromResidues,
  interpolate,
  multiplyPoly,
  type Poly,
  productOf,
  subtractPoly,
} from './reference-ring.ts'

// RLWE from the definition, on whole integers modulo Q: what the library's residues have to stand for.

/** A polynomial in NTT form in a context's memory, limb i modulo ring.moduli[indices[i]], as one over the integers. */
export function readPoly(ring: Ring, ptr: number, indices: readonly number[]): Poly {
  const primes = indices.map((index) => ring.moduli[index]!.p)
  const limbs = primes.map((p, i) =>
    interpolate(Array.from(ring.heap.f64(ptr + i * ring.limbBytes, ring.n), BigInt), p),
  )
  return fromResidues(limbs, primes)
}

/** Puts a polynomial into a context's memory in NTT form. */
export function writePoly(ring: Ring, ptr: number, f: Poly, indices: readonly number[]): void {
  indices.forEach((index, i) => {
    ring.heap.f64(ptr + i * ring.limbBytes, ring.n).set(evaluate(f, ring.moduli[index]!.p).map(Number))
  })
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** The parts of a ciphertext. */
export function readParts(ct: Ciphertext): Poly[] {
  const partBytes = (ct.level + 1) * ct.ring.limbBytes
  return upTo(ct.parts).map((part) => readPoly(ct.ring, ct.slab.ptr + part * partBytes, upTo(ct.level + 1)))
}

/** The secret's coefficients. Throws unless all residues agree on ternary ones. */
export function readSecret(key: SecretKey): Poly {
  const all = key.ring.moduli.map((_, i) => i)
  const s = readPoly(key.ring, key.slab.ptr, all)
  if (s.some((c) => c < -1n || c > 1n)) throw new Error('the secret is not ternary')
  return s
}

/** c_0 + c_1 s + c_2 s^2 + … modulo Q, balanced. */
export function decryptParts(parts: readonly Poly[], s: Poly, Q: bigint): Poly {
  let sum = parts[0]!
  let power = s
  for (const [i, part] of parts.slice(1).entries()) {
    if (i > 0) power = multiplyPoly(power, s)
    sum = addPoly(sum, multiplyPoly(part, power))
  }
  return centredPoly(sum, Q)
}

/** Decrypts a ciphertext of the library. */
export function referenceDecrypt(ct: Ciphertext, s: Poly): Poly {
  return decryptParts(readParts(ct), s, productOf(ct.ring.params.primes.slice(0, ct.level + 1)))
}

/** Uniform modulo Q. */
export function uniformPoly(n: number, Q: bigint): Poly {
  const bytes = Math.ceil(Q.toString(16).length / 2) + 8
  return upTo(n).map(() => mod(BigInt(`0x${randomBytes(bytes).toString('hex')}`), Q))
}

/** Centred binomial, k = 21. */
export function errorPoly(n: number): Poly {
  return upTo(n).map(() => {
    const bits = BigInt(`0x${randomBytes(6).toString('hex')}`)
    let value = 0n
    for (let bit = 0n; bit < 21n; bit++) value += ((bits >> bit) & 1n) - ((bits >> (bit + 21n)) & 1n)
    return value
  })
}

export function ternaryPoly(n: number): Poly {
  return Array.from(randomBytes(4 * n).subarray(0, n), (byte) => BigInt((byte % 3) - 1))
}

/** (m + e - a s, a). */
export function referenceEncrypt(m: Poly, s: Poly, Q: bigint): [Poly, Poly] {
  const a = uniformPoly(m.length, Q)
  const c0 = subtractPoly(addPoly(m, errorPoly(m.length)), multiplyPoly(a, s))
  return [centredPoly(c0, Q), centredPoly(a, Q)]
}
