import { mod } from '../../base/numbers.ts'
import { factor } from '../../ring/ring.ts'
import { type Ciphertext, limbOf, newCiphertext } from '../../rlwe/ciphertext.ts'
import { requireFactor } from '../integer/arithmetic.ts'
import type { IntegerForm } from '../integer/form.ts'
import { atCommonLevel } from '../integer/modulus-switch.ts'

/** t a ⊗ b: three parts, whose phase times t is the product of t times the phases of a and b. The scales multiply modulo t. */
export function multiply(form: IntegerForm, first: Ciphertext, second: Ciphertext): Ciphertext {
  requireFactor('a', first)
  requireFactor('b', second)
  return atCommonLevel(form, first, second, (a, b) => {
    const { ring, level } = a
    const { n, limbBytes, moduli } = ring
    const { t } = form.plain
    const limbs = level + 1
    const [a0, b0] = [limbOf(a, 0, 0), limbOf(b, 0, 0)]
    const out = newCiphertext(ring, 3, level, Number(mod(BigInt(a.scale) * BigInt(b.scale), BigInt(t))))
    const d0 = limbOf(out, 0, 0)
    const factors = moduli.slice(0, limbs).map(({ p }) => factor(BigInt(t), p))
    ring.parallel(limbs, (i, kernels) => {
      const { p, pinv } = moduli[i]!
      const { w, wp } = factors[i]!
      const part = (base: number, index: number): number => base + (index * limbs + i) * limbBytes
      for (const index of [0, 1]) kernels.mulScalar(part(d0, index), part(a0, index), n, w, wp, p)
      const [d, e, f] = [part(d0, 0), part(d0, 1), part(d0, 2)]
      kernels.tensor(d, e, f, d, e, part(b0, 0), part(b0, 1), n, p, pinv)
    })
    return out
  })
}
