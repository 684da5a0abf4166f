import { GloveboxError, plaintextModulus } from '@glovebox/he'
import { describe, expect, it } from 'vitest'
import type { SetParamsLiteral } from './params.ts'
import { batchSet, friendlySet, matrixSet } from './presets.ts'
import { createSetParams, falsePositiveLog2 } from './set-params.ts'

const friendly = friendlySet()
const matrix = matrixSet(1_000_000)
const batch = batchSet()
const powersOf = (change: object): SetParamsLiteral => ({ ...friendly, powers: { ...friendly.powers!, ...change } })

describe('createSetParams', () => {
  it('derives the friendly set of the issue', () => {
    expect(createSetParams(friendly)).toMatchObject({
      n: 2048,
      t: 65537,
      feltBits: 16,
      itemBits: 80,
      bins: 409,
      binsPerGroup: 409,
      groups: 1,
      pairs: 1,
      itemsPerBin: 20,
      coefficients: 21,
      capacityPerBundle: 8180,
      products: [],
      relinearise: false,
      rotations: [],
      queryCiphertexts: 20,
      repliesPerBundle: 1,
      innerLevel: 0,
      buckets: 1,
    })
  })

  it('derives the matrix set', () => {
    expect(createSetParams({ ...matrix, labelBytes: 32, prefixBits: 3 })).toMatchObject({
      t: 4300801,
      feltBits: 22,
      itemBits: 88,
      labelPolynomials: 3,
      polynomials: 4,
      bins: 2048,
      groups: 1,
      pairs: 2,
      itemsPerBin: 511,
      coefficients: 512,
      capacityPerBundle: 1_046_528,
      rotations: [1, 32],
      relinearise: false,
      queryCiphertexts: 2,
      repliesPerBundle: 8,
      innerLevel: 1,
      buckets: 8,
    })
  })

  it('derives the batch set, with its products', () => {
    const params = createSetParams(batch)
    expect(params).toMatchObject({ groups: 1, relinearise: true, queryCiphertexts: 6, coefficients: 224 })
    expect(params.products).toHaveLength(26 + 8 - 6)
    expect(Math.max(...params.products.map(({ depth }) => depth))).toBe(2)
  })

  it('counts groups of a table that takes several ciphertexts', () => {
    const params = createSetParams({ ...batch, powers: { ...batch.powers!, tableSize: 1639 } })
    expect(params).toMatchObject({ groups: 2, queryCiphertexts: 12, repliesPerBundle: 2 })
  })

  it('gives the same digest to the same literal, and another to any other', () => {
    const changed: SetParamsLiteral[] = [
      { ...friendly, feltsPerItem: 6 },
      { ...friendly, labelBytes: 1 },
      { ...friendly, prefixBits: 1 },
      { ...friendly, he: { ...friendly.he, modulusBits: [47] } },
      powersOf({ tableSize: 408 }),
      powersOf({ hashFunctions: 1 }),
      powersOf({ maxItemsPerBin: 21, queryPowers: [...friendly.powers!.queryPowers, 21] }),
      matrix,
      { ...matrix, matrix: { degree: 512, babySteps: 16 } },
      batch,
      { ...batch, powers: { ...batch.powers!, queryPowers: [1, 5, 8, 27, 81, 135] } },
    ].map((literal) =>
      'powers' in literal && literal.feltsPerItem === 6
        ? { ...literal, powers: { ...literal.powers!, tableSize: 341 } }
        : literal,
    )
    const digests = [friendly, ...changed].map((literal) => createSetParams(literal).digest)
    expect(new Set(digests).size).toBe(digests.length)
    expect(createSetParams(JSON.parse(JSON.stringify(friendly))).digest).toBe(digests[0])
    expect(createSetParams(createSetParams(friendly).literal).digest).toBe(digests[0])
  })

  it('is frozen', () => {
    const params = createSetParams(batch)
    for (const value of [
      params,
      params.literal,
      params.powers!,
      params.powers!.queryPowers,
      params.products,
      ...params.products,
    ])
      expect(Object.isFrozen(value)).toBe(true)
  })

  const without = { ...friendly, powers: undefined } as unknown as SetParamsLiteral
  it.each<[string, SetParamsLiteral, string]>([
    ['no object', null as unknown as SetParamsLiteral, '"literal" expected an object, got null'],
    [
      'another method',
      { ...friendly, method: 'sums' as 'powers' },
      `"method" expected 'powers' or 'matrix', got "sums"`,
    ],
    ['no powers', without, '"powers" expected an object, got undefined'],
    ['both methods', { ...friendly, matrix: matrix.matrix! }, `"matrix" expected nothing with the method 'powers'`],
    ['another scheme', { ...friendly, he: { ...friendly.he, scheme: 'bgv' } }, `"he.scheme" expected 'bfv', got "bgv"`],
    [
      'no slots',
      { ...friendly, he: { ...friendly.he, plaintextModulus: 65539 } },
      '"he.plaintextModulus" expected a prime below 2^26 that is 1 modulo 4096, got 65539',
    ],
    [
      'a composite',
      { ...friendly, he: { ...friendly.he, plaintextModulus: 4097 * 4097 } },
      '"he.plaintextModulus" expected a prime below 2^26 that is 1 modulo 4096, got 16785409',
    ],
    [
      'a t above 2^26',
      { ...friendly, he: { ...friendly.he, plaintextModulus: plaintextModulus(27, 2048) } },
      '"he.plaintextModulus" expected a prime below 2^26',
    ],
    [
      'too long items',
      { ...friendly, feltsPerItem: 9 },
      '"feltsPerItem" expected at most 8 of 16 bits, 128 in all, got 9',
    ],
    ['no felts', { ...friendly, feltsPerItem: 0 }, '"feltsPerItem" expected an integer from 1 to 16, got 0'],
    ['labels', { ...friendly, labelBytes: 1025 }, '"labelBytes" expected an integer from 0 to 1024, got 1025'],
    ['prefixes', { ...friendly, prefixBits: 17 }, '"prefixBits" expected an integer from 0 to 16, got 17'],
    ['too many bins', powersOf({ tableSize: 410 }), '"powers.tableSize" expected an integer from 1 to 409, got 410'],
    [
      'too many locations',
      powersOf({ hashFunctions: 9 }),
      '"powers.hashFunctions" expected an integer from 0 to 8, got 9',
    ],
    ['no items', powersOf({ maxItemsPerBin: 0 }), '"powers.maxItemsPerBin" expected an integer from 1 to 16383, got 0'],
    [
      'more items than products are planned for',
      powersOf({ maxItemsPerBin: 16384 }),
      '"powers.maxItemsPerBin" expected an integer from 1 to 16383, got 16384',
    ],
    [
      'a table that a query cannot count',
      powersOf({ hashFunctions: 3, tableSize: 409 * 3277 }),
      '"powers.tableSize" expected bins of which a query takes at most 65535 ciphertexts, got 1340293 in 65540',
    ],
    [
      'no 1',
      powersOf({ queryPowers: [2, 3] }),
      '"powers.queryPowers" expected an ascending array that begins with 1, got [2,3]',
    ],
    [
      'unordered',
      powersOf({ queryPowers: [1, 3, 2] }),
      '"powers.queryPowers" expected ascending powers, got 2 behind 3',
    ],
    [
      'too large powers',
      powersOf({ queryPowers: [1, 21] }),
      '"powers.queryPowers[1]" expected an integer from 1 to 20, got 21',
    ],
    [
      'products without keys',
      powersOf({ queryPowers: [1, 2] }),
      '"he.specialBits" expected a special prime, as powers are multiplied, got none',
    ],
    [
      'a degree',
      { ...matrix, matrix: { degree: 500, babySteps: 4 } },
      '"matrix.degree" expected a power of two from 2 to 2048, got 500',
    ],
    [
      'baby steps',
      { ...matrix, matrix: { degree: 8, babySteps: 16 } },
      '"matrix.babySteps" expected a power of two from 1 to 8, got 16',
    ],
    [
      'rotations without keys',
      { ...matrix, he: { ...matrix.he, specialBits: [] } },
      'as ciphertexts are rotated, got none',
    ],
  ])('refuses %s', (_, literal, message) => {
    expect(() => createSetParams(literal)).toThrow(message)
  })

  it('refuses what is not secure', () => {
    expect(() => createSetParams({ ...matrix, he: { ...matrix.he, specialBits: [39] } })).toThrow(
      expect.objectContaining({ code: 'insecure-parameters' }),
    )
  })

  it('refuses what has too much noise, and says by how much', () => {
    const little = { ...friendly, he: { ...friendly.he, modulusBits: [44] } }
    expect(() => createSetParams(little)).toThrow(GloveboxError)
    expect(() => createSetParams(little)).toThrow(
      /"he" expected primes that leave 0.5 bits of noise or more.* got 0\.2 bits/,
    )
    const deep = { ...batch, he: { ...batch.he, modulusBits: [40, 40, 40], specialBits: [40] } }
    expect(() => createSetParams(deep)).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  it('refuses items that match by chance', () => {
    expect(() => createSetParams({ ...friendly, feltsPerItem: 4 })).toThrow(
      /"feltsPerItem" .*got 4 of 16 bits, which gives 2\^-38/,
    )
    // Looked up in one bin, four are enough.
    expect(createSetParams({ ...powersOf({ hashFunctions: 1, tableSize: 512 }), feltsPerItem: 4 }).binsPerGroup).toBe(
      512,
    )
  })
})

describe('falsePositiveLog2', () => {
  it('is items times rows times the chance of all elements', () => {
    const params = createSetParams(friendly)
    expect(falsePositiveLog2(params, { bundles: 16 })).toBeCloseTo(Math.log2(16 * 409 * (20 / 65536) ** 5), 9)
    expect(falsePositiveLog2(params, { bundles: 1, receiverItems: 8, itemsPerRow: 10 })).toBeCloseTo(
      Math.log2(8 * 409 * (10 / 65536) ** 5),
      9,
    )
    const hashed = createSetParams(batch)
    expect(falsePositiveLog2(hashed, { bundles: 9, receiverItems: 1024 })).toBeCloseTo(
      Math.log2(9 * 1024 * (223 / 2 ** 19) ** 5),
      9,
    )
  })
})

describe('presets', () => {
  it('hold their sizes with a chance of 2^-40 at most', () => {
    for (const items of [1, 1_046_528, 16e6, 33_488_896]) {
      const params = createSetParams(matrixSet(items))
      const bundles = Math.ceil(items / params.capacityPerBundle)
      expect(falsePositiveLog2(params, { bundles })).toBeLessThan(-40)
    }
    expect(() => matrixSet(33_488_897)).toThrow('"senderItems" expected 1 to 33488896')
    expect(falsePositiveLog2(createSetParams(friendly), { bundles: Math.ceil(200_000 / 8180) })).toBeLessThan(-40)
    expect(falsePositiveLog2(createSetParams(batch), { bundles: 10, receiverItems: 1100 })).toBeLessThan(-40)
  })
})
