import { describe, expect, test } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { openBackend } from '../backend/open.ts'
import { type Kernels, kernelNames } from '../kernels/table.ts'
import { createParams } from '../params/params.ts'
import { openRing } from '../ring/ring.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { encodeSlots } from '../schemes/ckks/encoder.ts'
import { applyLinear, encodeLinear } from './linear.ts'
import { type LinearPlan, planRotations } from './plan.ts'

type Counts = Record<keyof Kernels, number>

/** A backend that counts the calls of its kernels. */
function counting(): { backend: Backend; counts: Counts; reset(): void } {
  const opened = openBackend('auto')
  const counts = Object.fromEntries(kernelNames.map((name) => [name, 0])) as Counts
  const kernels = Object.fromEntries(
    kernelNames.map((name) => {
      const kernel = opened.kernels[name] as (...args: number[]) => unknown
      const counted = (...args: number[]): unknown => {
        counts[name]++
        return kernel(...args)
      }
      return [name, counted]
    }),
  ) as unknown as Kernels
  const reset = (): void => {
    for (const name of kernelNames) counts[name] = 0
  }
  return { backend: { ...opened, kernels }, counts, reset }
}

const shapes = [
  { modulusBits: [50, 40], specialBits: [50], digitSize: 1 },
  { modulusBits: [50, 40, 40], specialBits: [50], digitSize: 1 },
  { modulusBits: [50, 40, 40, 40, 40], specialBits: [50, 50], digitSize: 2 },
  { modulusBits: [50, 40, 40, 40, 40, 40, 40], specialBits: [45, 45, 45], digitSize: 3 },
]

describe.each(shapes)('the kernels of a linear transform, $modulusBits + $specialBits', (shape) => {
  const { backend, counts, reset } = counting()
  const params = createParams({ scheme: 'ckks', ringDegree: 64, ...shape, security: 'INSECURE' })
  const context = { ring: openRing(params, backend) }
  const { ring } = context
  const level = params.maxLevel
  const secret = createSecretKey(context)
  const input = encryptSymmetric(context, secret, encodeSlots(ring, [1, 2, 3], level, 2 ** 30))

  function count(plan: LinearPlan): Counts {
    const rotations = plan.giants.flatMap((g) => plan.babies.map((b) => (g + b) % 32))
    const diagonals = new Map(rotations.map((r) => [r, new Float64Array(32).fill(1)]))
    using transform = encodeLinear(context, diagonals, plan, { level, scale: 2 ** 30 })
    const galois = createGaloisKeys(
      context,
      secret,
      planRotations(plan).map((steps) => ({ steps })),
    )
    const apply = (): void =>
      applyLinear(context, input, transform, { relinearisation: undefined, galois })[Symbol.dispose]()
    apply()
    reset()
    apply()
    return { ...counts }
  }

  const transforms = (counted: Counts): number =>
    counted.nttForward + counted.nttInverse + counted.nttForwardFrom + counted.nttInverseFrom + counted.nttForwardSubMul

  const [q, k] = [level + 1, params.special.length]
  const limbs = q + k
  const digits = Math.ceil(q / params.digitSize)
  // To coefficients, and every digit to the primes outside it.
  const decompose = q + digits * limbs - q
  const divide = k + q

  test('a baby is an inner product with its key, without any transform', () => {
    const few = count({ babies: [0, 1], giants: [0] })
    const many = count({ babies: [0, 1, 2, 3, 4, 5], giants: [0] })
    expect(transforms(few)).toBe(decompose + 2 * divide)
    expect(transforms(many)).toBe(transforms(few))
    expect(many.dotKey - few.dotKey).toBe(4 * limbs)
    expect(many.permute - few.permute).toBe(4 * 2 * limbs)
  })

  test('a giant divides one part, decomposes it and meets one key; each result is divided once', () => {
    const one = count({ babies: [0, 1], giants: [0, 2] })
    const four = count({ babies: [0, 1], giants: [0, 2, 4, 6, 8] })
    expect(transforms(one)).toBe(decompose + 2 * divide + (divide + decompose))
    expect(transforms(four) - transforms(one)).toBe(3 * (divide + decompose))
    expect(four.dotKey - one.dotKey).toBe(3 * limbs)
  })

  test('a transform without rotations has none', () => {
    const still = count({ babies: [0], giants: [0] })
    expect(transforms(still)).toBe(0)
    expect(still.dotKey + still.permute).toBe(0)
  })
})
