import { describe, expect, test } from 'vitest'
import { Draw } from '../../test-support/random.ts'
import { readPoly, upTo } from '../../test-support/reference-rlwe.ts'
import { openCkks } from './ckks.ts'

describe('long chains', () => {
  test('decode a modulus beyond the range of doubles', () => {
    const modulusBits = new Array<number>(26).fill(50)
    const ckks = openCkks({ scheme: 'ckks', ringDegree: 1024, modulusBits, specialBits: [], security: 'INSECURE' })
    expect(ckks.params.logQ).toBeGreaterThan(1100)
    const values = [1.5, -2, 3.25]
    const decoded = ckks.decode(ckks.encode(values, { scale: 2 ** 40 }))
    values.forEach((value, i) => expect(decoded[i]).toBeCloseTo(value, 9))
    expect(decoded[3]).toBeCloseTo(0, 9)
  })
})

describe('what is no array', () => {
  const ckks = openCkks({
    scheme: 'ckks',
    ringDegree: 1024,
    modulusBits: [50],
    specialBits: [],
    security: 'INSECURE',
  })
  test.each([-1, 1.5, Number.NaN])('length %d is refused, and nothing of an earlier message is encoded', (length) => {
    ckks.encode(new Array(512).fill(42), { scale: 2 ** 20 })
    expect(() => ckks.encode({ length }, { scale: 2 ** 20 })).toThrow(
      `expected an array of numbers, got length ${length}`,
    )
  })
})

describe('coefficients', () => {
  const literal = {
    scheme: 'ckks',
    ringDegree: 64,
    modulusBits: [50, 40, 30],
    specialBits: [],
    security: 'INSECURE',
  } as const
  const ckks = openCkks(literal)
  const draw = new Draw('coefficients')

  test.each([0, 1, 2])('are rounded at the scale, the same modulo every prime, and come back at level %d', (level) => {
    for (const count of [0, 1, 63, 64]) {
      for (const scale of [1, 2 ** 20, 3 ** 20]) {
        const values = draw.reals(count, 2 ** 10)
        const plain = ckks.encodeCoefficients(values, { level, scale })
        expect(plain).toMatchObject({ level, scale, stride: 1, kept: 64 })
        const whole = readPoly(ckks.ring, plain.slab.ptr, upTo(level + 1))
        whole.forEach((x, i) => {
          // A double holds the product to 2^-11.
          const error = Math.abs(Number(x) - (values[i] ?? 0) * scale)
          if (error > 0.5 + 2 ** -10) expect.fail(`integer ${i} is off by ${error}`)
        })
        ckks.decodeCoefficients(plain).forEach((x, i) => {
          const error = Math.abs(x - (values[i] ?? 0))
          if (error > 0.5 / scale + 2 ** -40) expect.fail(`coefficient ${i} is off by ${error}`)
        })
      }
    }
  })

  test('that are too many or too large are refused', () => {
    expect(() => ckks.encodeCoefficients(new Array(65).fill(1), { scale: 2 })).toThrow(
      '"coefficients" expected at most 64 values (N coefficients), got 65',
    )
    expect(() => ckks.encodeCoefficients([1, 2 ** 30], { level: 0, scale: 2 ** 20 })).toThrow(
      'do not fit the 50 bits of level 0',
    )
  })
})
