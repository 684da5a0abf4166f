import { beforeAll, describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { readReply, writeReply } from '../rlwe/reply.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { decodeCiphertext, encodeCiphertext } from '../rlwe/wire.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { decrypt } from '../secret.ts'
import { Draw } from '../test-support/random.ts'
import { addPoly, centredPoly, multiplyPoly, type Poly, productOf } from '../test-support/reference-ring.ts'
import { readSecret, referenceDecrypt } from '../test-support/reference-rlwe.ts'
import { encodeWeights, multiplySum, type WeightRow } from './weights.ts'

const draw = new Draw('weights')

describe.each([
  ['wasm-fused', 1, 64],
  ['wasm', 1, 64],
  ['reference', 1, 16],
  ['wasm-fused', 2, 64],
] as const)('sums of products on %s, threads: %d, N = %d', (backend, threads, ringDegree) => {
  const literal = {
    scheme: 'ckks',
    ringDegree,
    modulusBits: [50, 20, 36],
    specialBits: [],
    security: 'INSECURE',
  } as const
  const ckks = openCkks(literal, { backend, threads })
  beforeAll(async () => expect(await ckks.threadsStarted()).toBe(threads))
  const secret = createSecretKey(ckks)
  const s = readSecret(secret)
  const inputs = Array.from({ length: 7 }, (_, k) =>
    encryptSymmetric(
      ckks,
      secret,
      ckks.encodeCoefficients(draw.reals(ringDegree), { scale: 2 ** 10, level: k === 3 ? 1 : 2 }),
    ),
  )
  const phases = inputs.map((ct) => referenceDecrypt(ct, s))
  const rows: WeightRow[] = Array.from({ length: 4 }, (_, j) =>
    inputs.map((_, k) => (j === 2 || (j === 1 && k % 2) ? null : draw.reals(k === 0 ? 3 : ringDegree))),
  )

  test.each([0, 1, 2])('are those of the polynomials, exactly, at level %d', (level) => {
    const { used } = ckks.memory
    const weights = encodeWeights(ckks, rows, { scale: 2 ** 12, level })
    expect(weights).toMatchObject({ level, scale: 2 ** 12, outputs: 4, inputs: 7 })
    const sums = multiplySum(ckks, inputs, weights)
    const lowest = Math.min(level, 1)
    const Q = productOf(ckks.params.primes.slice(0, lowest + 1))
    sums.forEach((sum, j) => {
      expect(sum).toMatchObject({ level: lowest, parts: 2, scale: 2 ** 22 })
      const zero: Poly = new Array<bigint>(ringDegree).fill(0n)
      const exact = rows[j]!.reduce<Poly>((total, row, k) => {
        if (row === null) return total
        const w = Array.from({ length: ringDegree }, (_, i) => BigInt(Math.round((row[i] ?? 0) * 2 ** 12)))
        return addPoly(total, multiplyPoly(phases[k]!, w))
      }, zero)
      expect(referenceDecrypt(sum, s)).toEqual(centredPoly(exact, Q))
      sum[Symbol.dispose]()
    })
    weights[Symbol.dispose]()
    expect(ckks.memory.used).toBe(used)
  })

  test('a transparent zero is no result for a writer', () => {
    using weights = encodeWeights(ckks, [[null, null, null, null, null, null, null]], { scale: 2 })
    const [zero] = multiplySum(ckks, inputs, weights)
    expect(referenceDecrypt(zero!, s).every((x) => x === 0n)).toBe(true)
  })
})

describe.each([
  { ringDegree: 2048, prime: 50, scales: [18, 18], bits: 24 },
  { ringDegree: 1024, prime: 26, scales: [12, 7], bits: 20 },
])('inner products in coefficients, N = $ringDegree with one prime of $prime bits and no keys', (set) => {
  const literal = { scheme: 'ckks', ringDegree: set.ringDegree, modulusBits: [set.prime], specialBits: [] } as const
  const ckks = openCkks(literal)
  const server = openCkks(literal)
  const n = set.ringDegree
  const q = ckks.params.primes[0]!
  const secret = createSecretKey(ckks)
  // Three chunks of 300 features; 6 or 3 outputs to a polynomial.
  const [chunk, chunks, outputs] = [300, 3, 11]
  const perReply = Math.floor(n / chunk)
  const [inputScale, weightScale] = set.scales.map((bits) => 2 ** bits) as [number, number]
  const x = Array.from({ length: chunks }, () => draw.reals(chunk))
  const w = Array.from({ length: outputs }, () => Array.from({ length: chunks }, () => draw.reals(chunk)))
  const rows = Array.from({ length: Math.ceil(outputs / perReply) }, (_, r) =>
    x.map((_, k) => {
      const polynomial = new Float64Array(n)
      for (let j = r * perReply; j < Math.min(outputs, (r + 1) * perReply); j++)
        w[j]![k]!.forEach((value, i) => {
          const at = (j - r * perReply) * chunk - i
          polynomial[at < 0 ? at + n : at] = at < 0 ? -value : value
        })
      return polynomial
    }),
  )
  const { bits } = set
  const inputs = x.map((values) => {
    const plain = ckks.encodeCoefficients(values, { scale: inputScale })
    return decodeCiphertext(server, encodeCiphertext(encryptSymmetric(ckks, secret, plain)))
  })
  const weights = encodeWeights(server, rows, { scale: weightScale })
  const exact = w.map((row) =>
    row.reduce((sum, part, k) => sum + part.reduce((a, value, i) => a + value * x[k]![i]!, 0), 0),
  )
  const results = multiplySum(server, inputs, weights).map((sum, r) => {
    const writer = new ByteWriter()
    writeReply(writer, sum, { bits, stride: chunk, count: Math.min(perReply, outputs - r * perReply) })
    const received = readReply(new ByteReader(writer.done(), 'the reply'), ckks.ring)
    return {
      sum: ckks.decodeCoefficients(decrypt(ckks, secret, decodeCiphertext(ckks, encodeCiphertext(sum)))),
      reply: ckks.decodeCoefficients(decrypt(ckks, secret, received)),
    }
  })
  const decoded = (what: 'sum' | 'reply') =>
    exact.map((_, j) => results[Math.floor(j / perReply)]![what][(j % perReply) * chunk]!)
  const squares = (values: readonly ArrayLike<number>[]) =>
    values.reduce((sum, part) => sum + Array.from(part).reduce((a, v) => a + v * v, 0), 0)
  const scale = inputScale * weightScale
  /** Standard deviations, in units of the result. */
  const deviations = exact.map((_, j) => {
    const r = Math.floor(j / perReply)
    const fresh = (3.24 * Math.sqrt(squares(rows[r]!))) / inputScale
    const inputRounding = Math.sqrt(squares(w[j]!) / 12) / inputScale
    const weightRounding = Math.sqrt(squares(x) / 12) / weightScale
    const reply = ((q / 2 ** bits) * Math.sqrt((1 + (2 * n) / 3) / 12)) / scale
    return {
      sum: Math.hypot(fresh, inputRounding, weightRounding),
      reply: Math.hypot(fresh, inputRounding, weightRounding, reply),
    }
  })

  test.each(['sum', 'reply'] as const)('of the %s have the error that the formulas say', (what) => {
    const errors = decoded(what).map((value, j) => (value - exact[j]!) / deviations[j]![what])
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(6)
    // 11 samples: their mean square is within these but once in 10^7.
    const measured = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length)
    expect(measured).toBeGreaterThan(0.15)
    expect(measured).toBeLessThan(2.3)
  })
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
  const encode =
    (rows: readonly WeightRow[], options: { scale: number; level?: number } = { scale: 2 ** 4 }) =>
    () =>
      encodeWeights(ckks, rows, options)

  test('names the argument, and takes no memory', () => {
    using weights = encodeWeights(ckks, [[[1], [2]]], { scale: 2 ** 4 })
    const low = encodeWeights(ckks, [[[1]]], { scale: 2 ** 20, level: 0 })
    using square = ckks.square(ct)
    const { used } = ckks.memory
    expect(encode([])).toThrow('"rows" expected at least one, got none')
    expect(encode([[]])).toThrow('"rows[0]" expected one or more polynomials, got 0')
    expect(encode([[[1]], [[1], [2]]])).toThrow('"rows[1]" expected 1 polynomials as the first row has, got 2')
    expect(encode([[[1], new Array(65).fill(1)]])).toThrow(
      '"rows[0][1]" expected at most 64 values (N coefficients), got 65',
    )
    expect(encode([[[1], [1, Infinity]]])).toThrow('"rows[0][1][1]" expected a finite number')
    expect(encode([[[2 ** 60]]])).toThrow('"rows[0][0]" at scale 2^4.0 do not fit the 60 bits of level 1')
    expect(encode([[[1]]], { scale: 1, level: 2 })).toThrow('"level" expected an integer from 0 to 1, got 2')
    expect(encode([[[1]]], { scale: 2 ** 60 })).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    expect(() => multiplySum(ckks, [ct], weights)).toThrow(
      '"inputs" expected 2 ciphertexts, one for each column, got 1',
    )
    expect(() => multiplySum(ckks, [ct, square], weights)).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    expect(() => multiplySum(ckks, [ct, { ...square, scale: ct.scale }], weights)).toThrow(
      '"inputs[1]" has 3 parts: relinearise it first',
    )
    expect(() => multiplySum(ckks, [ct], low)).toThrow(expect.objectContaining({ code: 'scale-mismatch' }))
    expect(ckks.memory.used).toBe(used)
    low[Symbol.dispose]()
    expect(() => multiplySum(ckks, [ct], { ...low, scale: 1 })).toThrow(expect.objectContaining({ code: 'disposed' }))
  })
})
