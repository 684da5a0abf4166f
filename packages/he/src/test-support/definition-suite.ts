import { beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { centred } from '../base/numbers.ts'
import type { ParamsLiteral } from '../params/params.ts'
import { type Ciphertext, newCiphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { encodingBound, keySwitchBound, publicBound, roundingBound, symmetricBound } from '../rlwe/error-bound.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { digitsAt, extendedLimbs, rotationElement, type SwitchingKey } from '../rlwe/keys.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { distance, magnitude, values } from './machine.ts'
import { Draw } from './random.ts'
import {
  addPoly,
  automorphismPoly,
  centredPoly,
  decodeSlots,
  encodeSlots,
  largest,
  multiplyPoly,
  type Poly,
  productOf,
  scalePoly,
  subtractPoly,
} from './reference-ring.ts'
import {
  readParts,
  readPoly,
  readSecret,
  referenceDecrypt,
  referenceEncrypt,
  upTo,
  writePoly,
} from './reference-rlwe.ts'

/** The largest centred binomial error. */
export const mostError = 21

/**
 * The library against RLWE as the definition has it: bigint polynomials modulo Q, the school method, the complex embedding term by term.
 */
export function definitionSuite(backend: Backend['name'], literal: ParamsLiteral, threads = 1): void {
  describe(`against the definition on ${backend}${threads > 1 ? ` with ${threads} threads` : ''}, N = ${literal.ringDegree}, ${literal.modulusBits.join()} + ${literal.specialBits.join()}`, () => {
    const ckks = openCkks(literal, { backend, threads })
    beforeAll(async () => expect(await ckks.threadsStarted()).toBe(threads))
    const { ring, params } = ckks
    const { n } = ring
    const top = params.maxLevel
    const Q = productOf(params.primes)
    const scale = 2 ** 20
    // The message is whole numbers here; a scale below 1 is refused.
    const large = (ct: Ciphertext): Ciphertext => ({ ...ct, scale: 2 ** 60 })
    const draw = new Draw(`definition ${backend}`)
    const secret = createSecretKey(ckks)
    const s = readSecret(secret)
    const publicKey = createPublicKey(ckks, secret)
    const relinearisation = createRelinearisationKey(ckks, secret)
    const galois = createGaloisKeys(ckks, secret, [{ steps: 3 }, { steps: 'conjugate' }])
    const keys = { relinearisation, galois }
    const integers = (most: number): number[] => upTo(n).map(() => draw.integer(-most, most))
    const slots = () => values(n / 2, draw.reals(n / 2), draw.reals(n / 2))
    /** A ciphertext of exactly these coefficients and a small error. */
    const encryptIntegers = (m: readonly number[]) =>
      encryptSymmetric(ckks, secret, ckks.encodeCoefficients(m, { scale: 1 }))

    test('the secret is uniform ternary, the same modulo every prime', () => {
      expect(new Set(s)).toEqual(new Set([-1n, 0n, 1n]))
    })

    test('encodes as the definition does, but for roundings', () => {
      const v = slots()
      const ours = readPoly(ring, ckks.encode(v, { scale }).slab.ptr, upTo(top + 1))
      const theirs = encodeSlots(v, n, scale)
      expect(largest(subtractPoly(ours, theirs))).toBeLessThanOrEqual(1)
    })

    test('decodes as the definition does', () => {
      const m = integers(2 ** 20)
      const plaintext = ckks.encodeCoefficients(m, { scale: 1 })
      const theirs = decodeSlots(m.map(BigInt), 1)
      expect(distance(ckks.decodeComplex(plaintext), theirs) / magnitude(theirs)).toBeLessThan(2 ** -45)
    })

    test('what the secret key encrypts, the reference decrypts: the message and one error of at most 21', () => {
      const m = integers(2 ** 24)
      const error = subtractPoly(referenceDecrypt(encryptIntegers(m), s), m.map(BigInt))
      expect(largest(error)).toBeGreaterThan(0)
      expect(largest(error)).toBeLessThanOrEqual(mostError)
    })

    test('what the public key encrypts, the reference decrypts', () => {
      const v = slots()
      const m = referenceDecrypt(ckks.encrypt(publicKey, ckks.encode(v, { scale })), s)
      expect(distance(decodeSlots(m, scale), v)).toBeLessThan((encodingBound(n) + publicBound(n)) / scale)
    })

    test('what the reference encrypts, the library decrypts', () => {
      const v = slots()
      for (const level of [0, top]) {
        const modulus = productOf(params.primes.slice(0, level + 1))
        const parts = referenceEncrypt(encodeSlots(v, n, scale), s, modulus)
        const ct = newCiphertext(ring, 2, level, scale)
        parts.forEach((part, i) =>
          writePoly(ring, ct.slab.ptr + i * (level + 1) * ring.limbBytes, part, upTo(level + 1)),
        )
        const ours = ckks.decodeComplex(decrypt(ckks, secret, ct))
        expect(distance(ours, v)).toBeLessThan((encodingBound(n) + symmetricBound(n)) / scale)
      }
    })

    test('sums and products of ciphertexts are those of the polynomials, exactly', () => {
      const [a, b] = [encryptIntegers(integers(2 ** 10)), encryptIntegers(integers(2 ** 10))]
      const [x, y] = [referenceDecrypt(a, s), referenceDecrypt(b, s)]
      expect(referenceDecrypt(ckks.add(a, b), s)).toEqual(centredPoly(addPoly(x, y), Q))
      expect(referenceDecrypt(ckks.subtract(a, b), s)).toEqual(centredPoly(subtractPoly(x, y), Q))
      expect(referenceDecrypt(ckks.negate(a), s)).toEqual(centredPoly(scalePoly(x, -1n), Q))
      expect(referenceDecrypt(ckks.multiply(a, b), s)).toEqual(centredPoly(multiplyPoly(x, y), Q))
      const constant = ckks.addConstant(ckks.multiplyConstant(a, -7, 1), 9)
      expect(referenceDecrypt(constant, s)).toEqual(x.map((c, i) => centred(-7n * c + (i === 0 ? 9n : 0n), Q)))
      const plain = integers(100)
      const product = ckks.multiplyPlain(a, ckks.encodeCoefficients(plain, { scale: 1 }))
      expect(referenceDecrypt(product, s)).toEqual(centredPoly(multiplyPoly(x, plain.map(BigInt)), Q))
    })

    test('rescaling divides every part by the last prime and rounds', () => {
      const ct = ckks.multiply(encryptIntegers(integers(2 ** 10)), encryptIntegers(integers(2 ** 10)))
      const q = params.primes[top]!
      const before = readParts(ct)
      readParts(ckks.rescale(large(ct))).forEach((after, i) => {
        const rest = centredPoly(subtractPoly(before[i]!, scalePoly(after, BigInt(q))), Q)
        // To the nearest, or the next one where the kernels' quotient is off: see the range "reduced" in kernels/table.ts.
        expect(largest(rest)).toBeLessThanOrEqual(0.7 * q)
      })
    })

    test('dropping a level keeps every part, modulo less', () => {
      const ct = encryptIntegers(integers(2 ** 10))
      const low = productOf(params.primes.slice(0, top))
      expect(readParts(ckks.dropLevel(ct, top - 1))).toEqual(readParts(ct).map((part) => centredPoly(part, low)))
    })

    test('relinearising and rotating change the message by no more than the bound', () => {
      const ct = encryptIntegers(integers(2 ** 10))
      const bound = keySwitchBound(params, top)
      const square = ckks.square(ct)
      const relinearised = subtractPoly(
        referenceDecrypt(ckks.relinearise(square, keys), s),
        referenceDecrypt(square, s),
      )
      const turned = automorphismPoly(referenceDecrypt(ct, s), rotationElement(ring, 3))
      const rotated = subtractPoly(referenceDecrypt(ckks.rotate(ct, 3, keys), s), turned)
      const mirrored = automorphismPoly(referenceDecrypt(ct, s), 2 * n - 1)
      const conjugated = subtractPoly(referenceDecrypt(ckks.conjugate(ct, keys), s), mirrored)
      for (const error of [relinearised, rotated, conjugated]) {
        const slots = magnitude(decodeSlots(error, 1))
        expect(slots).toBeLessThan(bound)
        expect(slots).toBeGreaterThan(bound / 2 ** 10)
      }
    })

    test('rescaling a product of three parts adds no more than the bound', () => {
      const square = ckks.square(encryptIntegers(integers(2 ** 10)))
      const q = params.primes[top]!
      const exact = referenceDecrypt(square, s).map(Number)
      const rescaled = referenceDecrypt(ckks.rescale(large(square)), s).map(Number)
      const error = rescaled.map((c, i) => BigInt(Math.round(2 ** 20 * (c - exact[i]! / q))))
      const measured = magnitude(decodeSlots(error, 2 ** 20))
      expect(measured).toBeLessThan(roundingBound(n, 3))
      expect(measured).toBeGreaterThan(roundingBound(n, 3) / 2 ** 10)
    })

    /** Every error that was found in a key so far. */
    const keyErrors: Poly[] = []

    /** A small error, and none that another key or digit has: the difference of two that share theirs has none, and tells the secret. */
    function expectOwnError(error: Poly): void {
      expect(largest(error)).toBeGreaterThan(0)
      expect(largest(error)).toBeLessThanOrEqual(mostError)
      // Two independent errors agree in a coefficient with probability C(84, 42) / 2^84 = 0.0868, in a quarter of 256 with 1e-13.
      for (const other of keyErrors)
        for (const sign of [1n, -1n]) expect(error.filter((e, i) => e === sign * other[i]!).length).toBeLessThan(n / 4)
      keyErrors.push(error)
    }

    test('a public key is an encryption of 0', () => {
      const indices = upTo(top + 1)
      const b = readPoly(ring, publicKey.slab.ptr, indices)
      const a = readPoly(ring, publicKey.slab.ptr + indices.length * ring.limbBytes, indices)
      expectOwnError(centredPoly(addPoly(b, multiplyPoly(a, s)), Q))
    })

    /** For every digit d: b + a * target = e + P * [1 modulo the primes of digit d, 0 modulo the others] * source modulo QP, e small. */
    function expectSwitchingKey(key: SwitchingKey, source: Poly, target: Poly): void {
      const chain = upTo(key.level + 1)
      const indices = [...chain, ...params.special.map((_, i) => params.primes.length + i)]
      const primes = indices.map((i) => ring.moduli[i]!.p)
      const modulus = productOf(primes)
      const P = productOf(params.special)
      const limbs = extendedLimbs(ring, key.level)
      expect(key.digits).toBe(digitsAt(ring, key.level))
      for (let d = 0; d < key.digits; d++) {
        const at = key.slab.ptr + 2 * d * limbs * ring.limbBytes
        const b = readPoly(ring, at, indices)
        const a = readPoly(ring, at + limbs * ring.limbBytes, indices)
        const phase = centredPoly(addPoly(b, multiplyPoly(a, target)), modulus)
        const [error, ...same] = primes.map((p, i) => {
          const inDigit = i <= key.level && Math.floor(i / params.digitSize) === d
          return centredPoly(inDigit ? subtractPoly(phase, scalePoly(source, P)) : phase, BigInt(p))
        })
        for (const residues of same) expect(residues, 'the same modulo every prime').toEqual(error)
        expectOwnError(error!)
      }
    }

    test('a relinearisation key encrypts s^2 digit by digit', () => {
      expectSwitchingKey(relinearisation, multiplyPoly(s, s), s)
    })

    test('a Galois key goes from s to s(X^(1/g)), and a key of a lower level is one too', () => {
      const inverse = upTo(2 * n).find((g) => (g * rotationElement(ring, 3)) % (2 * n) === 1)!
      const low = createGaloisKeys(ckks, secret, [{ steps: 3, level: 0 }]).get(rotationElement(ring, 3))!
      expect(low.level).toBe(0)
      expectSwitchingKey(low, s, automorphismPoly(s, inverse))
      expectSwitchingKey(galois.get(rotationElement(ring, 3))!, s, automorphismPoly(s, inverse))
    })
  })
}
