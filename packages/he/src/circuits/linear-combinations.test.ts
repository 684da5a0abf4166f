import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { decrypt } from '../secret.ts'
import { Draw } from '../test-support/random.ts'
import { addPoly, centredPoly, type Poly, productOf, scalePoly } from '../test-support/reference-ring.ts'
import { readSecret, referenceDecrypt } from '../test-support/reference-rlwe.ts'
import { linearCombinations } from './linear-combinations.ts'

const draw = new Draw('linear combinations')

describe.each([
  ['wasm-fused', 1, 64],
  ['wasm', 1, 32],
  ['reference', 1, 16],
  ['wasm-fused', 2, 64],
] as const)('on %s, threads: %d, N = %d', (backend, threads, ringDegree) => {
  const literal = {
    scheme: 'ckks',
    ringDegree,
    modulusBits: [50, 20, 50, 36],
    specialBits: [],
    security: 'INSECURE',
  } as const
  const ckks = openCkks(literal, { backend, threads })
  beforeAll(async () => expect(await ckks.threadsStarted()).toBe(threads))
  const { primes, maxLevel } = ckks.params
  const secret = createSecretKey(ckks)
  const s = readSecret(secret)
  const fresh = (level: number = maxLevel) =>
    encryptSymmetric(ckks, secret, ckks.encodeCoefficients(draw.reals(ringDegree, 2 ** 10), { scale: 2 ** 10, level }))
  const inputs = Array.from({ length: 9 }, (_, k) => fresh(k === 4 ? 2 : maxLevel))
  const squares = inputs.map((ct) => ckks.square(ct))
  const phases = new Map([...inputs, ...squares].map((ct) => [ct, referenceDecrypt(ct, s)]))

  /** Σ_k round(scale w_k) ct_k on bigint. */
  function expected(cts: typeof inputs, row: readonly number[], scale: number, level: number): Poly {
    const zero: Poly = new Array<bigint>(ringDegree).fill(0n)
    const sum = cts.reduce(
      (sum, ct, k) => addPoly(sum, scalePoly(phases.get(ct)!, BigInt(Math.round(row[k]! * scale)))),
      zero,
    )
    return centredPoly(sum, productOf(primes.slice(0, level + 1)))
  }
  const sparse = (row: readonly number[]) => {
    const indices = row
      .map((_, k) => k)
      .filter((k) => row[k] !== 0)
      .reverse()
    return { indices, values: indices.map((k) => row[k]!) }
  }

  test.each([
    ['ones', 1, 1],
    ['a few bits', 2 ** 7, 1],
    ['all of one digit', 2 ** 22, 1],
    ['two digits', 2 ** 23, 1],
    ['three digits', 2 ** 52, 2 ** 3],
  ])('are the sums of multiples, exactly: weights of %s', (_what, scale, magnitude) => {
    const rows = Array.from({ length: 6 }, (_, j) =>
      Array.from(draw.reals(9, magnitude), (w, k) =>
        j === 5 || (j > 2 && (k + j) % 3 > 0) ? 0 : k === j ? magnitude : w,
      ),
    )
    for (const cts of [inputs, squares]) {
      for (const level of scale > 2 ** 23 ? [undefined] : [undefined, 1, 0]) {
        const sums = linearCombinations(
          ckks,
          cts,
          rows.map((row, j) => (j % 2 ? sparse(row) : row)),
          { scale, ...(level !== undefined && { level }) },
        )
        sums.forEach((sum, j) => {
          expect(sum).toMatchObject({
            level: level ?? 2,
            parts: cts[0]!.parts,
            scale: cts[0]!.scale * scale,
            seed: undefined,
          })
          expect(referenceDecrypt(sum, s)).toEqual(expected(cts, rows[j]!, scale, level ?? 2))
          sum[Symbol.dispose]()
        })
      }
    }
  })

  test('any rows', () => {
    const weight = fc.oneof(
      fc.constant(0),
      fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      fc.constantFrom(1, -1, 2 ** 22, 2 ** 22 + 1),
    )
    const rows = fc.array(fc.array(weight, { minLength: 9, maxLength: 9 }), { minLength: 1, maxLength: 9 })
    const { used } = ckks.memory
    fc.assert(
      fc.property(rows, (matrix) => {
        const sums = linearCombinations(ckks, inputs, matrix.map(sparse), { scale: 1 })
        sums.forEach((sum, j) => {
          expect(referenceDecrypt(sum, s)).toEqual(expected(inputs, matrix[j]!, 1, 2))
          sum[Symbol.dispose]()
        })
      }),
      { numRuns: backend === 'wasm-fused' ? 12 : 5 },
    )
    expect(ckks.memory.used).toBe(used)
  })
})

describe('a layer on slots', () => {
  const ckks = openCkks({
    scheme: 'ckks',
    ringDegree: 1024,
    modulusBits: [50, 40, 40],
    specialBits: [50],
    security: 'INSECURE',
  })
  const secret = createSecretKey(ckks)
  const keys = { relinearisation: createRelinearisationKey(ckks, secret), galois: new Map() }
  const scale = 2 ** 40
  const inputs = Array.from({ length: 20 }, () => draw.reals(512))
  const cts = inputs.map((x) => encryptSymmetric(ckks, secret, ckks.encode(x, { scale })))
  const rows = Array.from({ length: 5 }, () => draw.reals(20))

  test('is the product with the matrix; of squares, relinearised once a sum', () => {
    const squares = ckks.together(cts.map((ct) => () => ckks.square(ct)))
    const sums = linearCombinations(ckks, squares, rows, { scale: 2 ** 20 })
    expect(sums[0]!.parts).toBe(3)
    const results = ckks.together(sums.map((sum) => () => ckks.rescale(ckks.relinearise(sum, keys))))
    results.forEach((result, j) => {
      const decoded = ckks.decode(decrypt(ckks, secret, result))
      for (let i = 0; i < 512; i++) {
        const exact = inputs.reduce((sum, x, k) => sum + rows[j]![k]! * x[i]! ** 2, 0)
        if (Math.abs(decoded[i]! - exact) > 2 ** -14) expect.fail(`row ${j}, slot ${i}: ${decoded[i]}, not ${exact}`)
      }
    })
  })

  test('the errors are as large as stated, and no larger', () => {
    // Fresh errors of 3.24 a coefficient, and weights rounded by 1/sqrt(12).
    const sums = linearCombinations(ckks, cts, rows, { scale: 2 ** 12 })
    const plain = inputs.map((x) => ckks.decodeCoefficients(ckks.encode(x, { scale })))
    sums.forEach((sum, j) => {
      const decoded = ckks.decodeCoefficients(decrypt(ckks, secret, { ...sum, scale: 1 }))
      const integers = Array.from(rows[j]!, (w) => Math.round(w * 2 ** 12))
      const fresh = Math.sqrt(integers.reduce((total, w) => total + (3.24 * w) ** 2, 0))
      let [own, whole, allowed] = [0, 0, 0]
      for (let i = 0; i < 1024; i++) {
        // Doubles hold 53 of the 60 bits.
        own += (decoded[i]! - plain.reduce((total, m, k) => total + integers[k]! * m[i]! * scale, 0)) ** 2 / 1024
        const error = decoded[i]! - plain.reduce((total, m, k) => total + rows[j]![k]! * 2 ** 12 * m[i]! * scale, 0)
        whole += error ** 2
        allowed += plain.reduce((total, m) => total + (m[i]! * scale) ** 2 / 12, 0)
      }
      expect(Math.sqrt(own) / fresh).toBeGreaterThan(0.85)
      expect(Math.sqrt(own) / fresh).toBeLessThan(1.15)
      expect(Math.sqrt(whole / allowed)).toBeLessThan(2.5)
    })
  })
})

test('a signal stops them between groups of tasks, and the memory comes back', () => {
  const ckks = openCkks({
    scheme: 'ckks',
    ringDegree: 1024,
    modulusBits: [40, 40, 40],
    specialBits: [],
    security: 'INSECURE',
  })
  const secret = createSecretKey(ckks)
  const ct = encryptSymmetric(ckks, secret, ckks.encode([1], { scale: 2 ** 20 }))
  const inputs = new Array<typeof ct>(64).fill(ct)
  const run = () => linearCombinations(ckks, inputs, new Array(8).fill(new Float64Array(64).fill(1)), { scale: 1 })
  let asked = 0
  for (const sum of ckks.interruptible({ throwIfAborted: () => void asked++ }, run)) sum[Symbol.dispose]()
  // Six limbs of four segments, four at a time.
  expect(asked).toBeGreaterThanOrEqual(6)
  const { used } = ckks.memory
  const stop = (): void => {
    if (--asked < 2) throw new Error('enough')
  }
  expect(() => ckks.interruptible({ throwIfAborted: stop }, run)).toThrow('enough')
  expect(ckks.memory.used).toBe(used)
})

describe('what is refused', () => {
  const ckks = openCkks({
    scheme: 'ckks',
    ringDegree: 64,
    modulusBits: [30, 30],
    specialBits: [],
    security: 'INSECURE',
  })
  const secret = createSecretKey(ckks)
  const ct = encryptSymmetric(ckks, secret, ckks.encode([1], { scale: 2 ** 20 }))
  const run =
    (
      cts: readonly (typeof ct)[],
      rows: Parameters<typeof linearCombinations>[2],
      options = { scale: 2 } as { scale: number; level?: number },
    ) =>
    () =>
      linearCombinations(ckks, cts, rows, options)

  test('names the argument, and takes no memory', () => {
    const { used } = ckks.memory
    expect(run([], [[1]])).toThrow('"inputs" expected at least one ciphertext, got none')
    expect(run([ct], [])).toThrow('"rows" expected at least one, got none')
    expect(run([ct], [[1, 2]])).toThrow('"rows[0]" expected 1 weights, one for each input, got 2')
    expect(run([ct], [[1], [Number.NaN]])).toThrow('"rows[1][0]" expected a finite number')
    expect(run([ct], [[2 ** 60]])).toThrow('"rows[0][0]" at scale 2^1.0 does not fit the modulus of the level')
    expect(run([ct, ct], [{ indices: [1, 1], values: [1, 1] }])).toThrow(
      '"rows[0].indices[1]" expected an index from 0 to 1 that was not there before, got 1',
    )
    expect(run([ct], [{ indices: [1], values: [1] }])).toThrow('"rows[0].indices[0]" expected an index from 0 to 0')
    expect(run([ct], [{ indices: [0], values: [] }])).toThrow(
      '"rows[0]" expected as many indices as values, got 1 and 0',
    )
    expect(run([ct], [[1]], { scale: 0.5 })).toThrow('"scale" expected a finite number from 1, got 0.5')
    expect(run([ct], [[1]], { scale: 2 ** 40 })).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    expect(run([ckks.dropLevel(ct, 0)], [[1]], { scale: 1, level: 1 })).toThrow(
      '"level" expected at most 0, the lowest of the inputs, got 1',
    )
    using square = ckks.square(ct)
    expect(run([ct, { ...square, scale: ct.scale }], [[1, 1]])).toThrow(
      '"inputs[1]" expected 2 parts as the first one has, got 3',
    )
    expect(run([ct, square], [[1, 1]])).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    square[Symbol.dispose]()
    expect(ckks.memory.used - used).toBeLessThanOrEqual(ckks.ring.limbBytes * 2 + 64)
  })
})
