import { describe, expect, test } from 'vitest'
import { decrypt } from '../rlwe/decrypt.ts'
import { createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { noiseBudget } from '../schemes/integer/noise-budget.ts'
import { Draw } from '../test-support/random.ts'
import { bfvBudgets } from './bfv-noise.ts'
import type { BfvPreset, BfvPresetOptions } from './bfv-preset.ts'
import { createParams } from './params.ts'
import { presetDegrees } from './preset-options.ts'
import { planPreset, preset } from './presets.ts'

function attempt(options: BfvPresetOptions): BfvPreset | string {
  try {
    return planPreset(options)
  } catch (error) {
    expect(error).toMatchObject({ code: 'unsupported' })
    return (error as Error).message
  }
}

describe('BFV presets', () => {
  test.each(presetDegrees)(
    'N = %i: depth 0 to 20 makes parameters within the limit, or says what would',
    (ringDegree) => {
      let accepted = 0
      for (const plaintextBits of [17, 20, 30]) {
        let fitted = true
        for (const depth of [0, 1, 2, 3, 5, 8, 12, 16, 20]) {
          // Nothing with keys fits 53 bits.
          const found = attempt({ scheme: 'bfv', depth, plaintextBits, ringDegree, keySwitching: ringDegree > 2048 })
          if (typeof found === 'string') {
            fitted = false
            expect(found).toMatch(/(fits|use less depth)/)
            continue
          }
          expect(fitted, 'what fits, fits with less depth').toBe(true)
          accepted++
          const params = createParams(found.literal)
          expect(params).toMatchObject({ ringDegree, scheme: 'bfv' })
          expect(params.logQP).toBeLessThanOrEqual(found.limit)
          expect(params.plaintextModulus! % (2 * ringDegree)).toBe(1)
          expect(Math.ceil(Math.log2(params.plaintextModulus!))).toBe(plaintextBits)
          expect(found.budgets).toHaveLength(depth + 1)
          expect(found.budgets.at(-1)).toBeGreaterThanOrEqual(1)
          for (let i = 0; i < depth; i++)
            expect(found.budgets[i]).toBeGreaterThan(found.budgets[i + 1]! + plaintextBits)
        }
      }
      expect(accepted).toBeGreaterThan(ringDegree > 2048 ? 2 : 0)
    },
  )

  // Every depth from 20 to 40: bfv-preset.slow.test.ts.
  test('budgets are finite however large the modulus', () => {
    for (const plaintextBits of [20, 30]) {
      for (const depth of [20, 26, 33, 40]) {
        const found = attempt({ scheme: 'bfv', depth, plaintextBits })
        if (typeof found === 'string') continue
        expect(found.budgets.every((bits) => bits > 0 && bits < 1800)).toBe(true)
        for (let i = 0; i < depth; i++) expect(found.budgets[i]).toBeGreaterThan(found.budgets[i + 1]! + plaintextBits)
      }
    }
  })

  test.each([
    { scheme: 'bfv', depth: 1, plaintextBits: 17 },
    { scheme: 'bfv', depth: 2, plaintextBits: 20 },
    { scheme: 'bfv', depth: 3, plaintextBits: 17 },
    { scheme: 'bfv', depth: 2, plaintextModulus: 2 ** 20 },
    { scheme: 'bfv', depth: 5, plaintextBits: 30 },
  ] satisfies BfvPresetOptions[])(
    'multiplies to the depth with the budget stated, which is not idle: %j',
    (options) => {
      const found = planPreset(options as BfvPresetOptions)
      const bfv = openBfv(found.literal)
      using secret = createSecretKey(bfv)
      using key = createPublicKey(bfv, secret)
      using relinearisation = createRelinearisationKey(bfv, secret)
      const keys = { relinearisation, galois: new Map() }
      const t = bfv.plaintextModulus
      const draw = new Draw(JSON.stringify(options))
      // Without slots the product of constants is what is as easy to tell.
      const slots = 'plaintextBits' in options
      const values = Array.from({ length: slots ? bfv.params.slots : 1 }, () => draw.integer(0, t - 1))
      const encrypt = (): ReturnType<typeof bfv.encrypt> => {
        using plaintext = slots ? bfv.encode(values) : bfv.encodeCoefficients(values)
        return bfv.encrypt(key, plaintext)
      }
      let x = encrypt()
      let expected = values.map(BigInt)
      for (let depth = 0; ; depth++) {
        const budget = noiseBudget(bfv, secret, x)
        // SEAL's definition rounds down, by up to two bits.
        expect(budget, `after ${depth}`).toBeGreaterThanOrEqual(Math.floor(found.budgets[depth]!) - 2)
        expect(budget, `after ${depth}`).toBeLessThan(found.budgets[depth]! + 11 + 2 * depth)
        if (depth === found.depth) break
        using square = bfv.square(x)
        x[Symbol.dispose]()
        x = bfv.relinearise(square, keys)
        expected = expected.map((v) => (v * v) % BigInt(t))
      }
      using opened = decrypt(bfv, secret, x)
      const decoded = slots ? bfv.decode(opened) : bfv.decodeCoefficients(opened)
      expect([...decoded].slice(0, values.length).map(BigInt)).toEqual(expected)
      x[Symbol.dispose]()
    },
  )

  test('budgets follow the formula', () => {
    const options = { ringDegree: 8192, plaintextModulus: 65537, logQ: 130, keySwitchBits: 5 }
    const budgets = bfvBudgets(options, 2)
    const v = budgets.map((bits) => 2 ** -bits / 2)
    const k = Math.sqrt(3 * 8192 + 2 * 8192 ** 2)
    const rounding = Math.sqrt(3 * 8192 + 2 * 8192 ** 2 + (4 * 8192 ** 3) / 3)
    const added = (65537 / 2 ** 130) * (rounding + 16 * Math.sqrt(8192) * 32)
    for (const i of [0, 1]) expect(v[i + 1]! / (65537 * k * (v[i]! + v[i]!) + 3 * v[i]! ** 2 + added)).toBeCloseTo(1, 9)
    // Nothing is left, and less than nothing is not told.
    expect(bfvBudgets({ ...options, logQ: 60 }, 3).at(-1)).toBe(0)
    expect(bfvBudgets({ ...options, logQ: 131 }, 0)[0]! - budgets[0]!).toBeCloseTo(1, 9)
  })

  test('the ring is the smallest that fits, and offers do fit', () => {
    for (const depth of [1, 4, 9]) {
      const { ringDegree } = preset({ scheme: 'bfv', depth, plaintextBits: 20 })
      for (const smaller of presetDegrees.filter((n) => n < ringDegree))
        expect(typeof attempt({ scheme: 'bfv', depth, plaintextBits: 20, ringDegree: smaller })).toBe('string')
    }
    const options = { scheme: 'bfv', depth: 4, plaintextBits: 30, ringDegree: 8192 } as const
    const message = attempt(options) as string
    expect(message).toMatch(
      /^depth 4 modulo t = \d+ takes a modulus of .*128-classical \(guidelines-2024\) allows 214 at N = 8192: /,
    )
    const [, n] = /N = (\d+) fits/.exec(message.split(': ')[1]!)!
    const [, bits] = /t of (\d+) bits fits/.exec(message)!
    const [, depth] = /depth (\d+) fits/.exec(message)!
    planPreset({ ...options, ringDegree: Number(n) })
    planPreset({ ...options, plaintextBits: Number(bits) })
    planPreset({ ...options, depth: Number(depth) })
  })

  test('refuses mistakes', () => {
    const wrong: readonly (readonly [object, string])[] = [
      [{ plaintextBits: 20 }, '"depth" expected an integer, got undefined'],
      [{ depth: 2 }, 'either "plaintextBits" or "plaintextModulus" expected, got both or neither'],
      [{ depth: 2, plaintextBits: 20, plaintextModulus: 65537 }, 'got both or neither'],
      [{ depth: 2, plaintextBits: 33 }, '"plaintextBits" expected an integer from 2 to 32, got 33'],
      [{ depth: 2, plaintextModulus: 1 }, '"plaintextModulus" expected an integer from 2 to 4294967296, got 1'],
      [{ depth: -1, plaintextBits: 20 }, '"depth" expected an integer from 0 to 40, got -1'],
    ]
    for (const [options, message] of wrong)
      expect(() => preset({ scheme: 'bfv', ...options } as BfvPresetOptions)).toThrow(message)
    expect(attempt({ scheme: 'bfv', depth: 1, plaintextBits: 14, ringDegree: 16384 })).toContain(
      'no plaintext modulus with slots',
    )
  })
})
