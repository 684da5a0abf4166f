import { describe, expect, test } from 'vitest'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { attempt, checkDepths, scalesDown } from '../test-support/preset-suite.ts'
import { Draw } from '../test-support/random.ts'
import type { CkksPreset, CkksPresetOptions } from './ckks-preset.ts'
import { createParams } from './params.ts'
import { presetDegrees } from './preset-options.ts'
import { formatPresets, presets } from './preset-table.ts'
import { planPreset, preset } from './presets.ts'

describe('presets', () => {
  // Scales between these: presets.slow.test.ts.
  test.each(presetDegrees)(
    'N = %i: depth 1 to 20 makes parameters within the limit, or says what would',
    (ringDegree) => checkDepths(ringDegree, [20, 25, 45]),
  )

  test('the ring is the smallest that fits', () => {
    for (const scaleBits of [30, 35, 45]) {
      for (const depth of [1, 3, 6, 11, 17]) {
        const { literal } = planPreset({ depth, scaleBits })
        for (const ringDegree of presetDegrees) {
          const forced = attempt({ depth, scaleBits, ringDegree })
          if (ringDegree < literal.ringDegree) expect(typeof forced).toBe('string')
          // A larger ring is noisier.
          else if (typeof forced === 'string') expect(forced).toContain('leaves less than a bit')
          if (ringDegree === literal.ringDegree) expect((forced as CkksPreset).literal).toEqual(literal)
        }
      }
    }
  })

  test('scales stay much nearer than primes lie apart where there are many', () => {
    const { literal, scaleBits } = planPreset({ depth: 14, scaleBits: 40 })
    const { primes } = createParams(literal)
    for (const bits of scalesDown(primes, scaleBits)) expect(Math.abs(bits - 40)).toBeLessThan(1e-4)
    // Above and below: the scales would run away otherwise.
    expect(new Set(primes.slice(1).map((p) => p > 2 ** 40)).size).toBe(2)
  })

  test('a refusal names the numbers, and what it offers does fit', () => {
    const offers: CkksPresetOptions[] = [
      { depth: 12, scaleBits: 40, ringDegree: 16384 },
      { depth: 3, scaleBits: 30, ringDegree: 4096 },
      { depth: 1, scaleBits: 40, ringDegree: 2048 },
      { depth: 6, precision: 18, ringDegree: 16384, security: '256-classical' },
      { depth: 3, precision: 30, ringDegree: 8192 },
    ]
    for (const options of offers) {
      const message = attempt(options)
      if (typeof message !== 'string') throw new Error(JSON.stringify(options))
      const [, larger] = /N = (\d+) fits/.exec(message) ?? []
      const [, scale] = /a scale of 2\^(\d+) fits/.exec(message) ?? []
      const [, depth] = /depth (\d+) fits/.exec(message) ?? []
      const [, bits] = /a precision of (\d+) bits fits/.exec(message) ?? []
      expect([larger, scale, depth, bits].filter(Boolean).length, message).toBeGreaterThan(0)
      if (larger) planPreset({ ...options, ringDegree: Number(larger) })
      if (scale) planPreset({ ...options, scaleBits: Number(scale) })
      if (depth) planPreset({ ...options, depth: Number(depth) })
      if (bits) planPreset({ ...options, precision: Number(bits) })
    }
    expect(attempt(offers[0]!)).toBe(
      'depth 12 at scale 2^40 takes a chain of 530 bits, 128-classical (guidelines-2024) allows 430 at N = 16384: ' +
        'N = 32768 fits, a scale of 2^29 fits, depth 8 fits',
    )
    expect(attempt({ depth: 2, scaleBits: 40, messageBits: 9 })).toContain('a base prime of 51 bits')
    expect(attempt({ depth: 2, scaleBits: 40, ringDegree: 65536, security: '128-quantum' })).toContain(
      'no table states 128-quantum for N = 65536',
    )
    expect(attempt({ depth: 40, scaleBits: 45 })).toMatch(/takes a chain of \d+ bits.*allows 1747/)
  })

  test('values encrypted with the secret key are more precise', () => {
    const [under, own] = (['public', 'symmetric'] as const).map((encryption) =>
      planPreset({ depth: 3, scaleBits: 40, encryption }),
    )
    expect(own!.literal).toEqual(under!.literal)
    expect(own!.precision.squarings - under!.precision.squarings).toBeGreaterThan(2)
    expect(planPreset({ depth: 3, precision: 15, encryption: 'symmetric' }).scaleBits).toBeLessThan(
      planPreset({ depth: 3, precision: 15 }).scaleBits,
    )
  })

  test('stricter targets take larger rings', () => {
    const ring = (security: '128-classical' | '192-classical' | '256-classical'): number =>
      preset({ depth: 4, scaleBits: 40, security }).ringDegree
    expect([ring('128-classical'), ring('192-classical'), ring('256-classical')]).toEqual([16384, 16384, 32768])
  })

  test('a precision chooses the smallest scale that keeps it', () => {
    for (const precision of [5, 12, 20]) {
      const found = planPreset({ depth: 3, precision })
      expect(found.precision.squarings).toBeGreaterThanOrEqual(precision)
      const { ringDegree } = found.literal
      const less = attempt({ depth: 3, precision, scaleBits: found.scaleBits - 1, ringDegree })
      expect(less, 'one bit less does not').toContain('bits at N')
    }
    expect(attempt({ depth: 2, scaleBits: 30, precision: 15, ringDegree: 8192 })).toMatch(
      /keeps 9\.0 bits at N = 8192, not 15/,
    )
  })

  test.each([
    { depth: 1, scaleBits: 25, ringDegree: 4096 },
    { depth: 4, scaleBits: 30 },
    { depth: 3, precision: 8 },
    { depth: 3, scaleBits: 35 },
    { depth: 2, scaleBits: 40, messageBits: 6 },
    { depth: 5, scaleBits: 36, ringDegree: 16384 },
    { depth: 1, scaleBits: 16, messageBits: 0, encryption: 'symmetric', ringDegree: 2048 },
    { depth: 2, scaleBits: 40, encryption: 'symmetric' },
  ] satisfies CkksPresetOptions[])('keeps what it promises after squaring values of magnitude 1: %j', (options) => {
    const found = planPreset(options)
    const ckks = openCkks(found.literal)
    const draw = new Draw(JSON.stringify(options))
    using secret = createSecretKey(ckks)
    using key = createPublicKey(ckks, secret)
    using relinearisation = createRelinearisationKey(ckks, secret)
    const keys = { relinearisation, galois: new Map() }
    const { slots } = ckks.params
    const angles = draw.reals(slots, Math.PI)
    const re = angles.map(Math.cos)
    const im = angles.map(Math.sin)
    using plaintext = ckks.encode({ re, im }, { scale: 2 ** found.scaleBits })
    let x = 'encryption' in options ? encryptSymmetric(ckks, secret, plaintext) : ckks.encrypt(key, plaintext)
    let power = 1
    for (let level = found.depth; level > 0; level--) {
      using square = ckks.square(x)
      using short = ckks.relinearise(square, keys)
      x[Symbol.dispose]()
      x = ckks.rescale(short)
      power *= 2
    }
    expect(x.level).toBe(0)
    using result = decrypt(ckks, secret, x)
    const decoded = ckks.decodeComplex(result)
    let worst = 0
    angles.forEach((angle, i) => {
      worst = Math.max(
        worst,
        Math.hypot(decoded.re[i]! - Math.cos(power * angle), decoded.im[i]! - Math.sin(power * angle)),
      )
    })
    x[Symbol.dispose]()
    const bits = -Math.log2(worst)
    expect(bits).toBeGreaterThan(found.precision.squarings)
    expect(bits, 'the promise is not idle').toBeLessThan(found.precision.squarings + 6)
  })

  test('messages as large as promised fit level 0', () => {
    const found = planPreset({ depth: 1, scaleBits: 30, messageBits: 6 })
    const ckks = openCkks(found.literal)
    const largest = 2 ** 6
    using plaintext = ckks.encode([largest, -largest], { level: 0, scale: 2 ** found.scaleBits })
    const [high, low] = ckks.decode(plaintext)
    expect(high).toBeCloseTo(largest, 4)
    expect(low).toBeCloseTo(-largest, 4)
  })

  test('refuses mistakes', () => {
    const wrong: readonly (readonly [object, string])[] = [
      [{ scaleBits: 40 }, '"depth" expected an integer, got undefined'],
      [{ depth: 2 }, '"scaleBits" or "precision" expected, got neither'],
      [{ depth: 41, scaleBits: 30 }, '"depth" expected an integer from 0 to 40, got 41'],
      [{ depth: 1.5, scaleBits: 30 }, '"depth" expected an integer from 0 to 40, got 1.5'],
      [{ depth: 2, scaleBits: 48 }, '"scaleBits" expected an integer from 13 to 47, got 48'],
      [{ depth: 2, precision: -1 }, '"precision" expected a number from 0 to 47, got -1'],
      [{ depth: 2, scaleBits: 40, ringDegree: 1024 }, '"ringDegree" expected one of 2048, 4096, '],
      [{ depth: 2, scaleBits: 40, messageBits: -1 }, '"messageBits" expected an integer from 0'],
      [{ depth: 2, scaleBits: 40, hoisted: 2 }, '"hoisted" expected a number from 0 to 1, got 2'],
      [{ depth: 2, scaleBits: 40, encryption: 'none' }, `"encryption" expected 'public' or 'symmetric', got "none"`],
      [{ scheme: 'tfhe', depth: 2, scaleBits: 40 }, '"scheme" expected'],
    ]
    for (const [options, message] of wrong) expect(() => preset(options as CkksPresetOptions)).toThrow(message)
  })
})

describe('the named presets', () => {
  test('are depth 1 to 20, and what preset gives', () => {
    const names = Object.keys(presets)
    expect(names).toHaveLength(100)
    for (const name of names) {
      const [, scheme, depth, , bits] = /^(ckks|bfv)-depth-(\d+)-(scale|t)-(\d+)$/.exec(name)!
      const literal = presets[name]!
      expect(literal.scheme).toBe(scheme)
      if (scheme === 'ckks') expect(literal.modulusBits).toHaveLength(Number(depth) + 1)
      if (Number(depth) % 7 !== 1) continue
      expect(literal).toEqual(
        scheme === 'ckks'
          ? preset({ depth: Number(depth), scaleBits: Number(bits) })
          : preset({ scheme: 'bfv', depth: Number(depth), plaintextBits: Number(bits) }),
      )
    }
    expect(presets['ckks-depth-21-scale-40']).toBeUndefined()
  })

  // What applications store are digests of these: a change here orphans every key and ciphertext made under a name.
  test('keep their digests', () => {
    const digest = (name: string): string => createParams(presets[name]!).digest.slice(0, 16)
    expect(
      [
        'ckks-depth-2-scale-40',
        'ckks-depth-6-scale-40',
        'ckks-depth-14-scale-40',
        'ckks-depth-20-scale-45',
        'bfv-depth-3-t-20',
      ].map(digest),
    ).toMatchInlineSnapshot(`
      [
        "3334222a254da191",
        "a0d5b39703ddda37",
        "3f067ed737831b22",
        "7af87e1cf17de982",
        "bd6189295700331b",
      ]
    `)
  })

  test('print, one line each', () => {
    expect(formatPresets()).toContain('bfv-depth-20-t-20')
    const lines = formatPresets().split('\n')
    // Two tables, each with its head and what its columns mean.
    expect(lines).toHaveLength(82 + 1 + 2 + 1 + 22 + 1 + 1)
    expect(lines.find((line) => line.startsWith('ckks-depth-2-scale-40 '))).toMatchInlineSnapshot(
      `"ckks-depth-2-scale-40   50 + 2×40    8192     1×50   1    180.0    214    0.32     19.0      19.4"`,
    )
  })
})
