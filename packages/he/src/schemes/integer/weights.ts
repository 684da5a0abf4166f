import { requireLevel } from '../../rlwe/ciphertext.ts'
import { newWeights, type Weights } from '../../rlwe/weights.ts'
import { fill, type Integers, slotTable } from './encoder.ts'
import type { IntegerForm } from './form.ts'

/** Factors modulo t as `multiplySum` takes them: balanced modulo t, then modulo each prime, in NTT form. */
export function encodeWeights(
  form: IntegerForm,
  order: Uint32Array,
  rows: readonly (readonly (Integers | null)[])[],
  of: 'slots' | 'coefficients',
  level: number,
): Weights {
  const { ring, plain } = form
  const { n, kernels, limbBytes, moduli } = ring
  requireLevel(ring, level)
  if (of !== 'slots' && of !== 'coefficients')
    throw new RangeError(`"of" expected 'slots' or 'coefficients', got ${JSON.stringify(of)}`)
  const table = of === 'slots' ? slotTable(ring, plain) : undefined
  using space = ring.limbs(1)
  const message = space.ptr
  return newWeights(ring, rows, { level, scale: 1 }, (dst, values, name) => {
    fill(ring.heap.f64(message, n), values, name, plain.t, table === undefined ? undefined : order)
    if (table !== undefined) kernels.nttInverse(message, n, plain.t, plain.tinv, table)
    kernels.reduce(message, message, n, plain.t, plain.tinv)
    for (let i = 0; i <= level; i++) {
      const { p, pinv, table: roots } = moduli[i]!
      const limb = dst + i * limbBytes
      if (plain.t > p) kernels.reduce(limb, message, n, p, pinv)
      else kernels.copy(limb, message, n)
      kernels.nttForward(limb, n, p, pinv, roots)
    }
  })
}
