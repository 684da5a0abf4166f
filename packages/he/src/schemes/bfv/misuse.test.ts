import { describe, expect, test } from 'vitest'
import type { ParamsLiteral } from '../../params/params.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { encodeCiphertext } from '../../rlwe/wire.ts'
import { openCkks } from '../ckks/ckks.ts'
import { noiseBudget } from '../integer/noise-budget.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'
import { replyBits } from '../integer/reply-bits.ts'
import { openBfv } from './bfv.ts'
import { bfvDefault } from './defaults.ts'

// What people do wrong, and that the error names the cause.

const literal = {
  scheme: 'bfv',
  ringDegree: 64,
  modulusBits: [40, 40],
  specialBits: [40],
  plaintextModulus: 257,
  security: 'INSECURE',
} as const satisfies ParamsLiteral

const bfv = openBfv(literal)
const secret = createSecretKey(bfv)
const plain = bfv.encode([1, 2, 3])
const ct = encryptSymmetric(bfv, secret, plain)
const keys = {
  relinearisation: createRelinearisationKey(bfv, secret),
  galois: createGaloisKeys(bfv, secret, [{ steps: 1 }]),
}
const none = { relinearisation: undefined, galois: new Map() }
const bad = (value: unknown): never => value as never

type Expected = string | typeof TypeError | typeof RangeError

function expectError(kind: Expected, message: string, act: () => unknown): void {
  let thrown: unknown
  try {
    act()
  } catch (error) {
    thrown = error
  }
  if (typeof kind === 'string') expect(thrown).toMatchObject({ name: 'GloveboxError', code: kind })
  else expect(thrown).toBeInstanceOf(kind)
  expect((thrown as Error).message).toContain(message)
}

describe('parameters', () => {
  test('of another scheme', () => {
    const { plaintextModulus: _, ...rest } = literal
    expectError(RangeError, `"params.scheme" expected 'bfv', got 'ckks'`, () => openBfv({ ...rest, scheme: 'ckks' }))
    expectError(RangeError, `"params.scheme" expected 'ckks', got 'bfv'`, () => openCkks(literal))
    expectError(TypeError, '"params" expected parameters or a literal of them, got undefined', () =>
      openBfv(bad(undefined)),
    )
  })

  test('without a plaintext modulus', () => {
    expectError(RangeError, '"plaintextModulus" expected an integer from 2 to 4294967296, got undefined', () =>
      openBfv({ ...literal, plaintextModulus: bad(undefined) }),
    )
  })

  test('that SEAL allows and the recent table does not, unless the old one is asked for', () => {
    const { security, ...chain } = bfvDefault(8192)
    expect(security).toBe('128-classical-2018')
    const t = plaintextModulus(20, 8192)
    expectError('insecure-parameters', '128-classical (guidelines-2024) allows 214', () =>
      openBfv({ scheme: 'bfv', ...chain, plaintextModulus: t }),
    )
    const { params } = openBfv({ scheme: 'bfv', ...bfvDefault(8192), plaintextModulus: t })
    expect(params.security).toMatchObject([
      { target: '128-classical-2018', standard: 'hes-2018', limit: 218 },
      { target: '128-classical-2018', standard: 'hes-2018', limit: 218 },
    ])
  })

  test('defaults for degrees and sizes that there are none of', () => {
    expectError(RangeError, '"ringDegree" expected one of 1024, 2048, 4096, 8192, 16384, 32768, got 65536', () =>
      bfvDefault(65536),
    )
    expectError(RangeError, '"bits" expected an integer from 2 to 32, got 33', () => plaintextModulus(33, 8192))
    for (const degree of [0, -8192, 8, 1000, 2 ** 18, 0.5, Number.NaN])
      expectError(RangeError, `"ringDegree" expected a power of two from 16 to 131072, got ${degree}`, () =>
        plaintextModulus(20, degree),
      )
    expectError('no-primes', 'there are only 0 primes of 13 bits that are 1 modulo 16384', () =>
      plaintextModulus(13, 8192),
    )
    expectError(RangeError, '"params.plaintextModulus" expected a number, got none', () =>
      replyBits({ ringDegree: 1024, plaintextModulus: undefined }),
    )
    const message = 'modulo t = 4294967296 at ring degree 32768 needs 44 bits, and 40 is the most'
    expectError('unsupported', message, () => replyBits({ ringDegree: 32768, plaintextModulus: 2 ** 32 }))
    expect(replyBits({ ringDegree: 32768, plaintextModulus: 2 ** 28 })).toBe(40)
  })
})

describe('messages', () => {
  test('a plaintext modulus without slots', () => {
    for (const t of [2, 17, 256, 1000, 3 * 257]) {
      const other = openBfv({ ...literal, plaintextModulus: t })
      const message = `"plaintextModulus" is ${t}, which has no slots: batching needs a prime that is 1 modulo 128`
      expectError('unsupported', message, () => other.encode([1]))
      const coefficients = other.encodeCoefficients([1, 0, 1])
      expectError('unsupported', message, () => other.decode(coefficients))
      expect(Array.from(other.decodeCoefficients(coefficients).subarray(0, 4))).toEqual([1, 0, 1, 0])
    }
  })

  test('values out of range, without telling them', () => {
    expectError(
      RangeError,
      '"values[1]" expected an integer from -128 to 256 (modulo t = 257), got one out of this range',
      () => bfv.encode([0, 257]),
    )
    expectError(RangeError, '"values[0]" expected an integer from -128 to 256', () => bfv.encode([-129]))
    expectError(RangeError, '"values[0]" expected an integer', () => bfv.encode([2n ** 60n]))
    expectError(
      RangeError,
      '"values[2]" expected an integer from -128 to 256 (modulo t = 257), got a number that is none',
      () => bfv.encode([1, 2, 0.5]),
    )
    expectError(RangeError, '"coefficients[0]" expected an integer', () => bfv.encodeCoefficients([Number.NaN]))
    expectError(RangeError, 'got string', () => bfv.encode(bad(['1'])))
    expectError(RangeError, 'got undefined', () => bfv.encode(bad({ length: 2 })))
    expectError(RangeError, '"values" expected at most 64 values (N), got 65', () => bfv.encode(new Array(65).fill(0)))
    expectError(TypeError, '"values" expected an array of integers, got null', () => bfv.encode(bad(null)))
    expectError(TypeError, '"values" expected an array of integers, got number', () => bfv.encode(bad(3)))
    for (const level of [-1, 2, 0.5])
      expectError(RangeError, `"level" expected an integer from 0 to 1, got ${level}`, () => bfv.encode([1], { level }))
    expect(Array.from(bfv.decode(bfv.encode([-128, 256, 0]), { signed: true }).subarray(0, 3))).toEqual([-128, -1, 0])
  })

  test('constants and polynomials out of range', () => {
    for (const value of [257, -129, 0.5, Number.NaN, 2n ** 70n])
      for (const act of [() => bfv.addConstant(ct, value), () => bfv.multiplyConstant(ct, value)])
        expectError(RangeError, '"value" expected an integer from -128 to 256', act)
    expectError(RangeError, '"coefficients" expected at least two', () => bfv.evaluatePolynomial(ct, [1], keys))
    expectError(RangeError, 'the last of which is not 0 modulo t, got 3, the last of which is', () =>
      bfv.evaluatePolynomial(ct, [1, 2, 0], keys),
    )
    expectError(RangeError, '"coefficients[1]" expected an integer', () => bfv.evaluatePolynomial(ct, [1, 300], keys))
    for (const exponent of [0, -1, 1.5])
      expectError(RangeError, '"exponent" expected an integer from 1 to 2^31', () =>
        bfv.exponentiate(ct, exponent, keys),
      )
  })
})

describe('operands', () => {
  test('of another kind or context', () => {
    const other = openBfv(literal)
    const foreign = other.encode([1])
    const stranger = encryptSymmetric(other, createSecretKey(other), foreign)
    expectError('parameters-mismatch', '"b" belongs to another context with the same parameters', () =>
      bfv.multiply(ct, stranger),
    )
    expectError('parameters-mismatch', '"b" belongs to another context', () => bfv.addPlain(ct, foreign))
    expectError('parameters-mismatch', '"b[1]" belongs to another context', () =>
      bfv.dotPlain([ct, ct], [plain, foreign]),
    )
    expectError('parameters-mismatch', '"plaintext" belongs to another context', () => bfv.decode(foreign))
    expectError(TypeError, '"b" expected a plaintext, got a ciphertext', () => bfv.multiplyPlain(ct, bad(ct)))
    expectError(TypeError, '"b" expected a ciphertext, got a plaintext', () => bfv.multiply(ct, bad(plain)))
    expectError(TypeError, '"a" expected a plaintext, ciphertext or key of this context', () => bfv.square(bad(null)))
    expectError(TypeError, '"a" expected an array of at least one ciphertext, got 0', () => bfv.dotPlain([], []))
    expectError(RangeError, '"b" expected as many plaintexts as "a" has ciphertexts, 1, got 2', () =>
      bfv.dotPlain([ct], [plain, plain]),
    )
    expectError(TypeError, '"factors" expected an array of at least one ciphertext, got 0', () =>
      bfv.multiplyMany([], keys),
    )
  })

  test('three parts', () => {
    const product = bfv.multiply(ct, ct)
    expectError('unsupported', '"a" has 3 parts: relinearise it before multiplying again', () =>
      bfv.multiply(product, ct),
    )
    expectError('unsupported', '"b" has 3 parts', () => bfv.multiply(ct, product))
    expectError('unsupported', '"a[1]" has 3 parts: relinearise it', () => bfv.dotPlain([ct, product], [plain, plain]))
    expectError('unsupported', 'relinearise it before rotating', () => bfv.rotateRows(product, 1, keys))
  })

  test('levels that are not below', () => {
    const low = bfv.switchModulus(ct)
    expect(low.level).toBe(0)
    expectError('level-exhausted', 'the ciphertext is at level 0, whose modulus is one prime', () =>
      bfv.switchModulus(low),
    )
    expectError('level-exhausted', 'the ciphertext is at level 0; it cannot be raised to level 1', () =>
      bfv.switchModulus(low, 1),
    )
    expectError(RangeError, '"level" expected an integer from 0 to 1, got 2', () => bfv.switchModulus(ct, 2))
  })

  test('keys that are missing', () => {
    const product = bfv.square(ct)
    expectError('missing-key', 'there is no relinearisation key', () => bfv.relinearise(product, none))
    expectError('missing-key', 'there is no Galois key for a rotation by 2', () => bfv.rotateRows(ct, 2, keys))
    expectError('missing-key', 'there is no Galois key', () => bfv.rotateColumns(ct, keys))
    expectError(TypeError, '"keys" expected evaluation keys { relinearisation, galois }, got undefined', () =>
      bfv.relinearise(product, bad(undefined)),
    )
    expectError(TypeError, 'without a map "galois"', () => bfv.rotateRows(ct, 1, bad({})))
    expectError('missing-key', 'there is no relinearisation key', () => bfv.exponentiate(ct, 3, none))
    const { used } = bfv.ring.heap
    expectError('missing-key', 'there is no relinearisation key', () =>
      bfv.evaluatePolynomial(ct, [1, 2, 3, 4, 5, 6, 7], none),
    )
    expect(bfv.ring.heap.used, 'nothing is left behind by what failed half-way').toBe(used)
  })

  test('what was disposed of', () => {
    const gone = encryptSymmetric(bfv, secret, plain)
    gone[Symbol.dispose]()
    for (const act of [() => bfv.multiply(gone, ct), () => bfv.multiply(ct, gone), () => bfv.switchModulus(gone)])
      expectError('disposed', 'was disposed of', act)
    const message = bfv.encode([1])
    bfv.addPlain(ct, message)
    bfv.multiplyPlain(ct, message)
    message[Symbol.dispose]()
    for (const act of [
      () => bfv.addPlain(ct, message),
      () => bfv.multiplyPlain(ct, message),
      () => bfv.decode(message),
      () => encryptSymmetric(bfv, secret, message),
    ])
      expectError('disposed', 'was disposed of', act)
  })

  test('a value of another scale than 1', () => {
    const forged = { ...ct, scale: 2 }
    const message = 'messages of BFV have a scale of 1, this value has 2^1.0: it does not come from this scheme'
    for (const act of [
      () => bfv.decode(decrypt(bfv, secret, forged)),
      () => bfv.add(ct, forged),
      () => bfv.multiply(forged, ct),
      () => bfv.dotPlain([ct, forged], [plain, plain]),
      () => bfv.multiplyMany([forged], keys),
    ])
      expectError('scale-mismatch', message, act)
  })

  test('the noise budget of another scheme', () => {
    const ckks = openCkks({ scheme: 'ckks', ringDegree: 64, modulusBits: [40], specialBits: [], security: 'INSECURE' })
    const s = createSecretKey(ckks)
    const c = encryptSymmetric(ckks, s, ckks.encode([1], { scale: 2 ** 20 }))
    expectError(RangeError, '"context" expected one of BFV or BGV, got one of CKKS', () => noiseBudget(ckks, s, c))
  })
})

describe('transparent results', () => {
  const own = openBfv({
    scheme: 'bfv',
    ringDegree: 2048,
    modulusBits: [49],
    specialBits: [],
    plaintextModulus: 12289,
  })
  const key = createPublicKey(own, createSecretKey(own))
  const a = own.encrypt(key, own.encode([1]))

  test('can be computed, but not sent', () => {
    for (const nothing of [
      own.subtract(a, a),
      own.multiplyPlain(a, own.encode([])),
      own.multiplyConstant(a, 0),
      own.multiply(own.subtract(a, a), a),
    ])
      expect(() => encodeCiphertext(nothing)).toThrow('transparent')
    expect(encodeCiphertext(a).length).toBeGreaterThan(0)
  })
})

test('integers are numbers and bigint, nothing that could be taken for one', () => {
  for (const value of [null, '3', true, '', [], [3], undefined])
    for (const act of [
      () => bfv.addConstant(ct, bad(value)),
      () => bfv.multiplyConstant(ct, bad(value)),
      () => bfv.evaluatePolynomial(ct, bad([1, value]), keys),
    ])
      expect(act).toThrow(RangeError)
  expectError(TypeError, '"coefficients" expected an array of integers', () =>
    bfv.evaluatePolynomial(ct, bad('12'), keys),
  )
})

test('a level below 0 is a wrong level, whatever the ciphertext has', () => {
  expectError(RangeError, '"level" expected an integer from 0 to 1, got -1', () => bfv.switchModulus(ct, -1))
})
