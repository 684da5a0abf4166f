import SEAL from 'node-seal'
import { beforeAll, describe, expect, test } from 'vitest'
import { createParams } from '../../params/params.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { Draw } from '../../test-support/random.ts'
import { noiseBudget } from '../integer/noise-budget.ts'
import { plaintextModulus } from '../integer/plain-modulus.ts'
import { openBfv } from './bfv.ts'
import { bfvDefault } from './defaults.ts'

// The same conventions as SEAL's: chains, plaintext moduli, the order of slots, the direction of rotations, the noise budget.

let seal: Awaited<ReturnType<typeof SEAL>>
beforeAll(async () => {
  seal = await SEAL()
})

describe('parameters', () => {
  const chainOf = (n: number): number[] => {
    const modulus = seal.CoeffModulus.BFVDefault(n, seal.SecLevelType.tc128)
    return Array.from({ length: modulus.size() }, (_, i) => Number(modulus.get(i)!.value()))
  }

  test.each([4096, 8192, 16384])('the default chain at N = %i is the same', (n) => {
    const params = createParams({ scheme: 'bfv', ...bfvDefault(n), plaintextModulus: plaintextModulus(20, n) })
    expect([...params.primes, ...params.special]).toEqual(chainOf(n))
  })

  test('at N = 1024 SEAL has one prime, and no key switching', () => {
    expect(createParams({ scheme: 'bfv', ...bfvDefault(1024), plaintextModulus: 17 }).primes).toEqual(chainOf(1024))
  })

  test.each([2048, 32768])('at N = %i, with primes above 2^50 in SEAL, it is replaced', (n) => {
    expect(Math.max(...chainOf(n))).toBeGreaterThan(2 ** 50)
    const params = createParams({ scheme: 'bfv', ...bfvDefault(n), plaintextModulus: plaintextModulus(20, n) })
    const limit = n === 2048 ? 54 : 881
    expect(params.logQP).toBeLessThanOrEqual(limit)
    expect(params.logQP).toBeGreaterThan(limit - 6)
  })

  test.each([
    [1024, 14],
    [4096, 20],
    [8192, 20],
    [32768, 32],
  ])('the plaintext modulus at N = %i of %i bits is the same', (n, bits) => {
    expect(plaintextModulus(bits, n)).toBe(Number(seal.PlainModulus.Batching(n, bits).value()))
  })
})

describe('messages and operations at N = 4096', () => {
  const n = 4096
  const t = plaintextModulus(20, n)
  const bfv = openBfv({ scheme: 'bfv', ...bfvDefault(n), plaintextModulus: t })
  const draw = new Draw('seal')
  const x = Float64Array.from({ length: n }, () => draw.integer(0, t - 1))
  const y = Float64Array.from({ length: n }, () => draw.integer(0, t - 1))

  function open() {
    const parms = new seal.EncryptionParameters(seal.SchemeType.bfv)
    parms.setPolyModulusDegree(n)
    parms.setCoeffModulus(seal.CoeffModulus.BFVDefault(n, seal.SecLevelType.tc128))
    parms.setPlainModulus(seal.PlainModulus.Batching(n, 20))
    const context = new seal.SEALContext(parms, true, seal.SecLevelType.tc128)
    const encoder = new seal.BatchEncoder(context)
    const keygen = new seal.KeyGenerator(context)
    const encode = (values: Float64Array) => {
      const plain = new seal.Plaintext()
      encoder.encode(BigUint64Array.from(values, BigInt), plain)
      return plain
    }
    return { context, encoder, keygen, encode }
  }

  /** Coefficients of SEAL's plaintext from its text, such as "1Fx^3 + 2". */
  function coefficientsOf(text: string): Float64Array {
    const out = new Float64Array(n)
    for (const term of text.split(' + ')) {
      const [value, power] = term.split('x^')
      out[power === undefined ? 0 : Number(power)] = Number.parseInt(value!, 16)
    }
    return out
  }

  test('a batch is the same polynomial modulo t', () => {
    const { encode } = open()
    for (const values of [x, y, Float64Array.of(1, 2, 3), new Float64Array(n).fill(t - 1)]) {
      const padded = new Float64Array(n)
      padded.set(values)
      expect(bfv.decodeCoefficients(bfv.encode(values))).toEqual(coefficientsOf(encode(padded).toString()))
    }
  })

  test('and back', () => {
    const { encoder, encode } = open()
    const coefficients = coefficientsOf(encode(x).toString())
    expect(bfv.decode(bfv.encodeCoefficients(coefficients))).toEqual(x)
    const plain = encode(y)
    expect(Float64Array.from(encoder.decodeBigUint64(plain), Number)).toEqual(bfv.decode(bfv.encode(y)))
    expect(Float64Array.from(encoder.decodeBigInt64(plain), Number)).toEqual(
      bfv.decode(bfv.encode(y), { signed: true }),
    )
  })

  test('rotations and products do the same, at a like noise budget', () => {
    const { context, encoder, keygen, encode } = open()
    const encryptor = new seal.Encryptor(context, keygen.createPublicKey(), keygen.secretKey())
    const decryptor = new seal.Decryptor(context, keygen.secretKey())
    const evaluator = new seal.Evaluator(context)
    const galois = keygen.createGaloisKeysWithSteps(Int32Array.of(3, -5, 0))
    const relin = keygen.createRelinKeys()
    const theirs = { x: new seal.Ciphertext(), y: new seal.Ciphertext(), out: new seal.Ciphertext() }
    // Symmetric on both sides: SEAL's public key has the special prime too, and what it encrypts is divided by that, so that it begins with less noise.
    encryptor.encryptSymmetric(encode(x), theirs.x)
    encryptor.encryptSymmetric(encode(y), theirs.y)
    const result = (): Float64Array => {
      const plain = new seal.Plaintext()
      decryptor.decrypt(theirs.out, plain)
      return Float64Array.from(encoder.decodeBigUint64(plain), Number)
    }

    const secret = createSecretKey(bfv)
    const keys = {
      relinearisation: createRelinearisationKey(bfv, secret),
      galois: createGaloisKeys(bfv, secret, [{ steps: 3 }, { steps: -5 }, { steps: 'conjugate' }]),
    }
    const a = encryptSymmetric(bfv, secret, bfv.encode(x))
    const b = encryptSymmetric(bfv, secret, bfv.encode(y))
    const pairs = [
      [() => evaluator.rotateRows(theirs.x, 3, galois, theirs.out), () => bfv.rotateRows(a, 3, keys)],
      [() => evaluator.rotateRows(theirs.x, -5, galois, theirs.out), () => bfv.rotateRows(a, -5, keys)],
      [() => evaluator.rotateColumns(theirs.x, galois, theirs.out), () => bfv.rotateColumns(a, keys)],
      [() => evaluator.multiply(theirs.x, theirs.y, theirs.out), () => bfv.multiply(a, b)],
      [
        () => {
          evaluator.multiply(theirs.x, theirs.y, theirs.out)
          evaluator.relinearizeInplace(theirs.out, relin)
        },
        () => bfv.relinearise(bfv.multiply(a, b), keys),
      ],
      [() => evaluator.multiplyPlain(theirs.x, encode(y), theirs.out), () => bfv.multiplyPlain(a, bfv.encode(y))],
      [() => evaluator.cipherModSwitchToNext(theirs.x, theirs.out), () => bfv.switchModulus(a)],
    ] as const
    for (const [them, us] of pairs) {
      them()
      using out = us()
      using plaintext = decrypt(bfv, secret, out)
      expect(bfv.decode(plaintext)).toEqual(result())
      const [own, their] = [noiseBudget(bfv, secret, out), decryptor.invariantNoiseBudget(theirs.out)]
      // The largest of 4096 random coefficients on either side.
      expect(Math.abs(own - their), `${own} and ${their} bits`).toBeLessThanOrEqual(2)
    }
  })
})
