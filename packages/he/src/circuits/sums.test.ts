import { describe, expect, test } from 'vitest'
import { automatic, deepLiteral, furthest } from '../test-support/automatic.ts'
import { Draw } from '../test-support/random.ts'
import {
  average,
  blockRotations,
  innerProduct,
  mask,
  replicate,
  replicateRotations,
  replicateSlot,
  replicateSlotRotations,
  sumBlocks,
  sumRotations,
  sumSlots,
} from './sums.ts'

const scale = 2 ** 40
const draw = new Draw('sums')
const close = 2 ** -18

/** A machine that has the keys of these rotations and no others. */
function open(rotations: readonly number[], backend: 'wasm-fused' | 'wasm' = 'wasm-fused') {
  const machine = automatic({ backend, literal: deepLiteral(64, 3), scale, galois: rotations })
  const { slots } = machine
  const x = draw.reals(slots)
  const wrap = (j: number): number => ((j % slots) + slots) % slots
  return { ...machine, x, ct: machine.encrypt(x), at: (j: number): number => x[wrap(j)]! }
}

const counts = [1, 2, 3, 4, 5, 7, 8, 11, 16, 23, 31, 32]

describe('sums and copies', () => {
  test.each(counts)('of %i slots, with the keys of its rotations and no others', (count) => {
    for (const stride of [1, 2, -1, 5, -3]) {
      const { evaluator, at, ct, slots, decrypt } = open(sumRotations(count, stride))
      expect(evaluator.keys.galois.size).toBeLessThanOrEqual(Math.ceil(Math.log2(count)))
      // The first time, the ring makes tables that it keeps.
      sumSlots(evaluator, ct, count, stride)[Symbol.dispose]()
      const before = evaluator.ring.heap.used
      using sum = sumSlots(evaluator, ct, count, stride)
      expect(evaluator.ring.heap.used - before, 'only the result is kept').toBe(sum.slab.bytes)
      expect(sum).toMatchObject({ level: ct.level, scale: ct.scale })
      const expected = Array.from({ length: slots }, (_, j) => {
        let total = 0
        for (let i = 0; i < count; i++) total += at(j + i * stride)
        return total
      })
      expect(furthest(decrypt(sum), expected)).toBeLessThan(close)
    }
  })

  test.each([
    [1, 5],
    [4, 1],
    [3, 4],
    [6, 5],
    [8, 4],
  ])('a block copied %i times at a distance of %i', (count, stride) => {
    const { evaluator, encrypt, decrypt, slots } = open(replicateRotations(count, stride))
    const block = draw.reals(stride)
    using ct = encrypt(block)
    using copies = replicate(evaluator, ct, count, stride)
    const expected = Array.from({ length: slots }, (_, j) => (j < count * stride ? block[j % stride]! : 0))
    expect(furthest(decrypt(copies), expected)).toBeLessThan(close)
  })

  test.each([1, 2, 3, 4, 5, 8, 13, 16, 31, 32])('blocks of %i slots: sums, means, inner products', (size) => {
    const { evaluator, ct, x, slots, decrypt, encrypt } = open(blockRotations(32, size))
    const whole = slots - (slots % size)
    const blockwise = (term: (j: number) => number): number[] =>
      Array.from({ length: slots }, (_, j) => {
        if (j >= whole) return 0
        let total = 0
        for (let i = 0; i < size; i++) total += term(j - (j % size) + i)
        return total
      })
    const y = draw.reals(slots)
    using other = encrypt(y)
    const inner = blockwise((j) => x[j]! * y[j]!)
    const masked = size === slots ? 0 : 1
    for (const [ct2, expected, levels] of [
      [sumBlocks(evaluator, ct, size), blockwise((j) => x[j]!), masked],
      [average(evaluator, ct, size), blockwise((j) => x[j]! / size), 1],
      [innerProduct(evaluator, ct, other, size), inner, 1 + masked],
      [innerProduct(evaluator, ct, y, size), inner, 1 + masked],
    ] as const) {
      expect(furthest(decrypt(ct2), expected)).toBeLessThan(close)
      expect(ct2.level).toBe(ct.level - levels)
      expect(evaluator.ladder.holds(ct2)).toBe(true)
    }
  })

  test('masks, and one slot to all', () => {
    const { evaluator, ct, x, slots, decrypt } = open(replicateSlotRotations(32))
    using masked = mask(evaluator, ct, (j) => j % 3 === 1, -2)
    expect(
      furthest(
        decrypt(masked),
        x.map((v, j) => (j % 3 === 1 ? -2 * v : 0)),
      ),
    ).toBeLessThan(close)
    for (const slot of [0, 7, slots - 1]) {
      using copies = replicateSlot(evaluator, ct, slot)
      expect(furthest(decrypt(copies), new Array(slots).fill(x[slot]))).toBeLessThan(close)
      expect(copies.level).toBe(ct.level - 1)
    }
  })

  test('on the engine without fused arithmetic', () => {
    const { evaluator, ct, x, decrypt, slots } = open(sumRotations(32), 'wasm')
    using sum = sumSlots(evaluator, ct, slots)
    const total = x.reduce((a, b) => a + b, 0)
    expect(furthest(decrypt(sum), new Array(slots).fill(total))).toBeLessThan(close)
  })

  test('take log2 rotations, and as many more as the count has ones', () => {
    expect(sumRotations(32)).toEqual([1, 2, 4, 8, 16])
    expect(sumRotations(33, -2)).toEqual([-2, -4, -8, -16, -32, -64])
    expect(sumRotations(1)).toEqual([])
    expect(blockRotations(32, 32)).toEqual([1, 2, 4, 8, 16])
    expect(blockRotations(32, 3)).toEqual([1, 2, -1, -2])
  })

  test('mistakes', () => {
    const { evaluator, ct } = open([])
    for (const bad of [0, -1, 1.5, 33, Number.NaN]) {
      expect(() => sumSlots(evaluator, ct, bad)).toThrow(`"count" expected an integer from 1 to 32, got ${bad}`)
      expect(() => sumBlocks(evaluator, ct, bad)).toThrow(`"size" expected an integer from 1 to 32, got ${bad}`)
      expect(() => innerProduct(evaluator, ct, ct, bad)).toThrow(`"size" expected an integer from 1 to 32, got ${bad}`)
    }
    expect(() => sumSlots(evaluator, ct, 2, 0)).toThrow('"stride" expected an integer other than 0, got 0')
    expect(() => replicateSlot(evaluator, ct, 32)).toThrow('"slot" expected an integer from 0 to 31, got 32')
    const before = evaluator.ring.heap.used
    expect(() => sumSlots(evaluator, ct, 3)).toThrow('there is no Galois key for a rotation by 1')
    expect(() => sumBlocks(evaluator, ct, 3)).toThrow('there is no Galois key')
    expect(evaluator.ring.heap.used).toBe(before)
  })
})
