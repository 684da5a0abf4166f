import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import { isPrime } from '../base/numbers.ts'
import { createParams, describeMismatch, type ParamsLiteral } from './params.ts'
import { nttPrimes } from './primes.ts'

const setA = { scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] } as const

function failure(literal: unknown): unknown {
  try {
    createParams(literal as ParamsLiteral)
  } catch (error) {
    return error
  }
  throw new Error('was accepted')
}

describe('primes', () => {
  test('are the largest of their size that are 1 modulo 2N', () => {
    for (const [bits, n] of [
      [20, 1024],
      [30, 4096],
      [40, 8192],
      [50, 32768],
      [50, 131072],
      [18, 65536 / 4],
    ] as const) {
      const found: number[] = []
      for (let p = 2 ** bits - 1; found.length < 3 && p > 2 ** (bits - 1); p -= 2) {
        if ((p - 1) % (2 * n) === 0 && isPrime(BigInt(p))) found.push(p)
      }
      expect(nttPrimes(bits, found.length, n)).toEqual(found)
    }
  })

  test('running out of them is an error that counts', () => {
    expect(() => nttPrimes(14, 3, 4096)).toThrow(
      'there are only 0 primes of 14 bits that are 1 modulo 8192, 3 are needed: use larger primes',
    )
  })
})

describe('parameters', () => {
  test('known ones: primes, levels, sizes', () => {
    const params = createParams(setA)
    expect(params).toMatchObject({
      ringDegree: 8192,
      logN: 13,
      slots: 4096,
      primes: [1125899906629633, 1099511480321, 1099510890497],
      special: [1125899906826241],
      digitSize: 1,
      maxLevel: 2,
      literal: { ...setA, digitSize: 1, security: '128-classical' },
    })
    expect(params.logQ).toBeCloseTo(130, 3)
    expect(params.logQP).toBeCloseTo(180, 3)
    expect(params.security.map(({ object, limit }) => [object, limit])).toEqual([
      ['ciphertext and public key', 214],
      ['evaluation key', 214],
    ])
    expect(params.security[1]!.margin).toBeCloseTo(34, 3)
  })

  // Everything on the wire is bound to these: a change here orphans every stored key and ciphertext.
  test.each([
    [setA, 'ba6881fe33267d927b4b155375d5dde8a39544742535695dc51c2909f53e8d3f'],
    [
      { scheme: 'ckks', ringDegree: 4096, modulusBits: [50], specialBits: [] },
      'b563c5cd4b5334e2cdfe9791832abc6d566f479290be8a7d2369e90951c823e0',
    ],
    [
      {
        scheme: 'ckks',
        ringDegree: 16384,
        modulusBits: [50, 40, 40, 40],
        specialBits: [50, 50],
        digitSize: 2,
        security: '192-classical',
      },
      '5056076b7cbe277d7333d4fc2028ae720cb49309c800d1965c766c6fbfc1839e',
    ],
  ] as const)('the digest of %o does not change', (literal, digest) => {
    const params = createParams(literal)
    expect(params.digest).toBe(digest)
    const { ringDegree, primes, special, digitSize } = params
    const identity = ['ckks', ringDegree, primes, special, digitSize, params.literal.security]
    expect(createHash('sha256').update(JSON.stringify(identity)).digest('hex')).toBe(digest)
  })

  test('any literal gives distinct primes of the sizes asked for, 1 modulo 2N, and the same digest again', () => {
    const bits = fc.integer({ min: 20, max: 50 })
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 15 }),
        fc.array(bits, { minLength: 1, maxLength: 8 }),
        fc.array(fc.constant(50), { minLength: 3, maxLength: 4 }),
        fc.integer({ min: 1, max: 3 }),
        (logN, modulusBits, specialBits, digitSize) => {
          const literal = {
            scheme: 'ckks',
            ringDegree: 2 ** logN,
            modulusBits,
            specialBits,
            digitSize,
            security: 'INSECURE',
          } as const
          let params: ReturnType<typeof createParams>
          try {
            params = createParams(literal)
          } catch (error) {
            // Large rings have few small primes.
            expect(error).toMatchObject({ code: 'no-primes' })
            return
          }
          const all = [...params.primes, ...params.special]
          expect(new Set(all).size).toBe(all.length)
          all.forEach((p, i) => {
            expect(isPrime(BigInt(p)) && (p - 1) % 2 ** (logN + 1) === 0).toBe(true)
            expect(Math.ceil(Math.log2(p))).toBe([...modulusBits, ...specialBits][i])
          })
          expect(params.security).toEqual([])
          expect(createParams(JSON.parse(JSON.stringify(params.literal))).digest).toBe(params.digest)
        },
      ),
      { numRuns: 40 },
    )
  })

  test('primes may be named, and are held to their sizes', () => {
    const { primes, special } = createParams(setA)
    const named = createParams({ ...setA, primes: [...primes, ...special] })
    expect(named).toMatchObject({ primes, special, digest: createParams(setA).digest })
    const other = [primes[0]!, primes[2]!, primes[1]!, special[0]!]
    expect(createParams({ ...setA, primes: other }).primes).toEqual(other.slice(0, 3))
    expect(createParams(JSON.parse(JSON.stringify(createParams({ ...setA, primes: other }).literal))).primes).toEqual(
      other.slice(0, 3),
    )
    for (const [wrong, message] of [
      [primes, '"primes" expected as many as "modulusBits" and "specialBits" state, 4, got 3'],
      [[...primes, primes[0]], 'expected distinct primes'],
      [[primes[1], ...primes.slice(1), special[0]], '"primes[0]" expected an integer from 562949953421312'],
      [[primes[0]! - 16384 * 3, ...primes.slice(1), special[0]], 'expected a prime that is 1 modulo 16384'],
      ['none', 'got string'],
    ] as const) {
      expect(failure({ ...setA, primes: wrong })).toMatchObject({ message: expect.stringContaining(message) })
    }
  })

  test('BFV has a plaintext modulus and N slots, CKKS has neither', () => {
    const bfv = { ...setA, scheme: 'bfv', plaintextModulus: 65537 } as const
    expect(createParams(bfv)).toMatchObject({ scheme: 'bfv', plaintextModulus: 65537, slots: 8192 })
    expect(createParams(bfv).digest).not.toBe(createParams({ ...bfv, plaintextModulus: 65539 }).digest)
    expect(createParams(setA)).toMatchObject({ scheme: 'ckks', plaintextModulus: undefined, slots: 4096 })
    const small = { ...bfv, ringDegree: 1024, modulusBits: [26], specialBits: [] } as const
    const [prime] = createParams(small).primes
    for (const [literal, message] of [
      [
        { ...bfv, plaintextModulus: undefined },
        '"plaintextModulus" expected an integer from 2 to 4294967296, got undefined',
      ],
      [{ ...bfv, plaintextModulus: 1 }, 'got 1'],
      [{ ...bfv, plaintextModulus: 2.5 }, 'got 2.5'],
      [{ ...bfv, plaintextModulus: 2 ** 32 + 1 }, 'got 4294967297'],
      [{ ...setA, plaintextModulus: 3 }, '"plaintextModulus" expected none, as CKKS has none, got 3'],
      [{ ...small, plaintextModulus: 3 * prime! }, `a multiple of ${prime}`],
      [{ ...bfv, scheme: 'tfhe' }, `"scheme" expected 'ckks', 'bfv' or 'bgv', got "tfhe"`],
    ] as const) {
      expect(failure(literal)).toMatchObject({ message: expect.stringContaining(message) })
    }
  })

  test('the digest tells apart what must not be mixed, and nothing else', () => {
    const digest = (change: Partial<ParamsLiteral>): string => createParams({ ...setA, ...change }).digest
    const same = [digest({}), digest({ digitSize: 1 }), digest({ security: '128-classical' })]
    expect(new Set(same).size).toBe(1)
    const others = [
      digest({ ringDegree: 16384 }),
      digest({ modulusBits: [50, 40] }),
      digest({ modulusBits: [40, 50, 40] }),
      digest({ specialBits: [49], modulusBits: [49, 40, 40] }),
      digest({ specialBits: [50, 34], digitSize: 1 }),
      digest({ specialBits: [50, 34], digitSize: 2, modulusBits: [44, 40, 40] }),
      digest({ specialBits: [50, 34], digitSize: 1, modulusBits: [44, 40, 40] }),
      digest({ specialBits: [] }),
      digest({ security: 'INSECURE' }),
      digest({ security: '128-quantum' }),
    ]
    expect(new Set([...same, ...others]).size).toBe(1 + others.length)
  })

  test('a mismatch names the first field that differs', () => {
    const a = createParams(setA)
    expect(describeMismatch(a, createParams({ ...setA, ringDegree: 16384 }))).toBe(
      '"ringDegree" is 16384, expected 8192',
    )
    expect(describeMismatch(a, createParams({ ...setA, modulusBits: [50, 40] }))).toMatch(
      /^"primes" is \[\d+,\d+\], expected \[\d+,\d+,\d+\]$/,
    )
    expect(describeMismatch(a, createParams({ ...setA, specialBits: [] }))).toMatch(
      /^"special" is \[\], expected \[\d+\]$|^"primes"/,
    )
    const wide = { ...setA, modulusBits: [40, 36, 36], specialBits: [50, 50] }
    expect(describeMismatch(createParams({ ...wide, digitSize: 2 }), createParams({ ...wide, digitSize: 1 }))).toBe(
      '"digitSize" is 1, expected 2',
    )
    expect(describeMismatch(a, createParams({ ...setA, security: 'INSECURE' }))).toBe(
      '"security" is "INSECURE", expected "128-classical"',
    )
  })

  test('are frozen to the bottom', () => {
    const params = createParams(setA)
    for (const part of [
      params,
      params.literal,
      params.literal.modulusBits,
      params.literal.specialBits,
      params.primes,
      params.special,
      params.security,
    ]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })

  test('changing the literal afterwards changes nothing', () => {
    const modulusBits = [50, 40, 40]
    const params = createParams({ ...setA, modulusBits })
    modulusBits.push(40)
    expect(params.literal.modulusBits).toEqual([50, 40, 40])
  })
})

describe('the security of parameters', () => {
  /** A chain of exactly the limit (in whole bits), then one bit more. */
  const limits = [
    [1024, [26], [27]],
    [2048, [27, 26], [27, 27]],
    [4096, [36, 36, 34], [36, 36, 35]],
    [8192, [43, 43, 43, 43, 42], [43, 43, 43, 43, 43]],
    [16384, [43, 43, 43, 43, 43, 43, 43, 43, 43, 43], [44, 43, 43, 43, 43, 43, 43, 43, 43, 43]],
  ] as const

  test.each(limits)('N = %i: %j is at the limit, %j one bit above', (ringDegree, at, above) => {
    const params = createParams({ scheme: 'ckks', ringDegree, modulusBits: at, specialBits: [] })
    expect(params.security[0]!.margin).toBeGreaterThanOrEqual(0)
    expect(params.security[0]!.margin).toBeLessThan(0.1)
    const error = failure({ scheme: 'ckks', ringDegree, modulusBits: above, specialBits: [] })
    expect(error).toMatchObject({ code: 'insecure-parameters' })
    expect((error as Error).message).toMatch(
      new RegExp(`^ciphertext and public key has a modulus of .* at ring degree ${ringDegree}; .* bits too large`),
    )
    // With special primes the ciphertexts are within the limit, the keys are not.
    const [first, ...rest] = at
    const split = {
      scheme: 'ckks',
      ringDegree,
      modulusBits: rest.length > 0 ? rest : [first - 12],
      specialBits: [first],
      digitSize: 1,
    }
    const key = failure({ ...split, specialBits: [...split.specialBits, 30, 30] })
    expect((key as Error).message).toMatch(/^evaluation key has a modulus of/)
    createParams({ ...split, specialBits: [...split.specialBits, 30, 30], security: 'INSECURE' } as ParamsLiteral)
  })

  test('stricter targets have lower limits', () => {
    const error = failure({ ...setA, security: '192-classical' })
    expect((error as Error).message).toBe(
      'evaluation key has a modulus of 180.0 bits at ring degree 8192; 192-classical (guidelines-2024) allows 147, so it is 33.0 bits too large: ' +
        'use fewer or smaller primes, or a larger ring degree',
    )
    createParams({ ...setA, ringDegree: 16384, security: '192-classical' })
    createParams({ ...setA, ringDegree: 16384, security: '256-quantum' })
    expect(failure({ ...setA, ringDegree: 512 })).toMatchObject({ code: 'insecure-parameters' })
    expect(failure({ ...setA, security: '80-classical' })).toMatchObject({ code: 'insecure-parameters' })
  })
})

describe('mistakes in a literal', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ['another scheme', { scheme: 'tfhe' }, `"scheme" expected 'ckks', 'bfv' or 'bgv', got "tfhe"`],
    ['no power of two', { ringDegree: 8191 }, '"ringDegree" expected a power of two, got 8191'],
    ['too small', { ringDegree: 8 }, '"ringDegree" expected an integer from 16 to 131072, got 8'],
    ['too large', { ringDegree: 2 ** 18 }, '"ringDegree" expected an integer from 16 to 131072, got 262144'],
    ['not a number', { ringDegree: '8192' }, '"ringDegree" expected an integer from 16 to 131072, got 8192'],
    ['no chain', { modulusBits: [] }, '"modulusBits" expected an array of 1 to 64 sizes in bits, got []'],
    ['no array', { modulusBits: 50 }, '"modulusBits" expected an array of 1 to 64 sizes in bits, got 50'],
    ['primes too large', { modulusBits: [50, 51] }, '"modulusBits[1]" expected an integer from 15 to 50, got 51'],
    ['primes too small', { modulusBits: [50, 14] }, '"modulusBits[1]" expected an integer from 15 to 50, got 14'],
    ['half a bit', { specialBits: [49.5] }, '"specialBits[0]" expected an integer from 15 to 50, got 49.5'],
    ['NaN', { modulusBits: [Number.NaN] }, '"modulusBits[0]" expected an integer from 15 to 50, got NaN'],
    [
      'no special primes given',
      { specialBits: undefined },
      '"specialBits" expected an array of 0 to 64 sizes in bits, got undefined',
    ],
    ['digits of nothing', { digitSize: 0 }, '"digitSize" expected an integer from 1 to 64, got 0'],
    [
      'digits wider than the special primes',
      { digitSize: 2 },
      '"specialBits" expected at least the 90 bits of the widest digit, got 50: key switching would drown the message in noise',
    ],
  ]
  test.each(cases)('%s', (_what, change, message) => {
    const error = failure({ ...setA, ...change })
    expect((error as Error).message).toBe(message)
    expect(error instanceof RangeError || error instanceof GloveboxError || error instanceof TypeError).toBe(true)
  })
})
