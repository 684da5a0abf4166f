import { describe, expect, test } from 'vitest'
import { automatic, furthest, unevenLiteral } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import { encodeLinear } from './linear.ts'
import { encodeMatrix } from './matrix.ts'
import { planLinear, planRotations } from './plan.ts'
import { multiplyMatrix, transformSlots } from './transform.ts'

const draw = new Draw('transforms on the ladder')
const literal = unevenLiteral(256, 3)
const scale = 2 ** 40
const rows = 20
const columns = 30
const size = 128

describe('linear maps of the evaluator', () => {
  const rotations = [0, 1, 5, 64]
  const plan = planLinear(rotations, size)
  const all = [...planRotations(plan), ...Array.from({ length: size - 1 }, (_, i) => i + 1)]
  const { evaluator, slots, encrypt, decrypt } = automatic({ literal, scale, level: 0, galois: all })
  const { ckks, ladder, ring } = evaluator
  const diagonals = new Map(rotations.map((r) => [r, draw.reals(slots)]))
  const x = draw.reals(slots)

  test.each([1, 2, 3])('a transform of level %i, of ciphertexts from there up', (level) => {
    using transform = encodeLinear(ckks, diagonals, plan, { level, scale: ladder.at(level) })
    using ct = encrypt(x)
    transformSlots(evaluator, ct, transform)[Symbol.dispose]()
    const before = ring.heap.used
    using out = transformSlots(evaluator, ct, transform)
    expect(ring.heap.used - before).toBe(out.slab.bytes)
    expect(out.level).toBe(level - 1)
    expect(ladder.holds(out)).toBe(true)
    const expected = x.map((_, j) => rotations.reduce((sum, r) => sum + diagonals.get(r)![j]! * x[(j + r) % slots]!, 0))
    expect(furthest(decrypt(out), expected)).toBeLessThan(2 ** -24)
  })

  test.each([1, 3])('a matrix of level %i', (level) => {
    const weights = Array.from({ length: rows }, () => draw.reals(columns))
    using matrix = encodeMatrix(ckks, weights, { level, scale: ladder.at(level) })
    const vector = draw.reals(columns)
    const laid = Float64Array.from({ length: slots }, (_, j) => vector[matrix.layout.column(j)] ?? 0)
    using ct = encrypt(laid)
    multiplyMatrix(evaluator, [ct], matrix)[0]![Symbol.dispose]()
    const before = ring.heap.used
    const [out] = multiplyMatrix(evaluator, [ct], matrix)
    expect(ring.heap.used - before).toBe(out!.slab.bytes)
    expect(out!.level).toBe(level - 1)
    expect(ladder.holds(out!)).toBe(true)
    const got = decrypt(out!)
    weights.forEach((row, r) => {
      const expected = row.reduce((sum, w, c) => sum + w * vector[c]!, 0)
      expect(Math.abs(got[r]! - expected)).toBeLessThan(2 ** -22)
    })
    out![Symbol.dispose]()
  })

  test('mistakes', () => {
    using ct = encrypt(x)
    using low = evaluator.bring(ct, 1)
    using right = encodeLinear(ckks, diagonals, plan, { level: 2, scale: ladder.at(2) })
    using wrong = encodeLinear(ckks, diagonals, plan, { level: 2, scale })
    using bottom = encodeLinear(ckks, diagonals, plan, { level: 0, scale: 2 ** 5 })
    const { used } = ring.heap
    expect(() => transformSlots(evaluator, low, right)).toThrow('cannot be raised to level 2')
    expect(() => transformSlots(evaluator, ct, wrong)).toThrow(
      '"transform" was encoded at level 2 with a scale of 2^40: give encode… the scale evaluator.ladder.at(2)',
    )
    expect(() => transformSlots(evaluator, ct, bottom)).toThrow('"transform" was encoded for level 0')
    expect(() => transformSlots(ckks as never, ct, right)).toThrow('"evaluator" expected what createEvaluator makes')
    expect(() => transformSlots(evaluator, undefined as never, right)).toThrow('"ct" expected a plaintext, ciphertext')
    expect(() => multiplyMatrix(evaluator, [ct], undefined as never)).toThrow(
      '"matrix" expected a plaintext, ciphertext',
    )
    const keyless = { ...evaluator, keys: { relinearisation: undefined, galois: new Map() } }
    expect(() => transformSlots(keyless, ct, right)).toThrow('there is no Galois key')
    expect(ring.heap.used).toBe(used)
  })
})
