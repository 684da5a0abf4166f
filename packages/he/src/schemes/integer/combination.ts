import { GloveboxError } from '../../base/errors.ts'
import { centred, invMod, mod } from '../../base/numbers.ts'
import { factor } from '../../ring/ring.ts'
import { type Ciphertext, commonPlaces, filled, limbOf, newCiphertext, requireWhole } from '../../rlwe/ciphertext.ts'
import type { IntegerForm } from './form.ts'
import { type Message, scaledMessage } from './message.ts'
import { switchModulus } from './modulus-switch.ts'

/** Terms of one call of the kernel. */
const most = 256

/** sum_j a_j b_j of ciphertexts in two parts with plaintexts, at the lowest of their levels. */
export function dotPlain(form: IntegerForm, terms: readonly Ciphertext[], factors: readonly Message[]): Ciphertext {
  terms.forEach((a, j) => {
    requireWhole(`a[${j}]`, a)
    if (a.parts !== 2)
      throw new GloveboxError('unsupported', `"a[${j}]" has 3 parts: relinearise it before a sum of products`)
  })
  const { ring } = terms[0]!
  const { n, limbBytes, moduli } = ring
  const level = Math.min(...terms.map((a) => a.level))
  const limbs = level + 1
  const made: Disposable[] = []
  try {
    const operands = terms.map((a) => {
      if (a.level === level) return a
      const lower = switchModulus(form, a, level)
      made.push(lower)
      return lower
    })
    // A plaintext takes the place of its ciphertext's scale, which costs no noise.
    const { scale } = operands[0]!
    const lifted = factors.map((b, j) => {
      if (operands[j]!.scale === scale) return b.lifted(level)
      const message = scaledMessage(form, b, quotientOf(form, scale, operands[j]!.scale))
      made.push(message)
      return message.lifted(level)
    })
    const count = terms.length
    using pointers = ring.heap.alloc(4 * 3 * count * limbs)
    using partial = ring.limbs(2 * limbs)
    const list = new Uint32Array(3 * count * limbs)
    for (let i = 0, at = 0; i < limbs; i++) {
      for (let j = 0; j < count; j++) {
        list[at++] = limbOf(operands[j]!, 0, i)
        list[at++] = limbOf(operands[j]!, 1, i)
        list[at++] = lifted[j]! + i * limbBytes
      }
    }
    ring.heap.u32(pointers.ptr, list.length).set(list)
    // All operands were read: what follows does not throw.
    const out = newCiphertext(ring, 2, level, scale)
    const [from, sums, dst] = [pointers.ptr, partial.ptr, out.slab.ptr]
    ring.parallel(limbs, (i, kernels) => {
      const { p, pinv } = moduli[i]!
      for (let first = 0; first < count; first += most) {
        const base = first === 0 ? dst : sums
        const [c0, c1] = [base + i * limbBytes, base + (limbs + i) * limbBytes]
        kernels.dotPlain(c0, c1, from + 12 * (i * count + first), Math.min(most, count - first), n, p, pinv)
        if (first === 0) continue
        for (const limb of [i, limbs + i]) {
          const at = dst + limb * limbBytes
          kernels.add(at, at, sums + limb * limbBytes, n, p, pinv)
        }
      }
    })
    return out
  } finally {
    for (const value of made) value[Symbol.dispose]()
  }
}

/** sum_j w_j a_j for integers w_j, at the lowest of their levels. */
export function sumOfMultiples(
  form: IntegerForm,
  terms: readonly Ciphertext[],
  weights: readonly bigint[],
): Ciphertext {
  const { ring } = terms[0]!
  const { kernels, n } = ring
  const level = Math.min(...terms.map((a) => a.level))
  const parts = Math.max(...terms.map((a) => a.parts)) as 2 | 3
  using space = ring.limbs(1)
  const scale = form.divided(terms[0]!.scale, terms[0]!.level, level)
  const sum = newCiphertext(ring, parts, level, scale, commonPlaces(terms))
  const written = new Set<number>()
  return filled(sum, (out) => {
    terms.forEach((term, j) => {
      using lower = term.level > level ? switchModulus(form, term, level) : undefined
      const a = lower ?? term
      const weight =
        a.scale === scale ? weights[j]! : centred(weights[j]! * quotientOf(form, scale, a.scale), BigInt(form.plain.t))
      for (let part = 0; part < a.parts; part++) {
        for (let i = 0; i <= level; i++) {
          const { p, pinv } = ring.moduli[i]!
          const { w, wp } = factor(weight, p)
          const dst = limbOf(out, part, i)
          if (written.has(part)) {
            kernels.mulScalar(space.ptr, limbOf(a, part, i), n, w, wp, p)
            kernels.add(dst, dst, space.ptr, n, p, pinv)
          } else kernels.mulScalar(dst, limbOf(a, part, i), n, w, wp, p)
        }
        written.add(part)
      }
    })
  })
}

/** a / b modulo t. */
function quotientOf({ plain: { t } }: IntegerForm, a: number, b: number): bigint {
  return mod(BigInt(a) * invMod(BigInt(b), BigInt(t)), BigInt(t))
}
