import { expect, test } from 'vitest'
import { multiplySum } from '../../circuits/weights.ts'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { residuesOf } from '../../test-support/small.ts'
import { openBfv } from './bfv.ts'

const bfv = openBfv({
  scheme: 'bfv',
  ringDegree: 32,
  modulusBits: [50, 50],
  specialBits: [],
  plaintextModulus: 193,
  security: 'INSECURE',
})
const secret = createSecretKey(bfv)

test.each([1, 2, 255, 256, 257, 600])('a sum of %i products is the products, one by one', (count) => {
  const term = (j: number): Ciphertext =>
    encryptSymmetric(bfv, secret, bfv.encode([j % 193, 1], { level: count < 3 && j === 1 ? 0 : 1 }))
  const terms = Array.from({ length: count }, (_, j) => term(j))
  const factors = Array.from({ length: count }, (_, j) => bfv.encode([(3 * j) % 193, (j * j) % 193, 5]))
  const before = bfv.ring.heap.used
  const sum = bfv.dotPlain(terms, factors)
  let expected = bfv.multiplyPlain(terms[0]!, factors[0]!)
  for (let j = 1; j < count; j++) expected = bfv.add(expected, bfv.multiplyPlain(terms[j]!, factors[j]!))
  // Switching down commutes with products of plaintexts only up to the rounding.
  if (terms.every((a) => a.level === terms[0]!.level)) expect(residuesOf(sum)).toEqual(residuesOf(expected))
  const slots = [0, 0]
  for (let j = 0; j < count; j++) {
    slots[0] = (slots[0]! + (j % 193) * ((3 * j) % 193)) % 193
    slots[1] = (slots[1]! + ((j * j) % 193)) % 193
  }
  const decoded = bfv.decode(decrypt(bfv, secret, sum))
  expect(Array.from(decoded.subarray(0, 3))).toEqual([...slots, 0])
  expect(bfv.ring.heap.used).toBeGreaterThan(before)
})

test.each(['slots', 'coefficients'] as const)('sums with encoded weights are sums of products, %s', (of) => {
  const terms = [7, 11, 13].map((x) => encryptSymmetric(bfv, secret, bfv.encode([x, x + 1])))
  const row = (j: number): number[] => Array.from({ length: 32 }, (_, i) => ((i + 3) * (j + 5)) % 193)
  const encode = of === 'slots' ? bfv.encode : bfv.encodeCoefficients
  const rows = [
    [row(0), row(1), row(2)],
    [null, row(3), null],
  ]
  const { used } = bfv.memory
  const weights = bfv.encodeWeights(rows, { of })
  expect(weights).toMatchObject({ outputs: 2, inputs: 3, level: 1, scale: 1 })
  const [all, one] = multiplySum(bfv, terms, weights)
  expect(residuesOf(all!)).toEqual(
    residuesOf(
      bfv.dotPlain(
        terms,
        rows[0]!.map((values) => encode(values!)),
      ),
    ),
  )
  expect(residuesOf(one!)).toEqual(residuesOf(bfv.multiplyPlain(terms[1]!, encode(row(3)))))
  // Four polynomials at level 1, and nothing of what was needed to make them.
  weights[Symbol.dispose]()
  expect(() => weights.at(0, 0)).toThrow(/disposed/)
  expect(bfv.memory.used).toBeGreaterThan(used)
})

test('a ciphertext at another level than the weights is refused: its residues would be wrong', () => {
  const ct = encryptSymmetric(bfv, secret, bfv.encode([5]))
  const low = bfv.encodeWeights([[[3]]], { level: 0 })
  expect(() => multiplySum(bfv, [ct], low)).toThrow('"inputs[0]" is at level 1, the weights are for level 0')
  const [sum] = multiplySum(bfv, [bfv.switchModulus(ct, 0)], low)
  expect(bfv.decode(decrypt(bfv, secret, sum!))[0]).toBe(15)
})

test('weights that are none are refused', () => {
  expect(() => bfv.encodeWeights([])).toThrow('"rows" expected at least one')
  expect(() => bfv.encodeWeights([[[1]], [[1], [2]]])).toThrow('"rows[1]" expected 1 polynomials')
  expect(() => bfv.encodeWeights([[[193]]])).toThrow('"rows[0][0][0]" expected an integer from -96 to 192')
  expect(() => bfv.encodeWeights([[[1]]], { of: 'bits' as 'slots' })).toThrow(
    "\"of\" expected 'slots' or 'coefficients'",
  )
})
