import { fromHex, GloveboxError, toHex } from '@glovebox/he'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hardenerOf, hardenNode } from './harden-node.ts'
import {
  checkHardening,
  createHardening,
  defaultHardeningLimits,
  type Hardening,
  harden,
  type ScryptHardening,
} from './hardening.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const code = (value: unknown, limits?: { work: number; memory: number }): string => {
  try {
    checkHardening(value, limits)
  } catch (error) {
    return error instanceof GloveboxError ? error.code : (error as Error).name
  }
  return 'none'
}

// RFC 7914, section 12, heads of 32 bytes: PBKDF2 makes its output block by block, and the first is of 32. Salts are shorter than a set's may be.
describe.each([
  ['JavaScript', harden],
  ['Node', hardenNode],
])('scrypt in %s', (_, run) => {
  test.each([
    ['', '', 16, 1, 1, '77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442'],
    ['password', 'NaCl', 1024, 8, 16, 'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162'],
    [
      'pleaseletmein',
      'SodiumChloride',
      16384,
      8,
      1,
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2',
    ],
  ])('%j %j N=%i r=%i p=%i', (password, salt, N, r, p, expected) => {
    const hardening = { algorithm: 'scrypt', N, r, p, salt: toHex(utf8(salt)) } as const
    expect(toHex(run(hardening, utf8(password)))).toBe(expected)
  })
})

test('both give the same', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      (bytes, salt, log, r, p) => {
        const hardening = createHardening({ N: 2 ** log, r, p, salt })
        expect(hardenerOf(hardening)(bytes)).toEqual(harden(hardening, bytes))
      },
    ),
    { numRuns: 20 },
  )
})

test('none is none', () => {
  const bytes = utf8('a')
  expect(harden({ algorithm: 'none' }, bytes)).toEqual(bytes)
  expect(hardenNode({ algorithm: 'none' }, bytes)).toEqual(bytes)
})

describe('a new hardening', () => {
  test('is its JSON, checked, with a salt of its own', () => {
    const made = createHardening()
    expect(made).toEqual({ algorithm: 'scrypt', N: 64, r: 8, p: 1, salt: expect.stringMatching(/^[0-9a-f]{32}$/) })
    expect(checkHardening(JSON.parse(JSON.stringify(made)))).toEqual(made)
    expect(createHardening().salt).not.toBe(made.salt)
    expect(createHardening({ salt: fromHex('ab'.repeat(20)) }).salt).toBe('ab'.repeat(20))
  })

  test('salts and costs separate', () => {
    const salt = new Uint8Array(16)
    const all = [
      createHardening({ N: 4, salt }),
      createHardening({ N: 8, salt }),
      createHardening({ N: 4, r: 4, salt }),
      createHardening({ N: 4, p: 2, salt }),
      createHardening({ N: 4, salt: salt.map(() => 1) }),
    ].map((hardening) => toHex(harden(hardening, utf8('item'))))
    expect(new Set(all).size).toBe(all.length)
  })

  test('with large blocks has the memory that it takes', () => {
    const hardening = checkHardening(
      { algorithm: 'scrypt', N: 2, r: 2 ** 14, p: 1, salt: '00'.repeat(16) },
      { work: 2 ** 30, memory: 2 ** 30 },
    )
    expect(toHex(harden(hardening, utf8('item')))).toBe(toHex(hardenNode(hardening, utf8('item'))))
  })

  test.each([{ N: 127 }, { N: 1 }, { r: 0 }, { p: 0.5 }, { salt: new Uint8Array(15) }, { N: 32768 }])(
    'refuses %j',
    (options) => expect(() => createHardening(options)).toThrow(RangeError),
  )
})

describe('what a server asks for', () => {
  const fine: ScryptHardening = { algorithm: 'scrypt', N: 16384, r: 8, p: 1, salt: 'ab'.repeat(16) }

  test('is taken up to the limits, without fields that there are not', () => {
    const taken: Hardening = checkHardening({ ...fine, iterations: 5 })
    expect(taken).toEqual(fine)
    expect(Object.isFrozen(taken)).toBe(true)
    expect(checkHardening({ algorithm: 'none', N: 5 })).toEqual({ algorithm: 'none' })
    expect(defaultHardeningLimits.work).toBe(fine.N * fine.r * fine.p)
  })

  test.each([
    { N: 32768 },
    { p: 2 },
    { r: 16 },
    { N: 2, r: 1, p: 2 ** 20 },
    { N: 2 ** 31, r: 8, p: 1 },
    { N: 2, r: 2 ** 29 },
    // Most of the time is PBKDF2's.
    { N: 2, r: 1, p: 2 ** 16 },
    { N: 2, r: 256, p: 256 },
    { N: 2, r: 2 ** 16, p: 1 },
    { N: 2 ** 17, r: 2, p: 1 },
  ])('is refused above: %j', (more) => expect(code({ ...fine, ...more })).toBe('unsupported'))

  test('time and memory have a limit each', () => {
    const limits = { work: 2 ** 17, memory: 2 ** 24 }
    expect(code(fine, limits)).toBe('none')
    expect(code(fine, { ...limits, memory: 2 ** 23 })).toBe('unsupported')
    expect(code(fine, { ...limits, work: 2 ** 16 })).toBe('unsupported')
    expect(code({ ...fine, N: 65536 }, { work: 2 ** 20, memory: 2 ** 30 })).toBe('none')
  })

  test.each([
    undefined,
    null,
    5,
    'scrypt',
    [],
    {},
    { ...fine, N: 3 },
    { ...fine, N: 0 },
    { ...fine, N: -2 },
    { ...fine, N: '16' },
    { ...fine, N: Number.NaN },
    { ...fine, N: Number.POSITIVE_INFINITY },
    { ...fine, N: 65536, r: 1 },
    { ...fine, r: 1.5 },
    { ...fine, p: 2 ** 30 },
    { ...fine, p: undefined },
    { ...fine, salt: '' },
    { ...fine, salt: 'AB'.repeat(16) },
    { ...fine, salt: 'ab'.repeat(15) },
    { ...fine, salt: 'ab'.repeat(65) },
    { ...fine, salt: 'a'.repeat(33) },
    { ...fine, salt: ['ab'.repeat(16)] },
  ])('is refused where it is none: %j', (value) => expect(code(value)).toBe('malformed'))

  test('an algorithm that is not known is no malformed one', () =>
    expect(code({ algorithm: 'argon2id' })).toBe('unsupported'))
})
