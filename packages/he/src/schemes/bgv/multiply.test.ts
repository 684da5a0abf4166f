import { describe, expect, test } from 'vitest'
import { centred, invMod, mod } from '../../base/numbers.ts'
import type { Ciphertext } from '../../rlwe/ciphertext.ts'
import { decrypt } from '../../rlwe/decrypt.ts'
import { encryptSymmetric } from '../../rlwe/encrypt-symmetric.ts'
import { createPublicKey, createRelinearisationKey } from '../../rlwe/keygen.ts'
import { createSecretKey } from '../../rlwe/secret-key.ts'
import { Draw } from '../../test-support/random.ts'
import { tensor } from '../../test-support/reference-bfv.ts'
import { centredPoly, multiplyPoly, type Poly, productOf, scalePoly } from '../../test-support/reference-ring.ts'
import { readParts, readSecret, referenceDecrypt } from '../../test-support/reference-rlwe.ts'
import { noiseBudget } from '../integer/noise-budget.ts'
import { openBgv } from './bgv.ts'

// BGV from its definition, on big integers: t x = g m + t e, with g the scale.

describe.each([
  { backend: 'wasm-fused', ringDegree: 32, modulusBits: [50, 40, 45], t: 65537 },
  { backend: 'wasm', ringDegree: 64, modulusBits: [45, 45, 45, 45], t: 257 },
  { backend: 'reference', ringDegree: 16, modulusBits: [40, 30], t: 15 },
  { backend: 'wasm', ringDegree: 64, modulusBits: [50, 50, 50], t: 4294967291 },
] as const)(
  'on $backend, N = $ringDegree, $modulusBits, t = $t',
  ({ backend, ringDegree, modulusBits, t: modulus }) => {
    const bgv = openBgv(
      {
        scheme: 'bgv',
        ringDegree,
        modulusBits,
        specialBits: [50],
        plaintextModulus: modulus,
        security: 'INSECURE',
      },
      { backend },
    )
    const { params } = bgv
    const secret = createSecretKey(bgv)
    const publicKey = createPublicKey(bgv, secret)
    const keys = { relinearisation: createRelinearisationKey(bgv, secret), galois: new Map() }
    const s = readSecret(secret)
    const t = BigInt(modulus)
    const draw = new Draw(`bgv ${modulus}`)
    const message = (): Float64Array => Float64Array.from({ length: ringDegree }, () => draw.integer(0, modulus - 1))
    const modulusAt = (level: number): bigint => productOf(params.primes.slice(0, level + 1))

    /** m = [t x]_Q / g modulo t, and the size of what was reduced modulo t. */
    function definition(ct: Ciphertext): { m: number[]; noise: bigint } {
      const Q = modulusAt(ct.level)
      const w = centredPoly(scalePoly(referenceDecrypt(ct, s), t), Q)
      const inverse = invMod(BigInt(ct.scale), t)
      return {
        m: w.map((x) => Number(mod(x * inverse, t))),
        noise: w.reduce((most, x) => (x > most ? x : -x > most ? -x : most), 0n),
      }
    }
    const product = (a: ArrayLike<number>, b: ArrayLike<number>): number[] =>
      multiplyPoly(Array.from(a, BigInt), Array.from(b, BigInt)).map((x) => Number(mod(x, t)))
    const decoded = (ct: Ciphertext): number[] => Array.from(bgv.decodeCoefficients(decrypt(bgv, secret, ct)))

    test('encryption, at every level: scale 1 and small errors', () => {
      for (let level = 0; level <= params.maxLevel; level++) {
        const m = message()
        const plain = bgv.encodeCoefficients(m, { level })
        for (const ct of [encryptSymmetric(bgv, secret, plain), bgv.encrypt(publicKey, plain)]) {
          expect(ct.scale).toBe(1)
          const { m: got, noise } = definition(ct)
          // t/2 for the message, t times an error of at most 21 (1 + 2N) for the public key.
          expect(noise <= t / 2n + t * 21n * BigInt(1 + 2 * ringDegree)).toBe(true)
          if (2n * (t / 2n + t * 21n * BigInt(1 + 2 * ringDegree)) < modulusAt(level)) {
            expect(got).toEqual(Array.from(m))
            expect(decoded(ct)).toEqual(got)
          }
        }
      }
    })

    test('a product is t a ⊗ b modulo Q, its scale the product of scales', () => {
      const a = encryptSymmetric(bgv, secret, bgv.encodeCoefficients(message()))
      const b = { ...bgv.encrypt(publicKey, bgv.encodeCoefficients(message())), scale: modulus - 2 }
      const Q = modulusAt(params.maxLevel)
      for (const [x, y] of [
        [a, b],
        [b, b],
      ] as const) {
        const ct = bgv.multiply(x, y)
        expect(ct).toMatchObject({ parts: 3, scale: Number((BigInt(x.scale) * BigInt(y.scale)) % t) })
        const exact = tensor(readParts(x), readParts(y)).map((part: Poly) => part.map((c) => centred(t * c, Q)))
        expect(readParts(ct)).toEqual(exact)
      }
    })

    test('switching divides the noise, and the scale by the prime', () => {
      const m = message()
      const a = encryptSymmetric(bgv, secret, bgv.encodeCoefficients(m))
      for (let level = 0; level < params.maxLevel; level++) {
        const lower = bgv.switchModulus(a, level)
        const divided = modulusAt(params.maxLevel) / modulusAt(level)
        expect(mod(BigInt(lower.scale) * divided, t)).toBe(mod(BigInt(a.scale), t))
        if (noiseBudget(bgv, secret, lower) === 0) continue
        expect(definition(lower).m).toEqual(Array.from(m))
        expect(decoded(lower)).toEqual(Array.from(m))
      }
    })

    test('levels: multiply, relinearise, switch, with sums of different scales between, down to the last', () => {
      const m = message()
      const fresh = encryptSymmetric(bgv, secret, bgv.encodeCoefficients(m))
      let ct = fresh
      let expected = Array.from(m)
      let done = 0
      while (ct.level > 0) {
        const plain = message()
        const next = bgv.switchModulus(bgv.relinearise(bgv.square(ct), keys))
        // The fresh one has another correction factor, and another level.
        const sum = bgv.subtractPlain(bgv.add(next, fresh), bgv.encodeCoefficients(plain))
        expected = product(expected, expected).map((x, i) => (x + m[i]! + modulus - plain[i]!) % modulus)
        ct = sum
        if (noiseBudget(bgv, secret, ct) === 0) break
        expect(decoded(ct)).toEqual(expected)
        expect(definition(ct).m).toEqual(expected)
        done++
      }
      if (modulus < 2 ** 17) expect(done).toBe(params.maxLevel)
    })
  },
)

test('scales that are no correction factors', () => {
  const bgv = openBgv({
    scheme: 'bgv',
    ringDegree: 32,
    modulusBits: [40],
    specialBits: [],
    plaintextModulus: 15,
    security: 'INSECURE',
  })
  const secret = createSecretKey(bgv)
  const ct = encryptSymmetric(bgv, secret, bgv.encodeCoefficients([1]))
  for (const scale of [0, 15, 2.5, 5, 6, -1, Number.NaN]) {
    const forged = { ...ct, scale }
    const message = `scales of BGV are correction factors, units modulo t = 15 from 1 to 14, this value has ${scale}`
    for (const act of [
      () => bgv.add(ct, forged),
      () => bgv.multiply(forged, ct),
      () => bgv.switchModulus(forged),
      () => bgv.decodeCoefficients(decrypt(bgv, secret, forged)),
    ])
      expect(act).toThrow(message)
  }
  expect(() => openBgv({ ...bgv.params.literal, scheme: 'bfv' })).toThrow(`"params.scheme" expected 'bgv', got 'bfv'`)
})

test('powers, products of many and polynomials switch the modulus as they go, and are exact to depth 4', () => {
  const t = 257
  const bgv = openBgv({
    scheme: 'bgv',
    ringDegree: 64,
    modulusBits: [45, 40, 40, 40, 40],
    specialBits: [45],
    plaintextModulus: t,
    security: 'INSECURE',
  })
  const secret = createSecretKey(bgv)
  const keys = { relinearisation: createRelinearisationKey(bgv, secret), galois: new Map() }
  const values = Array.from({ length: 64 }, (_, i) => (i * 37 + 5) % t)
  const a = encryptSymmetric(bgv, secret, bgv.encode(values))
  const power = (x: number, e: number): number => Number(BigInt(x) ** BigInt(e) % BigInt(t))
  const check = (ct: Ciphertext, level: number, f: (x: number) => number): void => {
    expect(noiseBudget(bgv, secret, ct)).toBeGreaterThan(0)
    expect(ct).toMatchObject({ parts: 2, level })
    expect(Array.from(bgv.decode(decrypt(bgv, secret, ct)))).toEqual(values.map(f))
  }
  for (const e of [2, 3, 5, 7, 8, 13, 16])
    check(bgv.exponentiate(a, e, keys), 4 - Math.ceil(Math.log2(e)), (x) => power(x, e))
  check(bgv.multiplyMany([a, a, a, a, a, a], keys), 1, (x) => power(x, 6))
  for (const d of [1, 2, 3, 4, 7, 11, 16]) {
    const c = Array.from({ length: d + 1 }, (_, i) => (i * i * 19 + 3 * i + 1) % t || 1)
    check(bgv.evaluatePolynomial(a, c, keys), 4 - Math.ceil(Math.log2(d)), (x) =>
      c.reduceRight((sum, w) => (sum * x + w) % t, 0),
    )
  }
})
