import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../../base/errors.ts'
import type { ParamsLiteral } from '../../params/params.ts'
import { tails } from '../../rlwe/error-bound.ts'
import { randomCircuits, type Triple, Triples } from '../../test-support/circuits.ts'
import { distance, values } from '../../test-support/machine.ts'
import { Draw } from '../../test-support/random.ts'
import { errorBounds } from './bound.ts'
import { openCkks } from './ckks.ts'
import type { Bound } from './error-bounds.ts'
import { ErrorTerms } from './error-terms.ts'

test('300 random circuits stay below both bounds in every slot', () => {
  randomCircuits('fast', 15, 20)
})

test.each([20, 40, 90])(
  'encoding and decoding at scale 2^%i: within 10 bits of the rounding of integers and doubles',
  (bits) => {
    const ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 50], specialBits: [50] })
    const bounds = errorBounds(ckks.params)
    const draw = new Draw('encode')
    const v = values(4096, draw.reals(4096), draw.reals(4096))
    using plain = ckks.encode(v, { scale: 2 ** bits })
    const error = distance(ckks.decodeComplex(plain), v)
    const bound = bounds.decode(bounds.encode(v, { scale: 2 ** bits })).error
    expect(bound).toBeGreaterThanOrEqual(error)
    expect(bound).toBeLessThanOrEqual(error * 2 ** 10)
  },
)

test.each([8, 12, 16, 20, 24, 30])('one slot alone at scale 2^%i: its harmonics are within the bounds', (bits) => {
  const literal = { scheme: 'ckks', ringDegree: 8192, modulusBits: [50], specialBits: [] } as const
  const ckks = openCkks(literal)
  const worst = errorBounds(literal, { kind: 'worst' })
  const bounds = errorBounds(literal)
  for (const size of [1, 0.77, 0.5, 0.31]) {
    const v = values(4096, [0, 0, 0, size])
    using plain = ckks.encode(v, { scale: 2 ** bits })
    const error = distance(ckks.decodeComplex(plain), v)
    const [random, hard] = [bounds, worst].map((b) => b.decode(b.encode(v, { scale: 2 ** bits })).error)
    expect(random).toBeGreaterThanOrEqual(error)
    expect(random).toBeLessThanOrEqual(error * 2 ** 10)
    expect(hard).toBeGreaterThanOrEqual(random! * 0.99)
  }
})

/** Distances in bits between the bounds and what was measured. */
const slack = 10

describe.each<{ literal: ParamsLiteral; scale: number; weights: number; factor: number }>([
  {
    literal: { scheme: 'ckks', ringDegree: 4096, modulusBits: [36, 34], specialBits: [36] },
    scale: 2 ** 30,
    weights: 2 ** 28,
    factor: 2 ** 28,
  },
  {
    literal: { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] },
    scale: 2 ** 40,
    weights: 2 ** 40,
    factor: 2 ** 40,
  },
])('dot products at N = $literal.ringDegree: the bound is within 10 bits of the error', (subject) => {
  const { literal, scale, weights, factor } = subject
  const size = 64
  const powers = Array.from({ length: Math.log2(literal.ringDegree / 2) }, (_, i) => 2 ** i)
  const rotations = Array.from({ length: size }, (_, i) => i)
  const triples = new Triples(literal, { steps: powers, linearRotations: rotations })
  const { slots } = triples
  const top = literal.modulusBits.length - 1
  const draw = new Draw(`dot ${literal.ringDegree}`)
  const vector = (most = 1) => values(slots, draw.reals(slots, most))
  const x = triples.encrypt(vector(), 'symmetric', top, scale)!

  /** The sum of all slots, in all slots. */
  function sumSlots(value: Triple): Triple {
    let total = value
    for (const steps of powers) total = triples.binary('add', total, triples.rotate(total, steps)!)!
    return total
  }

  function check(value: Triple | undefined): void {
    expect(value, 'fits the parameters').toBeDefined()
    const { error, allowed } = triples.measure(value!)
    const [expected, worst] = allowed as [number, number]
    const shown = `error 2^${Math.log2(error).toFixed(1)}, bounds 2^${Math.log2(expected).toFixed(1)} and 2^${Math.log2(worst).toFixed(1)}`
    expect(expected, shown).toBeGreaterThanOrEqual(error)
    expect(expected, shown).toBeLessThanOrEqual(error * 2 ** slack)
    expect(worst, shown).toBeGreaterThanOrEqual(expected)
  }

  test('with weights: products, a sum over rotations, one rescaling', () => {
    const sum = sumSlots(triples.plain('multiplyPlain', x, vector(), top, weights)!)
    check(sum)
    check(triples.unary('rescale', sum))
  })

  test('with weights, rescaled first', () => {
    const product = triples.plain('multiplyPlain', x, vector(1 / slots), top, triples.ckks.params.primes[top]!)!
    check(sumSlots(triples.unary('rescale', product)!))
  })

  test('of two ciphertexts', () => {
    const y = triples.encrypt(vector(1 / slots), 'public', top, factor)!
    const product = triples.unary('relinearise', triples.binary('multiply', x, y)!)!
    check(product)
    const sum = sumSlots(product)
    check(sum)
    check(triples.unary('rescale', sum))
  })

  test('a matrix of 64 × 64 with a vector', () => {
    const diagonals = new Map(
      rotations.map((d) => {
        const weightsOf = draw.reals(size)
        return [d, Float64Array.from({ length: slots }, (_, i) => weightsOf[i % size]!)]
      }),
    )
    const product = triples.linear(x, diagonals, weights)
    check(product)
    check(triples.unary('rescale', product!))
  })
})

const literal: ParamsLiteral = {
  scheme: 'ckks',
  ringDegree: 1024,
  modulusBits: [50, 40, 40],
  specialBits: [50],
  security: 'INSECURE',
}
const scale = 2 ** 40

describe('how bounds add up', () => {
  const bounds = errorBounds(literal)
  const worst = errorBounds(literal, { kind: 'worst' })
  const fresh = (b = bounds): Bound => b.encryptSymmetric(b.encode(1, { scale }))

  test('independent noise in quadrature, the same noise linearly', () => {
    const [a, b] = [fresh(), fresh()]
    expect(bounds.add(a, b).error / a.error).toBeCloseTo(Math.SQRT2, 2)
    expect(bounds.add(a, a).error / a.error).toBeCloseTo(2, 10)
    expect(bounds.subtract(a, a).error / a.error, 'as nothing is known of signs').toBeCloseTo(2, 10)
    const [c, d] = [fresh(worst), fresh(worst)]
    expect(worst.add(c, d).error / c.error).toBeCloseTo(2, 10)
  })

  test('rotations of one noise in quadrature, unless they come back to the same place', () => {
    const a = fresh()
    const there = bounds.rotate(a, 3)
    const back = bounds.rotate(there, -3)
    const switching = there.error ** 2 - a.error ** 2
    expect(bounds.add(a, there).error ** 2).toBeCloseTo(2 * a.error ** 2 + switching, 20)
    expect(bounds.add(a, back).error ** 2).toBeCloseTo(4 * a.error ** 2 + 2 * switching, 20)
    expect(bounds.add(a, bounds.conjugate(a)).error ** 2).toBeCloseTo(4 * a.error ** 2 + switching, 20)
  })

  test('scales that differ by less than 2^-40 count as one, and the difference as an error', () => {
    const a = fresh()
    const other = bounds.encryptSymmetric(bounds.encode(2 ** 8, { scale: scale * (1 + 2 ** -41) }))
    const off = worst.encryptSymmetric(worst.encode(2 ** 8, { scale: scale * (1 + 2 ** -41) }))
    expect(bounds.add(a, other).error).toBeGreaterThan(2 ** 8 * 2 ** -41)
    expect(worst.add(fresh(worst), off).error - fresh(worst).error - off.error).toBeCloseTo(2 ** -33, 14)
  })

  test('a square has twice the error of its base', () => {
    const a = fresh()
    expect(bounds.square(a).error / a.error).toBeCloseTo(2, 4)
    expect(bounds.multiply(a, fresh()).error / a.error).toBeCloseTo(Math.SQRT2, 2)
  })

  test('a message of nothing has the noise of its encryption', () => {
    const zero = bounds.encryptSymmetric(bounds.encode([], { scale }))
    expect(zero.magnitude).toBe(0)
    expect(zero.error).toBeGreaterThan(0)
    expect(bounds.multiplyConstant(fresh(), 0, scale)).toMatchObject({ magnitude: 0, error: 0 })
  })

  test('magnitudes are those of the slots', () => {
    expect(bounds.encode({ re: [3, 0], im: [4, 1] }, { scale: 2 ** 20 }).magnitude).toBe(5)
    expect(bounds.encode([1, -7], { scale: 2 ** 20 }).magnitude).toBe(7)
    expect(bounds.encode(-2, { scale: 2 ** 20 }).magnitude).toBe(2)
    const a = fresh()
    expect(bounds.addConstant(bounds.add(a, a), -3).magnitude).toBe(5)
    expect(bounds.assume(bounds.add(a, a), 1).magnitude).toBe(1)
    expect(bounds.assume(a, 2).magnitude).toBe(1)
  })

  test('nothing is promised where the message may not fit the modulus', () => {
    expect(bounds.encode(2 ** 8, { scale, level: 0 }).error).toBeLessThan(1)
    expect(bounds.encode(2 ** 9, { scale, level: 0 }).error).toBe(Infinity)
    const low = bounds.dropLevel(fresh(), 0)
    expect(bounds.multiplyConstant(low, 1000, 1).error).toBe(Infinity)
    expect(bounds.encode(1, { scale: 2 ** 100 }).error, 'nor where the encoder ends').toBe(Infinity)
  })

  test('a smaller failure probability costs a little', () => {
    const careful = errorBounds(literal, { failure: 2 ** -80 })
    const ratio = fresh(careful).error / fresh().error
    expect(ratio).toBeGreaterThan(1.2)
    expect(ratio).toBeLessThan(1.5)
  })

  test('sums over all slots of a large ring: between quadrature and linear', () => {
    const [expected, worst] = (['expected', 'worst'] as const).map((kind) => {
      const wide = errorBounds({ ...literal, ringDegree: 65536 }, { kind })
      let a = wide.encryptSymmetric(wide.encode(2 ** -16, { scale }))
      const start = a.error
      for (let steps = 1; steps < 32768; steps *= 2) a = wide.add(a, wide.rotate(a, steps))
      expect(a.error).toBeGreaterThan(start * Math.sqrt(32768))
      return a.error
    }) as [number, number]
    expect(expected).toBeLessThan(worst / 2 ** 6)
  })

  test('more terms than are kept apart are added up linearly', () => {
    const slots = 2 ** 17
    let sum = ErrorTerms.of(slots, 0, 1).plus(ErrorTerms.of(slots, 1, 1))
    for (let steps = 1; steps < 2 ** 16; steps *= 2) sum = sum.plus(sum.rotated(steps))
    expect(sum.bound).toBeCloseTo(Math.sqrt(2 * 2 ** 16), 6)
    const twice = sum.plus(sum.rotated(2 ** 16))
    expect(twice.bound).toBeCloseTo(Math.SQRT2 * 2 ** 17, 3)
    // From here on each source is one term, and stays one beside terms of its own.
    const four = twice.plus(sum.rotated(2 ** 16 + 1))
    expect(four.bound).toBeCloseTo(Math.SQRT2 * 3 * 2 ** 16, 3)
    expect(four.plus(ErrorTerms.of(slots, 0, 1)).bound).toBeCloseTo(Math.hypot(3 * 2 ** 16 + 1, 3 * 2 ** 16), 3)
    expect(four.plus(ErrorTerms.of(slots, 2, 1)).bound).toBeCloseTo(Math.hypot(Math.SQRT2 * 3 * 2 ** 16, 1), 3)
  })
})

describe('the rules are those of the arithmetic', () => {
  const bounds = errorBounds(literal)
  const plain = bounds.encode(1, { scale })
  const fresh = bounds.encrypt(plain)
  const wide = bounds.multiply(fresh, fresh)
  test.each([
    ['sums of unequal scales', () => bounds.add(fresh, wide), 'scale-mismatch'],
    ['products of three parts', () => bounds.multiply(wide, fresh), 'unsupported'],
    ['rotations of three parts', () => bounds.rotate(wide, 1), 'unsupported'],
    ['transforms of three parts', () => bounds.hoist(wide), 'unsupported'],
    ['more scale than modulus', () => bounds.multiplyConstant(wide, 1, 2 ** 60), 'scale-mismatch'],
    ['rescaling at level 0', () => bounds.rescale(bounds.dropLevel(fresh, 0)), 'level-exhausted'],
    ['rescaling a message away', () => bounds.rescale(bounds.rescale(fresh)), 'scale-mismatch'],
    ['raising a level', () => bounds.dropLevel(bounds.dropLevel(fresh, 0), 1), 'level-exhausted'],
    [
      'no special primes',
      () => {
        const without = errorBounds({ ...literal, specialBits: [] })
        without.rotate(without.encrypt(without.encode(1, { scale })), 1)
      },
      'missing-key',
    ],
    [
      'a transform of another level',
      () =>
        bounds.applyLinear(
          fresh,
          bounds.encodeLinear(new Map([[0, 1]]), { babies: [0], giants: [0] }, { level: 1, scale }),
        ),
      'level-exhausted',
    ],
  ])('%s', (_what, run, code) => {
    expect(run).toThrow(GloveboxError)
    expect(run).toThrow(expect.objectContaining({ code }))
  })

  test.each([
    ['a level that is not there', () => bounds.encode(1, { scale, level: 3 }), RangeError],
    ['a scale below 1', () => bounds.encode(1, { scale: 0.5 }), RangeError],
    ['a value that is not finite', () => bounds.encode([Number.NaN], { scale }), RangeError],
    ['a fraction of a step', () => bounds.rotate(fresh, 0.5), TypeError],
    ['a plaintext for a ciphertext', () => bounds.add(fresh, plain), TypeError],
    ['a ciphertext for a plaintext', () => bounds.multiplyPlain(fresh, fresh), TypeError],
    ['a certain failure', () => errorBounds(literal, { failure: 1 }), RangeError],
    ['another kind', () => errorBounds(literal, { kind: 'best' as 'worst' }), RangeError],
    [
      'a rotation outside of the plan',
      () => bounds.encodeLinear(new Map([[5, 1]]), { babies: [0], giants: [0] }, { level: 2, scale }),
      RangeError,
    ],
  ])('%s', (_what, run, error) => {
    expect(run).toThrow(error)
  })
})

describe('the tails', () => {
  /** P(|X Y^power| > t) for complex normal X and Y: the integral of exp(-u - t^2 / u^power) over u = |Y|^2. */
  function beyond(t: number, power: number): number {
    const step = 1 / 512
    let sum = 0
    for (let u = step / 2; u < 200; u += step) sum += Math.exp(-u - t ** 2 / u ** power) * step
    return sum
  }

  test.each([64, 8192, 65536])('of one, two and three polynomials at N = %i, by numerical integration', (n) => {
    for (const failure of [2 ** -20, 2 ** -40, 2 ** -64]) {
      const { one, two, three } = tails(n, failure)
      const slot = failure / (n / 2)
      expect(Math.exp(-(one ** 2)) / slot).toBeCloseTo(1, 6)
      // Never more than asked for, but for 5%; never so little that the bound would be wide.
      for (const [t, power] of [
        [two, 1],
        [three, 2],
      ] as const) {
        expect(beyond(t, power) / slot).toBeLessThan(1.05)
        expect(beyond(t, power) / slot).toBeGreaterThan(0.9)
      }
    }
  })
})
