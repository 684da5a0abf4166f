import { describe, expect, test } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { applyLinear, encodeLinear } from '../circuits/linear.ts'
import { linearCombinations } from '../circuits/linear-combinations.ts'
import { planLinear, planRotations } from '../circuits/plan.ts'
import { encodeWeights, multiplySum } from '../circuits/weights.ts'
import type { ParamsLiteral } from '../params/params.ts'
import type { Ring } from '../ring/ring.ts'
import { type Ciphertext, newCiphertext, newPlaintext, type Plaintext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { createGaloisKeys, createRelinearisationKey } from '../rlwe/keygen.ts'
import { extendedLimbs, type SwitchingKey } from '../rlwe/keys.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'

const styles = ['highest', 'lowest', 'alternating', 'corners'] as const
type Style = (typeof styles)[number]

const alternate = (i: number): number => (i % 2 === 0 ? 1 : -1)

/** The last integers that kernels take: 0.7 p, to either side. */
function fill(ring: Ring, at: number, p: number, style: Style): void {
  const most = Math.floor(0.7 * p)
  const values = ring.heap.f64(at, ring.n)
  for (let i = 0; i < ring.n; i++) {
    if (style === 'highest') values[i] = most
    else if (style === 'lowest') values[i] = -most
    else if (style === 'alternating') values[i] = i % 2 === 0 ? most : -most
    else values[i] = [most, -most, (p - 1) / 2, -(p - 1) / 2, (p + 1) / 2, 0, 1][(i * 2654435761) % 7]!
  }
}

/**
 * Every operation on residues at the ends of their range: ciphertexts, plaintexts and keys that no encryption makes. Nothing is said of results
 * but that residue classes do not depend on how they are represented; the point is what a checked backend has to say.
 */
export function extremeSuite(backend: Backend['name'], literal: ParamsLiteral): void {
  const title = `${backend}, N = ${literal.ringDegree}, ${literal.modulusBits.join()} + ${literal.specialBits.join()}`
  describe.each(styles)(`${title}: %s`, (style) => {
    const ckks = openCkks(literal, { backend })
    const { ring } = ckks
    const top = ckks.params.maxLevel
    const secret = createSecretKey(ckks)
    const rotations = [0, 1, 2, 5]
    const plan = planLinear(rotations, ckks.params.slots)
    const keys = {
      relinearisation: createRelinearisationKey(ckks, secret),
      galois: createGaloisKeys(
        ckks,
        secret,
        [1, ...planRotations(plan), 'conjugate' as const].map((steps) => ({ steps })),
      ),
    }
    function fillKey(key: SwitchingKey): void {
      const limbs = extendedLimbs(ring, key.level)
      for (let half = 0; half < 2 * key.digits; half++) {
        for (let limb = 0; limb < limbs; limb++) {
          const index = limb <= key.level ? limb : ckks.params.primes.length + limb - key.level - 1
          fill(ring, key.slab.ptr + (half * limbs + limb) * ring.limbBytes, ring.moduli[index]!.p, style)
        }
      }
    }
    for (const key of [keys.relinearisation, ...keys.galois.values()]) fillKey(key)

    function ciphertext(parts: 2 | 3, level: number): Ciphertext {
      const ct = newCiphertext(ring, parts, level, 1)
      for (let limb = 0; limb < parts * (level + 1); limb++)
        fill(ring, ct.slab.ptr + limb * ring.limbBytes, ring.moduli[limb % (level + 1)]!.p, style)
      return ct
    }
    function plaintext(level: number): Plaintext {
      const plain = newPlaintext(ring, level, 1)
      for (let limb = 0; limb <= level; limb++)
        fill(ring, plain.slab.ptr + limb * ring.limbBytes, ring.moduli[limb]!.p, style)
      return plain
    }
    /** Uses the value up. */
    const finite = (ct: Ciphertext): void => {
      using used = ct
      using plain = decrypt(ckks, secret, used)
      expect(ckks.decode(plain).every(Number.isFinite)).toBe(true)
    }

    test('encoding the largest coefficients that fit, and those about the ends of doubles and transforms', () => {
      let bits = -1
      for (let level = 0; level <= top; level++) {
        bits += Math.log2(ring.moduli[level]!.p)
        for (const size of [49, 50, 50.01, 51, 53, 53.5, 60, 80, 98.9, bits - 0.01]) {
          if (size >= Math.min(bits, 99)) continue
          const signs = { highest: () => 1, lowest: () => -1, alternating: alternate, corners: alternate }
          const values = Array.from({ length: ring.n }, (_, i) => signs[style](i) * 2 ** size)
          using plain = ckks.encodeCoefficients(values, { level, scale: 1 })
          const decoded = ckks.decodeCoefficients(plain)
          // Rounding to integers, and to doubles.
          expect(values.every((x, i) => Math.abs(decoded[i]! - x) <= 0.5 + Math.abs(x) * 2 ** -50)).toBe(true)
        }
      }
    })

    test('sums and products', () => {
      for (let level = 0; level <= top; level++) {
        using a = ciphertext(2, level)
        using b = ciphertext(2, top)
        using wide = ciphertext(3, top)
        using m = plaintext(level)
        for (const result of [
          ckks.add(a, b),
          ckks.subtract(a, wide),
          ckks.subtract(wide, a),
          ckks.negate(a),
          ckks.addPlain(a, m),
          ckks.subtractPlain(a, m),
          ckks.addConstant(a, 3),
          ckks.multiplyPlain(a, m),
          ckks.multiplyConstant(a, -3, 1),
          ckks.multiply(a, b),
          ckks.square(a),
          ckks.dropLevel(b, level),
        ])
          finite(result)
      }
    })

    test('key switching, at every level', () => {
      for (let level = 0; level <= top; level++) {
        using a = ciphertext(2, level)
        using wide = ciphertext(3, level)
        finite(ckks.relinearise(wide, keys))
        finite(ckks.rotate(a, 1, keys))
        finite(ckks.conjugate(a, keys))
        using hoisted = ckks.hoist(a)
        finite(ckks.rotateHoisted(hoisted, 1, keys))
      }
    })

    test('rescaling', () => {
      for (let level = 1; level <= top; level++) {
        for (const parts of [2, 3] as const) {
          using a = ciphertext(parts, level)
          using scaled = ckks.multiplyConstant(a, 1, ring.moduli[level]!.p)
          finite(ckks.rescale(scaled))
        }
      }
    })

    test('sums with weights, small and of several digits', () => {
      for (const level of new Set([0, top])) {
        for (const parts of [2, 3] as const) {
          using a = ciphertext(parts, level)
          const inputs = new Array<Ciphertext>(40).fill(a)
          const size = Math.min(28, Math.floor(Math.log2(ring.moduli[0]!.p)) - 3)
          for (const most of [1, 2 ** Math.min(size, 22), 2 ** size - 1]) {
            const rows = [1, -1].map((sign) => new Float64Array(40).fill(sign * most))
            linearCombinations(ckks, inputs, rows, { scale: 1 }).forEach(finite)
          }
        }
        using b = ciphertext(2, level)
        using weights = encodeWeights(ckks, [new Array(40).fill([1, -1]), new Array(40).fill(null)], {
          scale: 1,
          level,
        })
        multiplySum(ckks, new Array<Ciphertext>(40).fill(b), weights).forEach(finite)
      }
    })

    test('linear transforms', () => {
      for (const level of new Set([0, top])) {
        using a = ciphertext(2, level)
        const diagonals = new Map(rotations.map((d) => [d, new Float64Array(ckks.params.slots).fill(1)]))
        using transform = encodeLinear(ckks, diagonals, plan, { level, scale: 1 })
        finite(applyLinear(ckks, a, transform, keys))
      }
    })
  })
}
