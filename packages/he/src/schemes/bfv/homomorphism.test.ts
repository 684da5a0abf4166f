import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { Draw } from '../../test-support/random.ts'
import { openBgv } from '../bgv/bgv.ts'
import { noiseBudget } from '../integer/noise-budget.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'
import { openBfv } from './bfv.ts'

// Random circuits of BFV and BGV, on ciphertexts and on plain integers modulo t at once, until the noise budget ends: before, all results are exact.

type Step =
  | { readonly op: 'add' | 'subtract' | 'multiply'; readonly a: number; readonly b: number }
  | { readonly op: 'addPlain' | 'subtractPlain' | 'multiplyPlain'; readonly a: number; readonly label: number }
  | { readonly op: 'addConstant' | 'multiplyConstant'; readonly a: number; readonly value: number }
  | { readonly op: 'negate' | 'square' | 'columns' | 'switch' | 'fresh'; readonly a: number }
  | { readonly op: 'rows'; readonly a: number; readonly steps: number }

const operand = fc.nat({ max: 100 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constantFrom('add' as const, 'subtract' as const, 'multiply' as const), a: operand, b: operand }),
  fc.record({
    op: fc.constantFrom('addPlain' as const, 'subtractPlain' as const, 'multiplyPlain' as const),
    a: operand,
    label: fc.nat({ max: 999 }),
  }),
  fc.record({
    op: fc.constantFrom('addConstant' as const, 'multiplyConstant' as const),
    a: operand,
    value: fc.nat({ max: 96 }),
  }),
  fc.record({
    op: fc.constantFrom('negate' as const, 'square' as const, 'columns' as const, 'switch' as const, 'fresh' as const),
    a: operand,
  }),
  fc.record({ op: fc.constant('rows' as const), a: operand, steps: fc.constantFrom(1, -3, 5) }),
  fc.record({ op: fc.constant('multiply' as const), a: operand, b: operand }),
)

interface Tracked {
  readonly ct: Ciphertext
  readonly values: readonly bigint[]
}

const insecure = { scheme: 'bfv', security: 'INSECURE' } as const
describe.each([
  {
    backend: 'wasm-fused',
    literal: {
      ...insecure,
      ringDegree: 64,
      modulusBits: [50, 50, 50, 50],
      specialBits: [50, 50],
      plaintextModulus: plaintextModulus(17, 64),
    },
  },
  {
    backend: 'wasm',
    literal: {
      ...insecure,
      ringDegree: 256,
      modulusBits: [50, 30, 31, 33, 40, 41],
      specialBits: [50],
      plaintextModulus: plaintextModulus(32, 256),
    },
  },
  {
    backend: 'reference',
    literal: { ...insecure, ringDegree: 16, modulusBits: [30, 30, 30], specialBits: [45], plaintextModulus: 97 },
  },
  {
    backend: 'wasm-fused',
    literal: {
      ...insecure,
      scheme: 'bgv',
      ringDegree: 64,
      modulusBits: [50, 45, 45, 45, 45, 45],
      specialBits: [50],
      plaintextModulus: plaintextModulus(17, 64),
    },
  },
] as const)('random circuits on $backend, $literal', ({ backend, literal }) => {
  const bfv = (literal.scheme === 'bgv' ? openBgv : openBfv)(literal, { backend })
  const secret = createSecretKey(bfv)
  const keys = {
    relinearisation: createRelinearisationKey(bfv, secret),
    galois: createGaloisKeys(bfv, secret, [{ steps: 1 }, { steps: -3 }, { steps: 5 }, { steps: 'conjugate' }]),
  }
  const n = literal.ringDegree
  const half = n / 2
  const t = BigInt(literal.plaintextModulus)
  const reduce = (x: bigint): bigint => ((x % t) + t) % t
  const valuesOf = (label: number): bigint[] => {
    const draw = new Draw(`circuit ${label}`)
    return Array.from({ length: n }, () => BigInt(draw.integer(0, Number(t) - 1)))
  }
  const budget = (ct: Ciphertext): number => noiseBudget(bfv, secret, ct)

  /** One of the last three, so that circuits grow deep. */
  const recent = (state: readonly Tracked[], which: number): Tracked =>
    state.at(-1 - (which % Math.min(3, state.length)))!

  function apply(state: readonly Tracked[], s: Step): Tracked {
    const { ct, values } = recent(state, s.a)
    const map = (f: (x: bigint, i: number) => bigint): bigint[] => values.map((x, i) => reduce(f(x, i)))
    const two = (c: Ciphertext): Ciphertext => {
      if (c.parts === 2) return c
      using wide = c
      return bfv.relinearise(wide, keys)
    }
    switch (s.op) {
      case 'add':
      case 'subtract':
      case 'multiply': {
        const other = recent(state, s.b)
        const y = other.values
        if (s.op === 'add') return { ct: bfv.add(ct, other.ct), values: map((x, i) => x + y[i]!) }
        if (s.op === 'subtract') return { ct: bfv.subtract(ct, other.ct), values: map((x, i) => x - y[i]!) }
        return { ct: two(bfv.multiply(ct, other.ct)), values: map((x, i) => x * y[i]!) }
      }
      case 'addPlain':
      case 'subtractPlain':
      case 'multiplyPlain': {
        const y = valuesOf(s.label)
        using plaintext = bfv.encode(y, { level: s.label % (bfv.params.maxLevel + 1) })
        const op = { addPlain: 1n, subtractPlain: -1n, multiplyPlain: 0n }[s.op]
        return { ct: bfv[s.op](ct, plaintext), values: map((x, i) => (op === 0n ? x * y[i]! : x + op * y[i]!)) }
      }
      case 'addConstant':
        return { ct: bfv.addConstant(ct, s.value), values: map((x) => x + BigInt(s.value)) }
      case 'multiplyConstant':
        return { ct: bfv.multiplyConstant(ct, s.value), values: map((x) => x * BigInt(s.value)) }
      case 'negate':
        return { ct: bfv.negate(ct), values: map((x) => -x) }
      case 'square':
        return { ct: two(bfv.square(ct)), values: map((x) => x * x) }
      case 'columns':
        return { ct: bfv.rotateColumns(ct, keys), values: map((_, i) => values[(i + half) % n]!) }
      case 'rows':
        return {
          ct: bfv.rotateRows(ct, s.steps, keys),
          values: map((_, i) => values[i - (i % half) + (((((i % half) + s.steps) % half) + half) % half)]!),
        }
      case 'switch':
        return { ct: bfv.switchModulus(ct, Math.max(0, ct.level - 1)), values }
      case 'fresh': {
        const fresh = valuesOf(s.a)
        using plaintext = bfv.encode(fresh)
        return { ct: encryptSymmetric(bfv, secret, plaintext), values: fresh }
      }
    }
  }

  let exact = 0
  let ended = 0
  test('are exact until the budget ends', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
        const state = [0, 1].map((a) => apply([{ ct: undefined as never, values: [] }], { op: 'fresh', a }))
        for (const s of steps) {
          const next = apply(state, s)
          state.push(next)
          if (budget(next.ct) === 0) {
            // What cannot be decrypted any more is no operand either.
            state.pop()
            next.ct[Symbol.dispose]()
            ended++
            continue
          }
          exact++
          using plaintext = decrypt(bfv, secret, next.ct)
          const got = bfv.decode(plaintext)
          const wrong = next.values.findIndex((x, i) => Number(x) !== got[i])
          if (wrong >= 0) expect.fail(`${s.op}: [${wrong}] is ${got[wrong]}, expected ${next.values[wrong]}`)
        }
        for (const { ct } of state) ct[Symbol.dispose]()
      }),
      { numRuns: backend === 'reference' ? 15 : 60, seed: 20240917 },
    )
    // The circuits went as far as the parameters do.
    expect(exact).toBeGreaterThan(100)
    expect(ended).toBeGreaterThan(0)
  })
})
