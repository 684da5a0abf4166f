import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { encodingBound, keySwitchBound } from '../rlwe/error-bound.ts'
import { createGaloisKeys } from '../rlwe/keygen.ts'
import { Machine, values } from '../test-support/machine.ts'
import { Draw } from '../test-support/random.ts'
import { applyMatrix, encodeMatrix } from './matrix.ts'
import { matrixLayout } from './matrix-layout.ts'

const scale = 2 ** 40
const small = new Machine(
  'wasm-fused',
  { scheme: 'ckks', ringDegree: 64, modulusBits: [50, 40, 40], specialBits: [45, 45], security: 'INSECURE' },
  scale,
)
const large = new Machine(
  'wasm-fused',
  { scheme: 'ckks', ringDegree: 1024, modulusBits: [50, 40], specialBits: [50], security: 'INSECURE' },
  scale,
)
const draw = new Draw('matrices')

type Rows = readonly Float64Array[]

const random = (rows: number, columns: number, density = 1): Rows =>
  Array.from({ length: rows }, () => draw.reals(columns).map((w) => (draw.integer(0, 99) < 100 * density ? w : 0)))

/** Row by row. */
function multiplyPlainly(rows: Rows, x: Float64Array): Float64Array {
  return Float64Array.from(rows, (row) => row.reduce((sum, w, c) => sum + w * x[c]!, 0))
}

interface Outcome {
  readonly error: number
  readonly bound: number
  readonly diagonals: number
}

/** The worst error of a product under encryption, and what the theory allows. */
function run(machine: Machine, rows: Rows, options: { staggered?: boolean; level?: number } = {}): Outcome {
  const { ckks, secret, n } = machine
  const { level = ckks.params.maxLevel, staggered = false } = options
  using matrix = encodeMatrix(ckks, rows, { level, scale, staggered })
  const galois = createGaloisKeys(
    ckks,
    secret,
    matrix.rotations.map((steps) => ({ steps, level })),
  )
  const x = draw.reals(rows[0]!.length)
  const inputs = matrix.layout.arrange(x).map((slots) => machine.encrypt(values(machine.slots, slots)))
  const low = inputs.map(({ ct }) => ckks.dropLevel(ct, level))
  const apply = (): Ciphertext[] => applyMatrix(ckks, low, matrix, { relinearisation: undefined, galois })
  // The first time, the ring makes tables that it keeps.
  for (const ct of apply()) ct[Symbol.dispose]()
  const before = ckks.ring.heap.used
  const outputs = apply()
  expect(ckks.ring.heap.used - before, 'only the results are kept').toBe(
    outputs.reduce((sum, ct) => sum + ct.slab.bytes, 0),
  )
  for (const ct of outputs) expect(ct).toMatchObject({ level, parts: 2, scale: scale * scale })
  const result = outputs.map((ct) => machine.decrypt(ct).re)
  const y = matrix.layout.collect(result)
  const expected = multiplyPlainly(rows, x)
  // An output has the period that an input of its length has, so that products may follow each other.
  result.forEach((slots, o) => {
    slots.forEach((value, s) => {
      const row = o * machine.slots + (s % matrix.layout.outputPeriod)
      expect(Math.abs(value - (expected[row] ?? 0))).toBeLessThan(2 ** -15)
    })
  })
  for (const key of galois.values()) key[Symbol.dispose]()
  const turn = keySwitchBound(ckks.params, level) / scale
  const rounding = encodingBound(n) / scale
  const terms = matrix.layout.inputs * matrix.layout.diagonals
  const each = (inputs[0]!.error + turn) * (1 + rounding) + 1.5 * rounding
  return {
    error: Math.max(...y.map((value, r) => Math.abs(value - expected[r]!))),
    // Folding doubles what there is; the key switches of giants come behind the product, at the square of the scale.
    bound: 2 ** matrix.layout.folds.length * (terms * each + turn),
    diagonals: matrix.terms.flat(2).length,
  }
}

describe('a matrix', () => {
  const size = fc.integer({ min: 1, max: 80 })

  test('times a vector is the product, for any number of rows and columns, also beyond the slots', () => {
    fc.assert(
      fc.property(size, size, fc.boolean(), (rows, columns, staggered) => {
        const { error, bound } = run(small, random(rows, columns), { staggered })
        expect(error).toBeLessThan(bound)
      }),
      { numRuns: 40 },
    )
  })

  test.each([
    [512, 512],
    [100, 700],
    [700, 100],
    [3, 1025],
    [1025, 3],
    [10, 300],
    [300, 10],
  ])('of %i rows and %i columns keeps 22 bits', (rows, columns) => {
    const { error, bound } = run(large, random(rows, columns))
    expect(error).toBeLessThan(bound)
    expect(-Math.log2(error)).toBeGreaterThan(22)
  })

  test('has a diagonal for every row or column, whichever are fewer, and as many fewer as staggered copies fit', () => {
    expect(run(large, random(64, 64)).diagonals).toBe(64)
    expect(run(large, random(64, 64), { staggered: true }).diagonals).toBe(8)
    expect(run(large, random(16, 256)).diagonals).toBe(16)
    expect(run(large, random(256, 16)).diagonals).toBe(16)
    expect(run(large, random(16, 256), { staggered: true }).diagonals).toBe(8)
    expect(run(large, random(256, 16), { staggered: true }).diagonals).toBe(8)
  })

  test('of zeros almost everywhere has as many diagonals as it needs, and one of zeros gives zeros', () => {
    const banded = Array.from({ length: 64 }, (_, r) =>
      Float64Array.from({ length: 64 }, (_, c) => (c === r || c === (r + 5) % 64 ? 1 + r : 0)),
    )
    expect(run(large, banded)).toMatchObject({ diagonals: 2 })
    const { error, bound } = run(small, random(70, 70, 0.02))
    expect(error).toBeLessThan(bound)
    for (const rows of [10, 70]) {
      const nothing = run(
        small,
        Array.from({ length: rows }, () => new Float64Array(40)),
      )
      expect(nothing.diagonals).toBe(0)
      expect(nothing.error).toBeLessThan(nothing.bound)
    }
  })

  test('works at lower levels', () => {
    const { error, bound } = run(small, random(20, 33), { level: 1 })
    expect(error).toBeLessThan(bound)
  })

  test('products follow each other', () => {
    const [first, second] = [random(20, 30), random(9, 20)]
    const { ckks, secret } = small
    using a = encodeMatrix(ckks, first, { level: 2, scale: ckks.ring.moduli[2]!.p })
    using b = encodeMatrix(ckks, second, { level: 1, scale })
    const steps = [...a.rotations, ...b.rotations].map((step) => ({ steps: step }))
    const keys = { relinearisation: undefined, galois: createGaloisKeys(ckks, secret, steps) }
    const x = draw.reals(30)
    const { ct } = small.encrypt(values(small.slots, a.layout.arrange(x)[0]!))
    const [middle] = applyMatrix(ckks, [ct], a, keys)
    const [last] = applyMatrix(ckks, [ckks.rescale(middle!)], b, keys)
    const y = b.layout.collect([small.decrypt(last!).re])
    const expected = multiplyPlainly(second, multiplyPlainly(first, x))
    expect(Math.max(...y.map((value, r) => Math.abs(value - expected[r]!)))).toBeLessThan(2 ** -18)
  })

  test.each(['the matrix', 'one of its weights'])('refuses %s disposed of after a product', (what) => {
    const { ckks, secret } = small
    using matrix = encodeMatrix(ckks, random(20, 20), { level: 1, scale })
    const galois = createGaloisKeys(
      ckks,
      secret,
      matrix.rotations.map((steps) => ({ steps })),
    )
    const keys = { relinearisation: undefined, galois }
    using ct = ckks.dropLevel(small.encrypt(values(small.slots, [1])).ct, 1)
    for (const out of applyMatrix(ckks, [ct], matrix, keys)) out[Symbol.dispose]()
    const weights = matrix.terms.flat(2).map((term) => term.weights)
    const gone = what === 'the matrix' ? matrix : weights[Math.floor(weights.length / 2)]!
    gone[Symbol.dispose]()
    const { used } = ckks.ring.heap
    expect(() => applyMatrix(ckks, [ct], matrix, keys)).toThrow(expect.objectContaining({ code: 'disposed' }))
    expect(ckks.ring.heap.used).toBe(used)
  })

  test('refuses what it cannot be', () => {
    const { ckks } = small
    const encode = (rows: readonly ArrayLike<number>[]) => encodeMatrix(ckks, rows, { level: 1, scale })
    expect(() => encode([])).toThrow(new RangeError('"rows" expected at least one, got 0'))
    expect(() => encode([[]])).toThrow(new RangeError('"columns" expected at least one, got 0'))
    expect(() => encode([[1, 2], [3]])).toThrow(
      new RangeError('"rows[1]" expected 2 entries as the first row has, got 1'),
    )
    expect(() => encode([[1, Number.NaN]])).toThrow(new RangeError('"rows[0][1]" expected a finite number, got NaN'))
    using matrix = encode(random(2, 40))
    const keys = { relinearisation: undefined, galois: new Map() }
    expect(() => applyMatrix(ckks, [], matrix, keys)).toThrow(
      new RangeError('"inputs" expected 2 ciphertexts for 40 columns, got 0'),
    )
    const { ct } = small.encrypt(values(small.slots, [1]))
    expect(() => applyMatrix(ckks, [ct, ct], matrix, keys)).toThrow('the transform was encoded for level 1')
    using low = ckks.dropLevel(ct, 1)
    const used = ckks.ring.heap.used
    expect(() => applyMatrix(ckks, [low, low], matrix, keys)).toThrow('there is no Galois key')
    expect(ckks.ring.heap.used, 'gives back what it took').toBe(used)
    expect(() => matrix.layout.arrange([1])).toThrow('"vector" expected 40 elements')
    expect(() => matrix.layout.collect([])).toThrow('"slots" expected those of 1 ciphertexts')
  })
})

test('a layout repeats vectors with the power of two from their length on', () => {
  const layout = matrixLayout(3, 6, 16)
  expect(layout).toMatchObject({ inputPeriod: 8, outputPeriod: 4, diagonals: 4, folds: [4], inputs: 1, outputs: 1 })
  expect([...layout.arrange([1, 2, 3, 4, 5, 6])[0]!]).toEqual([1, 2, 3, 4, 5, 6, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0])
  const staggered = matrixLayout(4, 4, 16, true)
  expect(staggered).toMatchObject({ copies: 4, diagonals: 1, folds: [4, 8] })
  expect([...staggered.arrange([1, 2, 3, 4])[0]!]).toEqual([1, 2, 3, 4, 2, 3, 4, 1, 3, 4, 1, 2, 4, 1, 2, 3])
  expect(matrixLayout(40, 33, 16)).toMatchObject({ inputs: 3, outputs: 3, diagonals: 16, folds: [] })
})
