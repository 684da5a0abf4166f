import { describe, expect, test } from 'vitest'
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
