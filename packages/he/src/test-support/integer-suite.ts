import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { ByteReader, ByteWriter } from '../base/bytes.ts'
import { createParams, type ParamsLiteral } from '../params/params.ts'
import type { Ciphertext, Plaintext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import type { EvaluationKeys, PublicKey } from '../rlwe/keys.ts'
import { readReply, writeReply } from '../rlwe/reply.ts'
import { createSecretKey, type SecretKey } from '../rlwe/secret-key.ts'
import { decodeCiphertext, encodeCiphertext } from '../rlwe/wire.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openBgv } from '../schemes/bgv/bgv.ts'
import { noiseBudget } from '../schemes/integer/noise-budget.ts'
import { allowsBatching } from '../schemes/integer/plain-modulus.ts'
import { replyBits } from '../schemes/integer/reply-bits.ts'
import type { IntegerScheme } from '../schemes/integer/scheme.ts'
import { Draw } from './random.ts'
import { residuesOf } from './small.ts'

export interface IntegerCase {
  readonly backend: Backend['name']
  readonly literal: ParamsLiteral
}

export function integerCaseName({ backend, literal }: IntegerCase): string {
  const special = literal.specialBits.length > 0 ? ` + ${literal.specialBits.join()}` : ''
  const alpha = literal.digitSize ?? Math.max(1, literal.specialBits.length)
  return `${literal.scheme} on ${backend}, N = ${literal.ringDegree}, ${literal.modulusBits.join()}${special}, digits of ${alpha}, t = ${literal.plaintextModulus}`
}

/** A vector of messages: slots where t has them, coefficients otherwise. */
type Values = readonly bigint[]

/** BFV or BGV as a user meets it, for one set of parameters on one backend. A result is exact, or there is no noise budget left. */
export function integerSuite(subject: IntegerCase): void {
  const { literal } = subject
  const n = literal.ringDegree
  const t = BigInt(literal.plaintextModulus!)
  const top = literal.modulusBits.length - 1
  const switching = literal.specialBits.length > 0
  const batching = allowsBatching(createParams(literal))

  describe(integerCaseName(subject), () => {
    let scheme: IntegerScheme
    let secret: SecretKey
    let publicKey: PublicKey
    let keys: EvaluationKeys
    const made: Disposable[] = []
    const keep = <T extends Disposable>(value: T): T => {
      made.push(value)
      return value
    }
    const release = (): void => {
      for (const value of made.splice(0)) value[Symbol.dispose]()
    }
    beforeAll(() => {
      scheme = (literal.scheme === 'bgv' ? openBgv : openBfv)(literal, { backend: subject.backend })
      secret = createSecretKey(scheme)
      publicKey = createPublicKey(scheme, secret)
      keys = switching
        ? {
            relinearisation: createRelinearisationKey(scheme, secret),
            galois: createGaloisKeys(scheme, secret, [
              { steps: 1 },
              { steps: -1 },
              { steps: 3 },
              { steps: n / 4 + 1 },
              { steps: 'conjugate' },
            ]),
          }
        : { relinearisation: undefined, galois: new Map() }
    })
    afterEach(release)
    afterAll(() => {
      scheme = undefined as unknown as IntegerScheme
    })

    const draw = new Draw(integerCaseName(subject).slice(-32))
    const values = (count = n): Values =>
      Array.from({ length: n }, (_, i) => (i < count ? BigInt(draw.integer(0, Number(t) - 1)) : 0n))
    const reduce = (x: bigint): bigint => ((x % t) + t) % t
    const encode = (v: Values, level = top): Plaintext =>
      keep(batching ? scheme.encode(v, { level }) : scheme.encodeCoefficients(v, { level }))
    const decode = (plaintext: Plaintext): Values =>
      Array.from(batching ? scheme.decode(plaintext) : scheme.decodeCoefficients(plaintext), BigInt)
    const encrypt = (v: Values, how: 'symmetric' | 'public' = 'symmetric', level = top): Ciphertext =>
      keep(
        how === 'public'
          ? scheme.encrypt(publicKey, encode(v, level))
          : encryptSymmetric(scheme, secret, encode(v, level)),
      )
    const budget = (ct: Ciphertext): number => noiseBudget(scheme, secret, ct)
    /** The ring's product: slot by slot, or negacyclic. */
    const times = (a: Values, b: Values): Values => {
      if (batching) return a.map((x, i) => reduce(x * b[i]!))
      const out: bigint[] = new Array(n).fill(0n)
      for (let i = 0; i < n; i++)
        if (a[i] !== 0n)
          for (let j = 0; j < n; j++) {
            const term = a[i]! * b[j]!
            if (i + j < n) out[i + j]! += term
            else out[i + j - n]! -= term
          }
      return out.map(reduce)
    }
    const plus = (a: Values, b: Values): Values => a.map((x, i) => reduce(x + b[i]!))
    const minus = (a: Values, b: Values): Values => a.map((x, i) => reduce(x - b[i]!))
    /** Operands of products: sparse where the school method would take long. */
    const factors = (): Values => values(batching || n <= 64 ? n : 40)

    /** Exact, unless the noise budget is used up. Returns whether there was any. */
    function check(ct: Ciphertext, expected: Values, must = true): boolean {
      const left = budget(keep(ct))
      if (must) expect(left, 'noise budget').toBeGreaterThan(0)
      if (left === 0) return false
      const got = decode(keep(decrypt(scheme, secret, ct)))
      const wrong = got.findIndex((x, i) => x !== expected[i])
      if (wrong >= 0) expect.fail(`[${wrong}] is ${got[wrong]}, expected ${expected[wrong]}, budget ${left}`)
      return true
    }
    /** Whether a level holds a fresh ciphertext, bears a product with a plaintext, of ciphertexts. */
    const roomFor = (level: number, what: 'fresh' | 'mixed' | 'plain' | 'product'): boolean => {
      const bits = createParams(literal)
        .primes.slice(0, level + 1)
        .reduce((sum, p) => sum + Math.log2(p), 0)
      const log = Math.log2(Number(t))
      if (what === 'fresh') return bits > log + 6 + Math.log2(n) / 2
      // Correction factors meet at half the bits of t.
      if (what === 'mixed') return bits > (literal.scheme === 'bgv' ? 1.5 : 1) * log + 6 + Math.log2(n) / 2
      // A product of BGV squares t times the noise.
      const more = literal.scheme === 'bgv' ? 16 + Math.log2(n) : 13 + Math.log2(n) / 2
      return bits > 2 * log + Math.log2(n) + (what === 'plain' ? 8 : more)
    }

    test('decodes what it encoded, at every level: unsigned, signed, from numbers and from bigint', () => {
      for (let level = 0; level <= top; level++) {
        const v = values()
        const numbers = Float64Array.from(v, Number)
        const signed = numbers.map((x) => (2 * x >= Number(t) ? x - Number(t) : x))
        for (const input of [v, numbers, signed, Array.from(signed)]) {
          const slots = batching ? keep(scheme.encode(input, { level })) : undefined
          const coefficients = keep(scheme.encodeCoefficients(input, { level }))
          if (slots) {
            expect(slots).toMatchObject({ kind: 'plaintext', level, scale: 1, stride: 1 })
            expect(scheme.decode(slots)).toEqual(numbers)
            expect(scheme.decode(slots, { signed: true })).toEqual(signed)
          }
          expect(scheme.decodeCoefficients(coefficients)).toEqual(numbers)
          expect(scheme.decodeCoefficients(coefficients, { signed: true })).toEqual(signed)
        }
      }
    })

    test('fills up with zeros', () => {
      const code = (v: readonly number[]) => (batching ? scheme.encode(v) : scheme.encodeCoefficients(v))
      keep(code(new Array(n).fill(1)))
      expect(decode(keep(code([1, 0, 1])))).toEqual([1n, 0n, 1n, ...new Array(n - 3).fill(0n)])
      expect(decode(keep(code([])))).toEqual(new Array(n).fill(0n))
    })

    test.each(['symmetric', 'public'] as const)('encrypts at every level: %s', (how) => {
      for (let level = 0; level <= top; level++) {
        const v = values()
        const ct = encrypt(v, how, level)
        expect(ct).toMatchObject({ level, parts: 2, scale: 1 })
        expect(ct.seed !== undefined).toBe(how === 'symmetric')
        check(ct, v, roomFor(level, 'fresh'))
      }
    })

    test('adds, subtracts, negates', () => {
      const [x, y] = [values(), values()]
      const [a, b] = [encrypt(x), encrypt(y, 'public')]
      check(scheme.add(a, b), plus(x, y))
      check(scheme.subtract(a, b), minus(x, y))
      check(scheme.subtract(b, a), minus(y, x))
      check(scheme.negate(a), minus(values(0), x))
      check(scheme.add(a, a), plus(x, x))
      expect(budget(keep(scheme.subtract(a, a))), 'no noise at all').toBeGreaterThan(budget(a))
    })

    test('adds and subtracts plaintexts and constants, whatever the level of the plaintext', () => {
      const [x, y] = [values(), values()]
      const a = encrypt(x)
      const one = (c: bigint): Values => values(0).map((_, i) => (batching || i === 0 ? c : 0n))
      for (let level = 0; level <= top; level++) {
        check(scheme.addPlain(a, encode(y, level)), plus(x, y))
        check(scheme.subtractPlain(a, encode(y, level)), minus(x, y))
      }
      for (const c of [0n, 1n, t - 1n, t / 2n]) check(scheme.addConstant(a, c), plus(x, one(c)))
      check(scheme.addConstant(a, -1), minus(x, one(1n)))
      expect(keep(scheme.addPlain(a, encode(y))).seed, 'part 1 is what the seed says').toEqual(a.seed)
      // Nothing but the rounding of Q m / t is added.
      expect(budget(keep(scheme.addPlain(a, encode(y))))).toBeGreaterThanOrEqual(budget(a) - 2)
    })

    test('multiplies by plaintexts and constants', () => {
      const [x, y] = [factors(), factors()]
      const a = encrypt(x)
      const plaintext = encode(y)
      check(scheme.multiplyPlain(a, plaintext), times(x, y), roomFor(top, 'plain'))
      for (const c of [1n, t - 1n, t / 2n])
        check(
          scheme.multiplyConstant(a, c),
          x.map((value) => reduce(value * c)),
          roomFor(top, 'plain'),
        )
      // One plaintext serves for encryption, sums and products.
      check(scheme.addPlain(a, plaintext), plus(x, y))
      check(keep(encryptSymmetric(scheme, secret, plaintext)), y)
    })

    test('a decrypted message is a plaintext like any other', () => {
      const [x, y] = [factors(), factors()]
      const a = encrypt(x)
      const phase = keep(decrypt(scheme, secret, encrypt(y)))
      check(scheme.addPlain(a, phase), plus(x, y))
      check(scheme.multiplyPlain(a, phase), times(x, y), roomFor(top, 'plain'))
      const again = keep(scheme.encrypt(publicKey, phase))
      check(again, y)
      const { used } = scheme.ring.heap
      scheme.addPlain(a, phase)[Symbol.dispose]()
      expect(scheme.ring.heap.used, 'what was rounded on the way is given back').toBe(used)
    })

    test('a sum of products with plaintexts', () => {
      const count = 5
      const xs = Array.from({ length: count }, factors)
      const ys = Array.from({ length: count }, factors)
      const sum = xs.map((x, j) => times(x, ys[j]!)).reduce(plus)
      const cts = xs.map((x, j) => encrypt(x, 'symmetric', Math.max(0, top - (j % 2))))
      const level = Math.max(0, top - 1)
      const out = scheme.dotPlain(
        cts,
        ys.map((y) => encode(y)),
      )
      expect(out).toMatchObject({ level, parts: 2 })
      check(out, sum, roomFor(level, 'plain'))
    })

    test('multiplies and squares: three parts that decrypt', () => {
      const [x, y] = [factors(), factors()]
      const [a, b] = [encrypt(x), encrypt(y, 'public')]
      const product = keep(scheme.multiply(a, b))
      expect(product).toMatchObject({ parts: 3, level: top })
      const must = roomFor(top, 'product')
      check(product, times(x, y), must)
      check(scheme.square(a), times(x, x), must)
      check(scheme.multiply(b, b), times(y, y), must)
      expect(residuesOf(keep(scheme.square(b)))).toEqual(residuesOf(keep(scheme.multiply(b, b))))
      // Sums of two and three parts, both ways.
      check(scheme.add(product, a), plus(times(x, y), x), must)
      check(scheme.subtract(a, product), minus(x, times(x, y)), must)
      check(scheme.subtract(product, a), minus(times(x, y), x), must)
      check(scheme.multiplyConstant(product, 1), times(x, y), must)
      if (must && literal.scheme === 'bfv') {
        // k_a is about sqrt(N/18), and a product of polynomials adds N of its terms.
        const cost = Math.min(budget(a), budget(b)) - budget(product)
        expect(cost).toBeLessThan(Math.log2(Number(t)) + Math.log2(n) + 6)
      }
    })

    test('operands at different levels meet at the lower one', () => {
      const [x, y] = [factors(), factors()]
      const a = encrypt(x)
      for (let level = 0; level <= top; level++) {
        const b = encrypt(y, 'symmetric', level)
        for (const [sum, expected] of [
          [scheme.add(a, b), plus(x, y)],
          [scheme.subtract(b, a), minus(y, x)],
        ] as const) {
          expect(sum.level).toBe(level)
          check(sum, expected, roomFor(level, 'mixed'))
        }
        if (!roomFor(level, 'product')) continue
        check(scheme.multiply(a, b), times(x, y))
        check(scheme.multiply(b, a), times(x, y))
      }
    })

    test('switches the modulus down to one prime', () => {
      const x = values()
      const a = encrypt(x, 'public')
      let step = a
      for (let level = top; level >= 0; level--) {
        const direct = keep(scheme.switchModulus(a, level))
        expect(direct).toMatchObject({ level, parts: 2 })
        check(direct, x, roomFor(level, 'fresh'))
        check(step, x, roomFor(level, 'fresh'))
        if (level > 0) step = keep(scheme.switchModulus(step))
      }
      expect(residuesOf(keep(scheme.switchModulus(a, top)))).toEqual(residuesOf(a))
    })

    test.runIf(switching)('relinearises, and switches modulus before or after', () => {
      const [x, y] = [factors(), factors()]
      const product = keep(scheme.multiply(encrypt(x), encrypt(y)))
      const must = roomFor(top, 'product')
      const two = scheme.relinearise(product, keys)
      expect(two.parts).toBe(2)
      check(two, times(x, y), must)
      if (top === 0 || !roomFor(top - 1, 'product')) return
      check(scheme.switchModulus(two), times(x, y))
      check(scheme.relinearise(keep(scheme.switchModulus(product)), keys), times(x, y))
    })

    test.runIf(switching && batching)('rotates rows and columns as a matrix', () => {
      const x = values()
      const a = encrypt(x)
      const row = (v: Values, r: number): Values => v.slice((r * n) / 2, ((r + 1) * n) / 2)
      const turn = (v: Values, s: number): Values => v.map((_, j) => v[(((j + s) % v.length) + v.length) % v.length]!)
      using hoisted = scheme.hoist(a)
      for (const s of [1, -1, 3, n / 4 + 1, 0, n / 2, 1 + n]) {
        const expected = [...turn(row(x, 0), s), ...turn(row(x, 1), s)]
        const out = keep(scheme.rotateRows(a, s, keys))
        check(out, expected)
        expect(residuesOf(keep(scheme.rotateRowsHoisted(hoisted, s, keys)))).toEqual(residuesOf(out))
      }
      check(scheme.rotateColumns(a, keys), [...row(x, 1), ...row(x, 0)])
      if (top > 0) {
        const low = keep(scheme.switchModulus(a, 0))
        check(scheme.rotateColumns(low, keys), [...row(x, 1), ...row(x, 0)], roomFor(0, 'fresh'))
      }
    })

    test.runIf(switching)('products of many, powers and polynomials are exact while there is budget', () => {
      const x = batching ? values() : values(2)
      const a = encrypt(x)
      const power = (e: number): Values => Array.from({ length: e - 1 }).reduce<Values>((acc) => times(acc, x), x)
      for (const e of [1, 2, 3, 5]) check(scheme.exponentiate(a, e, keys), power(e), e === 1)
      check(scheme.multiplyMany([a, a, a], keys), power(3), false)
      check(scheme.multiplyMany([a], keys), x)
      for (const d of [1, 2, 3, 6]) {
        const c = Array.from({ length: d + 1 }, (_, i) => (i === d ? 1n : BigInt(draw.integer(0, Number(t) - 1))))
        const constant = values(0).map((_, i) => (batching || i === 0 ? c[0]! : 0n))
        const expected = c
          .slice(1)
          .map((w, i) => power(i + 1).map((value) => reduce(value * w)))
          .reduce(plus, constant)
        const out = scheme.evaluatePolynomial(a, c, keys)
        expect(out.parts).toBe(2)
        check(out, expected, false)
      }
    })

    test.runIf(literal.security !== 'INSECURE')('goes over the wire, and as a trimmed reply', () => {
      const x = values()
      const a = encrypt(x)
      check(decodeCiphertext(scheme, encodeCiphertext(a)), x)
      const low = keep(scheme.switchModulus(encrypt(x, 'public'), 0))
      if (t > 2n ** 29n) return expect(() => replyBits(scheme.params)).toThrow('40 is the most')
      const bits = replyBits(scheme.params)
      if (budget(low) < 2 || 2 ** bits > scheme.params.primes[0]!) return
      const coefficients = scheme.decodeCoefficients(encode(x))
      for (const stride of [1, 8, n / 2]) {
        const writer = new ByteWriter()
        writeReply(writer, low, { bits, stride })
        const reply = keep(readReply(new ByteReader(writer.done(), 'the reply'), scheme.ring))
        expect(budget(reply), 'the budget of what the reply carries').toBeGreaterThan(0)
        const got = scheme.decodeCoefficients(keep(decrypt(scheme, secret, reply)))
        got.forEach((value, i) => {
          if (value !== (i % stride === 0 ? coefficients[i] : 0)) expect.fail(`stride ${stride}, coefficient ${i}`)
        })
        if (stride > 1)
          for (const product of [
            () => scheme.square(reply),
            () => scheme.multiplyPlain(reply, encode(x)),
            () => scheme.dotPlain([reply], [encode(x)]),
          ])
            expect(product).toThrow('was read from a trimmed reply')
      }
    })
  })
}
