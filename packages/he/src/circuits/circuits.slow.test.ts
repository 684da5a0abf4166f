import { beforeAll, describe, expect, test } from 'vitest'
import { type Automatic, automatic, furthest } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { chebyshevInterpolation } from './chebyshev.ts'
import { relu, sign } from './compare.ts'
import { evaluatePolynomial } from './evaluate-polynomial.ts'
import { inverse } from './inverse.ts'
import { precision } from './precision.ts'
import { composeSign } from './sign-composition.ts'
import { innerProduct, sumRotations } from './sums.ts'

// The deepest chain that is secure at N = 32768: 14 products at 40 bits.
const literal = {
  scheme: 'ckks',
  ringDegree: 32768,
  modulusBits: [50, ...new Array<number>(14).fill(40)],
  specialBits: [50, 50, 50, 50, 50],
} as const

describe('circuits at N = 32768, secure', () => {
  const draw = new Draw('slow circuits')
  let machine: Automatic
  let slots: number
  beforeAll(() => {
    machine = automatic({ literal, scale: 2 ** 40, galois: sumRotations(16384) })
    slots = machine.slots
  })

  test('the sign at 8 bits, from the edge of what it tells apart', () => {
    const composition = composeSign({ alpha: 8 })
    const x = draw.reals(slots).map((v, j) => (j % 4 === 0 || Math.abs(v) < 2 ** -8 ? Math.sign(v) * 2 ** -8 : v))
    using ct = machine.encrypt(x)
    using out = sign(machine.evaluator, ct, composition)
    expect(out.level).toBe(2)
    expect(furthest(machine.decrypt(out), x.map(Math.sign))).toBeLessThan(composition.error + 2 ** -14)
    using positive = relu(machine.evaluator, ct, composition)
    expect(
      furthest(
        machine.decrypt(positive),
        x.map((v) => Math.max(v, 0)),
      ),
    ).toBeLessThan(2 ** -8)
  })

  test('a sigmoid of degree 31 on [-8, 8]', () => {
    const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v))
    const p = chebyshevInterpolation(sigmoid, [-8, 8], 31)
    const x = draw.reals(slots, 8)
    using ct = machine.encrypt(x)
    using out = evaluatePolynomial(machine.evaluator, ct, p)
    expect(out.level).toBe(14 - 6)
    const report = precision(x.map(sigmoid), machine.decryptComplex(out))
    expect(2 ** -report.real.min).toBeLessThan(p.error + 2 ** -20)
    expect(report.imaginary.min).toBeGreaterThan(20)
  })

  test('an inverse of 20 bits on [1/16, 1]', () => {
    const x = draw.reals(slots).map((u) => 1 / 16 + (15 / 32) * (u + 1))
    x[0] = 1 / 16
    using ct = machine.encrypt(x)
    using out = inverse(machine.evaluator, ct, { range: [1 / 16, 1], precision: 20 })
    expect(out.level).toBe(14 - 7)
    const residual = machine.decrypt(out).map((v, j) => 1 - v * x[j]!)
    expect(furthest(residual, [])).toBeLessThan(2 ** -20 + 2 ** -21)
  })

  test('an inner product of all slots', () => {
    const [x, y] = [draw.reals(slots), draw.reals(slots)]
    using a = machine.encrypt(x)
    using b = machine.encrypt(y, 3)
    using out = innerProduct(machine.evaluator, a, b, slots)
    const expected = x.reduce((sum, v, j) => sum + v * y[j]!, 0)
    expect(out.level).toBe(2)
    expect(furthest(machine.decrypt(out), new Array(slots).fill(expected))).toBeLessThan(2 ** -10)
  })
})
