import { type Ciphertext, limbOf, newCiphertext } from '../../rlwe/ciphertext.ts'
import { requireFactor } from '../integer/arithmetic.ts'
import type { IntegerForm } from '../integer/form.ts'
import { atCommonLevel } from '../integer/modulus-switch.ts'
import type { ProductTables } from './auxiliary.ts'

/**
 * nearest(t/Q a ⊗ b) up to a little: three parts.
 *
 * Kim, Polyakov, Zucca 2021 (eprint 2021/204), section 4: b is first rounded to b' = nearest(P/Q b), so that a ⊗ b' over Q and P need only be
 * divided by P, which leaves the result modulo Q and the residues modulo Q in NTT form throughout. All basis conversions are exact and centred. A
 * coefficient of the result differs from t/Q a ⊗ b by at most 1/2 + t N Q / 2P (half of it in the outer parts).
 *
 * Transforms, with k primes in Q and m in P: 9k + 7m; a square 7k + 7m.
 */
export function multiply(
  form: IntegerForm,
  tablesAt: (level: number) => ProductTables,
  first: Ciphertext,
  second: Ciphertext,
): Ciphertext {
  requireFactor('a', first)
  requireFactor('b', second)
  return atCommonLevel(form, first, second, (a, b) => multiplyAtLevel(tablesAt(a.level), a, b))
}

function multiplyAtLevel(tables: ProductTables, a: Ciphertext, b: Ciphertext): Ciphertext {
  const { ring, level } = a
  const { n, limbBytes, moduli } = ring
  const { auxiliary, extend, raise, back, remainder, factors } = tables
  const k = level + 1
  const m = auxiliary.length
  const square = a === b
  // Runs of limbs; polynomial i of a run over Q begins at i k limbs, of one over P at i m limbs.
  using overQ = ring.limbs(4 * k)
  using overP = ring.limbs(4 * m)
  using digits = ring.limbs(2 * m)
  using quotients = ring.limbs(4)
  const at = (base: number, limb: number): number => base + limb * limbBytes
  const [q0, p0, y0, v0] = [overQ.ptr, overP.ptr, digits.ptr, quotients.ptr]
  const [a0, b0] = [limbOf(a, 0, 0), limbOf(b, 0, 0)]
  const out = newCiphertext(ring, 3, level, 1)
  const out0 = limbOf(out, 0, 0)

  // Coefficients of b to run 2, 3 over Q, those of a to run 0, 1.
  ring.parallel(square ? 2 * k : 4 * k, (i, kernels) => {
    const { p, pinv, table } = moduli[i % k]!
    const limb = at(q0, (i + 2 * k) % (4 * k))
    kernels.copy(limb, i < 2 * k ? at(b0, i) : at(a0, i - 2 * k), n)
    kernels.nttInverse(limb, n, p, pinv, table)
  })
  // Digits of a, and of P b, in their place.
  ring.parallel(2, (part, kernels) => {
    const own = at(q0, part * k)
    const other = at(q0, (2 + part) * k)
    kernels.basisScale(own, limbBytes, at(v0, part), square ? other : own, limbBytes, k, extend.scale, n)
    kernels.basisScale(other, limbBytes, at(v0, 2 + part), other, limbBytes, k, raise.scale, n)
  })
  // Over P: a in NTT form to run 0, 1; b' in coefficients to run 2, 3.
  ring.parallel(4 * m, (i, kernels) => {
    const poly = Math.floor(i / m)
    const { p, pinv, table } = auxiliary[i % m]!
    const combine = (poly < 2 ? extend : raise).combine[i % m]!
    kernels.basisCombine(at(p0, i), at(q0, poly * k), limbBytes, at(v0, poly), k, combine, n, p, pinv)
    if (poly < 2) kernels.nttForward(at(p0, i), n, p, pinv, table)
  })
  ring.parallel(2, (part, kernels) =>
    kernels.basisScale(at(y0, part * m), limbBytes, at(v0, part), at(p0, (2 + part) * m), limbBytes, m, back.scale, n),
  )
  // a ⊗ b' to run 0, 1, 2: over Q in NTT form, over P in coefficients.
  ring.parallel(k + m, (i, kernels) => {
    if (i < k) {
      const { p, pinv, table } = moduli[i]!
      const [d0, d1, d2] = [at(q0, i), at(q0, k + i), at(q0, 2 * k + i)]
      for (const part of [0, 1]) {
        const limb = part === 0 ? d0 : d1
        kernels.basisCombine(limb, at(y0, part * m), limbBytes, at(v0, part), m, back.combine[i]!, n, p, pinv)
        kernels.nttForward(limb, n, p, pinv, table)
      }
      kernels.tensor(d0, d1, d2, at(a0, i), at(a0, k + i), d0, d1, n, p, pinv)
    } else {
      const j = i - k
      const { p, pinv, table } = auxiliary[j]!
      const [x0, x1, x2, x3] = [at(p0, j), at(p0, m + j), at(p0, 2 * m + j), at(p0, 3 * m + j)]
      kernels.nttForward(x2, n, p, pinv, table)
      kernels.nttForward(x3, n, p, pinv, table)
      kernels.tensor(x0, x1, x2, x0, x1, x2, x3, n, p, pinv)
      for (const limb of [x0, x1, x2]) kernels.nttInverse(limb, n, p, pinv, table)
    }
  })
  // nearest(t d / P) = (d - [t d]_P / t) t / P.
  ring.parallel(3, (part, kernels) => {
    const digit = at(p0, part * m)
    kernels.basisScale(digit, limbBytes, at(v0, part), digit, limbBytes, m, remainder.scale, n)
  })
  ring.parallel(3 * k, (i, kernels) => {
    const part = Math.floor(i / k)
    const limb = i % k
    const { p, pinv, table } = moduli[limb]!
    const { w, wp } = factors[limb]!
    const dst = at(out0, i)
    const combine = remainder.combine[limb]!
    kernels.basisCombine(dst, at(p0, part * m), limbBytes, at(v0, part), m, combine, n, p, pinv)
    kernels.nttForward(dst, n, p, pinv, table)
    kernels.subMulScalar(dst, at(q0, i), dst, n, w, wp, p)
  })
  return out
}
