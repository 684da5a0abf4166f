import { readFileSync } from 'node:fs'
import {
  type Bfv,
  ByteReader,
  ByteWriter,
  type Ciphertext,
  type EvaluationKeys,
  openBfv,
  readReply,
  writeReply,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  encryptSymmetric,
  noiseBudget,
} from '@glovebox/he/secret'
import { describe, expect, it } from 'vitest'
import { readApsiParams } from './apsi.ts'
import { batchSet, friendlySet, matrixSet } from './presets.ts'
import { createSetParams, type SetParams } from './set-params.ts'

// The estimate against the budgets of the circuit itself, at random values.

const apsi = JSON.parse(readFileSync(new URL('../../../../vectors/psi/apsi-parameters.json', import.meta.url), 'utf8'))
const fromApsi = (name: string): SetParams => createSetParams(readApsiParams(JSON.stringify(apsi[name])).literal)

const subjects: readonly (readonly [string, () => SetParams])[] = [
  ['the friendly set', () => createSetParams(friendlySet())],
  ['the matrix set', () => createSetParams(matrixSet(1_000_000))],
  ['the matrix set for more', () => createSetParams(matrixSet(16_000_000))],
  [
    // The noise of key switching is most of it.
    'the matrix set with a small special prime',
    () => createSetParams({ ...matrixSet(1_000_000), he: { ...matrixSet(1_000_000).he, specialBits: [34] } }),
  ],
  ['the batch set', () => createSetParams(batchSet())],
  ['1M-1', () => fromApsi('1M-1')],
  ['1M-1024-cmp', () => fromApsi('1M-1024-cmp')],
  ['1M-4096-com', () => fromApsi('1M-4096-com')],
  ['1M-11041', () => fromApsi('1M-11041')],
]

/** Integers below t of a generator with a fixed seed: there is nothing secret in them. */
function random(t: number, count: number, seed: number): Float64Array {
  let state = seed >>> 0
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * t)
  })
}

/** The result at the level of the inner products, and all powers at the top. */
function run(bfv: Bfv, params: SetParams, query: Ciphertext, keys: EvaluationKeys): [Ciphertext[], Ciphertext] {
  const { n, t, innerLevel } = params
  const dot = (terms: readonly Ciphertext[], seed: number): Ciphertext => {
    const factors = terms.map((_, i) => bfv.encode(random(t, n, 1000 * seed + i)))
    const sum = bfv.dotPlain(terms, factors)
    for (const factor of factors) factor[Symbol.dispose]()
    return sum
  }
  if (params.matrix) {
    const { degree, babySteps } = params.matrix
    const babies = [query]
    while (babies.length < babySteps) babies.push(bfv.rotateRows(babies.at(-1)!, 1, keys))
    let total = dot(babies, 1)
    for (let g = 1; g < degree / babySteps; g++)
      total = bfv.add(bfv.rotateRows(total, babySteps, keys), dot(babies, g + 1))
    return [babies, total]
  }
  const { queryPowers, psLowDegree, maxItemsPerBin } = params.powers!
  const powers = new Map<number, Ciphertext>(queryPowers.map((power) => [power, query]))
  // One ciphertext stands for all that are uploaded: the errors are then as dependent as they can be.
  for (const { power, left, right } of params.products) {
    using product = bfv.multiply(powers.get(left)!, powers.get(right)!)
    powers.set(power, bfv.relinearise(product, keys))
  }
  const all = [...powers.values()]
  const low = psLowDegree > 0 ? psLowDegree : maxItemsPerBin
  const at = (power: number): Ciphertext => bfv.switchModulus(powers.get(power)!, innerLevel)
  // Uploaded powers have errors of their own.
  const lows = Array.from({ length: low }, (_, i) => at(i + 1))
  let total = dot(lows, 1)
  let wide: Ciphertext | undefined
  for (let high = low + 1; high <= maxItemsPerBin; high += low + 1) {
    const product = bfv.multiply(dot(lows, high), at(high))
    wide = wide ? bfv.add(wide, product) : product
  }
  if (wide) total = bfv.add(total, bfv.relinearise(wide, keys))
  return [all, total]
}

describe.each(subjects)('%s', (_, make) => {
  it('has the noise that is estimated, and replies that can be decrypted', () => {
    const params = make()
    const { noise, n, t, replyBits } = params
    const bfv = openBfv(params.he)
    const secret = createSecretKey(bfv)
    const keys: EvaluationKeys = {
      relinearisation: params.relinearise ? createRelinearisationKey(bfv, secret) : undefined,
      galois: createGaloisKeys(
        bfv,
        secret,
        params.rotations.map((steps) => ({ steps })),
      ),
    }
    const query = encryptSymmetric(bfv, secret, bfv.encode(random(t, n, 1)))
    const [powers, result] = run(bfv, params, query, keys)
    const worst = params.matrix
      ? noiseBudget(bfv, secret, query)
      : Math.min(...powers.map((ct) => noiseBudget(bfv, secret, ct)))
    const reply = bfv.switchModulus(result, 0)
    const measured = {
      powers: worst,
      result: noiseBudget(bfv, secret, result),
      reply: noiseBudget(bfv, secret, reply),
    }
    const writer = new ByteWriter()
    writeReply(writer, reply, { bits: replyBits, stride: 1 })
    const trimmed = noiseBudget(bfv, secret, readReply(new ByteReader(writer.done()), bfv.ring))
    // noiseBudget takes bits as whole numbers: up to one less than -log2(2 |v|), and the largest of N varies by some tenths.
    for (const [got, expected] of [
      [measured.powers, noise.powersBudget],
      [measured.result, noise.resultBudget],
      [measured.reply, noise.replyBudget],
    ] as const) {
      expect(got).toBeGreaterThan(expected - 1.5)
      expect(got).toBeLessThan(expected + 1.5)
    }
    expect(trimmed).toBeGreaterThan(0)
    bfv[Symbol.dispose]()
  })
})
