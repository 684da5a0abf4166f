import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { createParams } from '../params/params.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { scaleLadder } from '../schemes/ckks/scales.ts'
import { automatic, deepLiteral, furthest, unevenLiteral } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { evaluatePolynomial } from './evaluate-polynomial.ts'
import { createEvaluator } from './evaluator.ts'

const scale = 2 ** 40
const steps = [1, -3]
const draw = new Draw('evaluator')

describe('the ladder', () => {
  const params = createParams(deepLiteral(1024, 6))

  test('has the scale that was asked for at the top, and every product of a level on the one below', () => {
    const ladder = scaleLadder(params, scale)
    expect(ladder.at(6)).toBe(scale)
    for (let level = 6; level > 0; level--)
      expect(ladder.at(level) ** 2 / params.primes[level]! / ladder.at(level - 1)).toBeCloseTo(1, 13)
    expect(ladder.holds({ level: 6, scale })).toBe(true)
    expect(ladder.holds({ level: 5, scale })).toBe(false)
  })

  test('stays near the primes at any depth when it starts at the bottom', () => {
    // 40 levels of small primes, far from a power of two: from the top, the scale of the bottom would be off by 2^40 times as many bits.
    const deep = createParams({
      scheme: 'ckks',
      ringDegree: 1024,
      modulusBits: [40, ...new Array<number>(40).fill(25)],
      specialBits: [40],
      digitSize: 1,
      security: 'INSECURE',
    })
    const ladder = scaleLadder(deep, 2 ** 25, { level: 0 })
    for (let level = 0; level <= 40; level++) expect(Math.log2(ladder.at(level))).toBeCloseTo(25, 1)
    for (let level = 40; level > 0; level--)
      expect(ladder.at(level) ** 2 / deep.primes[level]! / ladder.at(level - 1)).toBeCloseTo(1, 13)
    expect(() => scaleLadder(deep, 2 ** 25)).toThrow(/give the scale of level 0 with \{ level: 0 \}/)
  })

  test('refuses what does not fit', () => {
    for (const bad of [0, -1, 0.5, Number.NaN, Infinity])
      expect(() => scaleLadder(params, bad)).toThrow(`"scale" expected a finite number from 1, got ${bad}`)
    expect(() => scaleLadder(params, scale, { level: 7 })).toThrow(
      '"options.level" expected an integer from 0 to 6, got 7',
    )
    expect(() => scaleLadder(params, 2 ** 50, { level: 0 })).toThrow(
      'does not fit the 50.0 bits of the modulus at level 0',
    )
    expect(() => scaleLadder(params, 2 ** 41)).toThrow('take a scale nearer to the size of the primes')
    expect(() => scaleLadder(params, scale).at(7)).toThrow('"level" expected an integer from 0 to 6, got 7')
  })
})

describe.each(['wasm-fused', 'wasm'] as const)('an automatic circuit on %s', (backend) => {
  const { evaluator, slots, encrypt, decrypt, top } = automatic({
    backend,
    literal: unevenLiteral(1024, 6),
    scale,
    level: 0,
    galois: steps,
  })
  const { ladder, ckks } = evaluator

  /** A ciphertext with its value in the clear. */
  interface Pair {
    readonly ct: Ciphertext
    readonly x: Float64Array
  }
  const made: Ciphertext[] = []
  afterEach(() => {
    for (const ct of made.splice(0)) ct[Symbol.dispose]()
  })
  const pair = (ct: Ciphertext, x: Float64Array): Pair => {
    made.push(ct)
    return { ct, x }
  }
  const fresh = (level = top): Pair => {
    const x = draw.reals(slots)
    return pair(encrypt(x, level), x)
  }
  /** Values up to 1 at a scale of 2^40: 2^-26 a step is ample, and 2^10 times more shows a scale that is off by 2^-16. */
  const near = ({ ct, x }: Pair, bound = 2 ** -24): void => {
    expect(ct.parts).toBe(2)
    expect(Math.abs(ct.scale / ladder.at(ct.level) - 1)).toBeLessThan(2 ** -40)
    expect(furthest(decrypt(ct), x)).toBeLessThan(bound)
  }

  type Op =
    | { readonly op: 'add' | 'subtract' | 'multiply'; readonly a: number; readonly b: number }
    | { readonly op: 'addPlain' | 'multiplyPlain' | 'addNumber' | 'multiplyNumber' | 'double'; readonly a: number }
    | { readonly op: 'negate' | 'rotate' | 'square' | 'bring' | 'encoded'; readonly a: number; readonly b: number }

  const names = ['add', 'subtract', 'multiply', 'addPlain', 'multiplyPlain', 'addNumber', 'multiplyNumber', 'double']
  const more = ['negate', 'rotate', 'square', 'bring', 'encoded']
  const circuit = fc.array(
    fc.record({ op: fc.constantFrom(...names, ...more), a: fc.nat(99), b: fc.nat(99) }) as fc.Arbitrary<
      Op & { b: number }
    >,
    { minLength: 4, maxLength: 14 },
  )

  function apply({ op, a, b }: Op & { b: number }, pool: readonly Pair[]): Pair | undefined {
    const left = pool[a % pool.length]!
    const right = pool[b % pool.length]!
    const { ct, x } = left
    const y = right.x
    const spends = ['multiply', 'multiplyPlain', 'multiplyNumber', 'square', 'encoded'].includes(op)
    const level = op === 'multiply' ? Math.min(ct.level, right.ct.level) : ct.level
    if (spends && level === 0) return undefined
    switch (op) {
      case 'add':
        return pair(
          evaluator.add(ct, right.ct),
          x.map((v, i) => v + y[i]!),
        )
      case 'subtract':
        return pair(
          evaluator.subtract(ct, right.ct),
          x.map((v, i) => v - y[i]!),
        )
      case 'multiply':
        return pair(
          evaluator.multiply(ct, right.ct),
          x.map((v, i) => v * y[i]!),
        )
      case 'addPlain':
        return pair(
          evaluator.add(ct, y),
          x.map((v, i) => v + y[i]!),
        )
      case 'multiplyPlain':
        return pair(
          evaluator.multiply(ct, y),
          x.map((v, i) => v * y[i]!),
        )
      case 'encoded': {
        using plain = evaluator.encode(y, level - 1 || 1)
        return pair(
          evaluator.multiply(ct, plain),
          x.map((v, i) => v * y[i]!),
        )
      }
      case 'addNumber':
        return pair(
          evaluator.subtract(ct, 0.3),
          x.map((v) => v - 0.3),
        )
      case 'multiplyNumber':
        return pair(
          evaluator.multiply(ct, -0.7),
          x.map((v) => -0.7 * v),
        )
      case 'double':
        return pair(
          evaluator.multiply(ct, 2),
          x.map((v) => 2 * v),
        )
      case 'negate':
        return pair(
          evaluator.negate(ct),
          x.map((v) => -v),
        )
      case 'square':
        return pair(
          evaluator.square(ct),
          x.map((v) => v * v),
        )
      case 'rotate': {
        const s = steps[b % steps.length]!
        return pair(
          evaluator.rotate(ct, s),
          x.map((_, i) => x[(i + s + slots) % slots]!),
        )
      }
      case 'bring':
        return pair(evaluator.bring(ct, b % (ct.level + 1)), x)
    }
  }

  test('equals plain arithmetic, every value exactly on the ladder', () => {
    fc.assert(
      fc.property(circuit, (ops) => {
        const pool = [fresh(), fresh(), fresh(3)]
        for (const op of ops) {
          const next = apply(op, pool)
          // Values beyond 4 would outgrow the base prime.
          if (next === undefined || next.x.some((v) => Math.abs(v) > 4)) continue
          near(next)
          pool.push(next)
        }
        for (const ct of made.splice(0)) ct[Symbol.dispose]()
      }),
      { numRuns: backend === 'wasm' ? 8 : 40 },
    )
  })

  test('a product with an integer takes no level, any other one level', () => {
    const { ct } = fresh()
    expect(pair(evaluator.multiply(ct, -3), ct as never).ct.level).toBe(top)
    expect(pair(evaluator.multiply(ct, 0.5), ct as never).ct.level).toBe(top - 1)
    expect(pair(evaluator.multiply(ct, [1, 2]), ct as never).ct.level).toBe(top - 1)
    expect(pair(evaluator.multiply(ct, ct), ct as never).ct.level).toBe(top - 1)
  })

  test('a sum of products is rescaled once', () => {
    const [a, b, c, d] = [fresh(), fresh(4), fresh(5), fresh()]
    const sum = pair(
      evaluator.dot([a.ct, c.ct], [b.ct, d.ct]),
      a.x.map((v, i) => v * b.x[i]! + c.x[i]! * d.x[i]!),
    )
    expect(sum.ct.level).toBe(3)
    near(sum)
  })

  test('brings any scale to the ladder within the levels that are dropped', () => {
    const x = draw.reals(slots)
    for (const strange of [scale * 1.5, scale * 2 ** 4, scale / 2 ** 4, scale * (1 + 2 ** -30)]) {
      using plain = ckks.encode(x, { scale: strange })
      using zero = evaluator.multiply(fresh().ct, 0)
      // Zero of the strange scale: the memory is what it was.
      using ct = ckks.addPlain({ ...zero, scale: strange }, plain)
      for (let level = top - 1; level >= 0; level--) near(pair(evaluator.bring(ct, level), x))
      expect(() => evaluator.bring(ct, top)).toThrow('changing a scale takes one level')
      near(pair(evaluator.add(ct, fresh().ct), x), 4)
      near(
        pair(
          evaluator.multiply(ct, 0.5),
          x.map((v) => v / 2),
        ),
      )
      const [p, q] = evaluator.align(ct, fresh(2).ct)
      expect([p.level, q.level]).toEqual([2, 2])
      near(pair(p, x))
      made.push(q)
    }
    // A product that was not rescaled yet.
    const [a, b] = [fresh(), fresh()]
    using wide = ckks.relinearise(pair(ckks.multiply(a.ct, b.ct), x).ct, evaluator.keys)
    for (const level of [top - 1, top - 2, 0])
      near(
        pair(
          evaluator.bring(wide, level),
          a.x.map((v, i) => v * b.x[i]!),
        ),
      )
  })

  test('gives back what it took, also when it throws', () => {
    const [a, b, low] = [fresh(), fresh(3), fresh(0)]
    const { heap } = evaluator.ring
    pair(evaluator.multiply(a.ct, b.ct), a.x)
    const before = heap.used
    evaluator.multiply(a.ct, b.ct)[Symbol.dispose]()
    evaluator.multiply(a.ct, [1, 2])[Symbol.dispose]()
    evaluator.add(a.ct, b.ct)[Symbol.dispose]()
    evaluator.dot([a.ct, b.ct], [b.ct, a.ct])[Symbol.dispose]()
    for (const ct of evaluator.align(a.ct, b.ct)) ct[Symbol.dispose]()
    expect(heap.used).toBe(before)
    expect(() => evaluator.multiply(a.ct, low.ct)).toThrow('a product needs a level to be rescaled by')
    expect(() => evaluator.multiply(low.ct, 0.5)).toThrow('a product needs a level')
    expect(() => evaluator.dot([a.ct, a.ct], [a.ct, { ...a.ct, parts: 3 }])).toThrow('3 parts')
    const without = createEvaluator(ckks, { scale, level: 0 })
    expect(() => without.multiply(a.ct, b.ct)).toThrow('there is no relinearisation key')
    expect(heap.used).toBe(before)
  })
})

describe('mistakes', () => {
  const { evaluator, encrypt } = automatic({ literal: deepLiteral(1024, 3), scale })
  const ct = encrypt([1, 2])

  test('operands of no known kind', () => {
    for (const [bad, name] of [
      [undefined, 'undefined'],
      [null, 'null'],
      ['2', 'string'],
    ] as const) {
      for (const op of ['add', 'subtract', 'multiply'] as const)
        expect(() => evaluator[op](ct, bad as never)).toThrow(
          new TypeError(`"b" expected a ciphertext, a plaintext, a number or an array of numbers, got ${name}`),
        )
    }
    expect(() => evaluator.add(3 as never, ct)).toThrow('"a" expected a plaintext, ciphertext or key of this context')
    expect(() => evaluator.dot([], [])).toThrow('at least one, got 0 and 0')
  })
  test('plaintexts of a higher level or another scale', () => {
    using low = evaluator.bring(ct, 1)
    using high = evaluator.encode([1], 2)
    expect(() => evaluator.add(low, high)).toThrow("expects one from the evaluator's encode at level 1 or lower")
    using strange = evaluator.ckks.encode([1], { scale: 2 ** 39, level: 1 })
    expect(() => evaluator.multiply(low, strange)).toThrow('"b" is a plaintext of level 1 and scale 2^39.000000')
  })
  test('missing keys', () => {
    expect(() => evaluator.rotate(ct, 1)).toThrow('there is no Galois key for a rotation by 1')
  })
  test('a strange scale at level 0', () => {
    using low = evaluator.bring(ct, 0)
    expect(() => evaluator.align({ ...low, scale: 2 ** 39 }, low)).toThrow('no level is left to change it')
  })
  test('a higher level', () => {
    using low = evaluator.bring(ct, 0)
    expect(() => evaluator.bring(low, 1)).toThrow('it cannot be raised to level 1')
  })
})

test('what is left of a trimmed reply stays marked, through relinearisation and sums of multiples too', () => {
  const { evaluator, encrypt } = automatic({ literal: deepLiteral(64, 3), scale: 2 ** 40 })
  const { ckks, keys } = evaluator
  const trimmed = { ...encrypt([1, 2]), stride: 4 }
  const product = ckks.multiply(encrypt([1]), encrypt([1]))
  const wide = ckks.add(product, ckks.multiplyConstant(trimmed, 1, product.scale / trimmed.scale))
  expect(wide.stride).toBe(4)
  expect(ckks.relinearise(wide, keys).stride).toBe(4)
  const line = evaluatePolynomial(evaluator, trimmed, { basis: 'monomial', coefficients: [1, 2] })
  expect(line.stride).toBe(4)
  expect(() => evaluator.square(line)).toThrow('trimmed reply')
})

test('a scale is changed by a constant that is large enough not to be rounded away, or not at all', () => {
  const { evaluator, encrypt, decrypt } = automatic({ literal: deepLiteral(64, 3), scale: 2 ** 40 })
  const large = evaluator.ckks.multiplyConstant(encrypt([0.75]), 1, 2 ** 12)
  // One level lower the constant would have 28 bits, of which the rounding to an integer is 2^-29.
  expect(() => evaluator.bring(large, 2)).toThrow(/there is no way to/)
  expect(Math.abs(decrypt(evaluator.bring(large, 1))[0]! - 0.75)).toBeLessThan(2 ** -28)
})
