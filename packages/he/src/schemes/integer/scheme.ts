import { requireArrayLike, requireObject } from '../../base/require.ts'
import { type Ciphertext, type Plaintext, requireRing } from '../../rlwe/ciphertext.ts'
import { encryptPublic } from '../../rlwe/encrypt-public.ts'
import { conjugate, type Hoisted, hoist, rotate, rotateHoisted } from '../../rlwe/galois.ts'
import type { EvaluationKeys, PublicKey } from '../../rlwe/keys.ts'
import { relinearise } from '../../rlwe/relinearise.ts'
import type { Weights } from '../../rlwe/weights.ts'
import type { Context } from '../context.ts'
import * as arithmetic from './arithmetic.ts'
import { dotPlain, sumOfMultiples } from './combination.ts'
import {
  decodeCoefficients,
  decodeSlots,
  encodeCoefficients,
  encodeSlots,
  type IntegerDecodeOptions,
  type Integers,
  slotOrder,
} from './encoder.ts'
import type { IntegerForm } from './form.ts'
import { type Message, withMessage, withMessages } from './message.ts'
import { switchModulus } from './modulus-switch.ts'
import { evaluatePolynomial } from './polynomial.ts'
import { exponentiate, multiplyMany, type Product } from './power.ts'
import { encodeWeights } from './weights.ts'

/** At which level a message is to be encrypted; default: the top. Sums and products take a message at any level. */
export interface IntegerEncodeOptions {
  /** An integer from 0 to `params.maxLevel`; default: the top. */
  readonly level?: number
}

/** One factor for each ciphertext of a sum, as `encode` or `encodeCoefficients` takes them; null for 0. */
export type IntegerWeightRow = readonly (Integers | null)[]

/** How factors of sums are encoded. */
export interface IntegerWeightsOptions extends IntegerEncodeOptions {
  /** What a factor is: the values of its slots (default), or coefficients of its polynomial. */
  readonly of?: 'slots' | 'coefficients'
}

/**
 * Exact arithmetic modulo t on vectors of N integers (or on polynomials) under encryption: what BFV and BGV have in common.
 *
 * With slots (t prime, 1 modulo 2N) a message is a matrix of 2 rows and N/2 columns, row by row, in SEAL's order (BatchEncoder). A `Plaintext` serves for
 * encryption, for sums and for products alike; what `decrypt` of `@glovebox/he/secret` leaves is one too, and is rounded where it is used. Results are
 * exact while the noise budget is above 0 (`noiseBudget` of `@glovebox/he/secret`).
 *
 * Every method returns a new value and leaves its operands; all hold memory of the context and may be used with `using`. Operands at different levels meet
 * at the lower one, by `switchModulus`. See {@link Context} for `disposed` and `out-of-memory`; an operand whose scale the scheme does not make (1 for BFV,
 * a unit modulo t below t for BGV) is GloveboxError `scale-mismatch`.
 */
export interface IntegerScheme extends Context {
  /** t, an integer from 2 to 2^32. */
  readonly plaintextModulus: number
  /**
   * Up to N integers from -t/2 to t-1 into the slots, zeros behind them.
   * @throws TypeError for what is no array; RangeError for too many, others, or no level; GloveboxError `unsupported` where t has no slots.
   */
  encode(values: Integers, options?: IntegerEncodeOptions): Plaintext
  /**
   * The N slots, row by row, from 0 to t-1, or signed.
   * @throws GloveboxError `unsupported` where t has no slots, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  decode(plaintext: Plaintext, options?: IntegerDecodeOptions): Float64Array
  /**
   * Up to N coefficients from -t/2 to t-1 of a polynomial modulo t, lowest first, zeros behind them; any t.
   * @throws TypeError for what is no array; RangeError for more of them, others, and a level out of range.
   */
  encodeCoefficients(coefficients: Integers, options?: IntegerEncodeOptions): Plaintext
  /**
   * The N coefficients, lowest first, from 0 to t-1, or signed.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  decodeCoefficients(plaintext: Plaintext, options?: IntegerDecodeOptions): Float64Array
  /**
   * Under a public key, at the level of the plaintext. With the secret key, `encryptSymmetric` of `@glovebox/he/secret` gives half the bytes.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  encrypt(key: PublicKey, plaintext: Plaintext): Ciphertext

  /**
   * a + b modulo t, in as many parts as the longer one.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  add(a: Ciphertext, b: Ciphertext): Ciphertext
  /**
   * a - b modulo t, in as many parts as the longer one.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  subtract(a: Ciphertext, b: Ciphertext): Ciphertext
  /** -a modulo t. @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind. */
  negate(a: Ciphertext): Ciphertext
  /**
   * a + b modulo t, at the level of a; the plaintext may be of any level.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  addPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * a - b modulo t, at the level of a; the plaintext may be of any level.
   * @throws GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  subtractPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * a b modulo t, at the level of a; the plaintext may be of any level. Costs about log2(t) + log2(N) bits of budget at most.
   * @throws GloveboxError `unsupported` for `a` of a trimmed reply, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  multiplyPlain(a: Ciphertext, b: Plaintext): Ciphertext
  /**
   * One integer from -t/2 to t-1 to every slot (to coefficient 0 of a polynomial).
   * @throws RangeError for another value; GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  addConstant(a: Ciphertext, value: number | bigint): Ciphertext
  /**
   * Every slot (or coefficient) by one integer from -t/2 to t-1.
   * @throws RangeError for another value; GloveboxError `parameters-mismatch` for an operand of another context, TypeError for another kind.
   */
  multiplyConstant(a: Ciphertext, value: number | bigint): Ciphertext
  /**
   * sum_j a_j b_j, at the lowest level of the a_j: cheaper than one by one. Two parts only, as many plaintexts as ciphertexts, at least one.
   * @throws TypeError for what is no array of at least one ciphertext; RangeError for another number of plaintexts; GloveboxError `unsupported` for three
   * parts or a value of a trimmed reply, `parameters-mismatch` for an operand of another context.
   */
  dotPlain(a: readonly Ciphertext[], b: readonly Plaintext[]): Ciphertext
  /**
   * Factors of many such sums over the same ciphertexts, to be kept: `multiplySum` forms all of them in one pass, on all threads. out_j = sum_k a_k b_jk for
   * the rows b_j, all of one length.
   * @throws TypeError for what is no array of arrays; RangeError for no rows, rows of different lengths, values and levels as `encode` does; GloveboxError
   * `unsupported` where t has no slots.
   */
  encodeWeights(rows: readonly IntegerWeightRow[], options?: IntegerWeightsOptions): Weights
  /**
   * Three parts: relinearise before rotating or multiplying again.
   * @throws GloveboxError `unsupported` for an operand in three parts or of a trimmed reply, `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  /**
   * The product of a with itself, with fewer transforms; three parts.
   * @throws GloveboxError `unsupported` for an operand in three parts or of a trimmed reply, `parameters-mismatch` for an operand of another context;
   * TypeError for another kind.
   */
  square(a: Ciphertext): Ciphertext
  /**
   * Three parts back to two; a copy where there are two already. Hybrid key switching: Han and Ki 2020 (eprint 2019/688), section 3.
   * @throws GloveboxError `missing-key` without relinearisation key or with one for lower levels only, `parameters-mismatch` for an operand or key of
   * another context; TypeError for another kind.
   */
  relinearise(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /**
   * The product of one or more, relinearised, at depth ⌈log2(count)⌉; of one a copy.
   * @throws GloveboxError `missing-key` as `relinearise` and `unsupported` as `multiply` (neither where there is no product), `parameters-mismatch` for an
   * operand or key of another context; TypeError for another kind, and for what is no array of at least one.
   */
  multiplyMany(factors: readonly Ciphertext[], keys: EvaluationKeys): Ciphertext
  /**
   * a^exponent, relinearised, at depth ⌈log2 exponent⌉; exponent an integer from 1 to 2^31.
   * @throws GloveboxError `missing-key` as `relinearise` and `unsupported` as `multiply` (neither where there is no product), `parameters-mismatch` for an
   * operand or key of another context; TypeError for another kind; RangeError for another exponent.
   */
  exponentiate(a: Ciphertext, exponent: number, keys: EvaluationKeys): Ciphertext
  /**
   * c_0 + c_1 a + … + c_d a^d in every slot, coefficients from -t/2 to t-1, c_d not 0 modulo t and d at least 1: depth ⌈log2 d⌉, O(√d) products (Paterson,
   * Stockmeyer 1973).
   * @throws RangeError for other coefficients; GloveboxError `missing-key` as `relinearise` and `unsupported` as `multiply` (both from degree 2),
   * `parameters-mismatch` for an operand or key of another context; TypeError for another kind, and for what is no array.
   */
  evaluatePolynomial(a: Ciphertext, coefficients: Integers, keys: EvaluationKeys): Ciphertext

  /**
   * To the modulus of a level from 0 to its own, by default the next: less to compute and to send, and less noise budget. A copy at its own.
   * @throws RangeError for what is no level; GloveboxError `level-exhausted` for a higher one, and below level 0, `parameters-mismatch` for an operand of
   * another context; TypeError for another kind.
   */
  switchModulus(a: Ciphertext, level?: number): Ciphertext
  /**
   * Both rows to the left by `steps`, any integer, modulo N/2: out[row][j] = in[row][j + steps]. Negative steps go right; by 0 it is a copy.
   * @throws GloveboxError `missing-key` without the Galois key or with one for lower levels only, `unsupported` for three parts, `parameters-mismatch` for
   * an operand or key of another context; TypeError for another kind, and for steps that are no integer.
   */
  rotateRows(a: Ciphertext, steps: number, keys: EvaluationKeys): Ciphertext
  /**
   * Exchanges the rows, with the key that `createGaloisKeys` makes for `'conjugate'`.
   * @throws GloveboxError `missing-key` without the Galois key or with one for lower levels only, `unsupported` for three parts, `parameters-mismatch` for
   * an operand or key of another context; TypeError for another kind.
   */
  rotateColumns(a: Ciphertext, keys: EvaluationKeys): Ciphertext
  /**
   * Decomposes once what many rotations of one ciphertext share; the ciphertext must live as long. Halevi and Shoup 2018 (eprint 2018/244).
   * @throws GloveboxError `unsupported` for three parts, `parameters-mismatch` for an operand of another context; TypeError for another kind.
   */
  hoist(a: Ciphertext): Hoisted
  /**
   * As `rotateRows`, of a hoisted ciphertext.
   * @throws GloveboxError `missing-key` without the Galois key or with one for lower levels only, `parameters-mismatch` for an operand or key of another
   * context; TypeError for another kind, and for steps that are no integer.
   */
  rotateRowsHoisted(hoisted: Hoisted, steps: number, keys: EvaluationKeys): Ciphertext
}

/** In what two schemes of one form differ further. */
export interface IntegerProducts {
  /** Three parts of operands in two, at their common level. */
  multiply(a: Ciphertext, b: Ciphertext): Ciphertext
  /** A product that others build on: two parts, and as much noise as the scheme wants to go on with. */
  product(a: Ciphertext, b: Ciphertext, keys: EvaluationKeys): Ciphertext
  /** A product that is to be added to others: as `product`, or left in three parts, to be relinearised after the sum. */
  partial(a: Ciphertext, b: Ciphertext, keys: EvaluationKeys): Ciphertext
}

/** The methods of a scheme, for its form and its products. */
export function integerScheme(form: IntegerForm, products: IntegerProducts): IntegerScheme {
  const { ring, plain } = form
  const { params } = ring
  const top = params.maxLevel
  const order = slotOrder(ring.n)
  const { t } = plain

  const own = (name: string, value: Ciphertext): Ciphertext => {
    requireRing(ring, name, value, 'ciphertext')
    form.factor(value.level, value.scale)
    return value
  }
  const all = (name: string, values: readonly Ciphertext[]): readonly Ciphertext[] => {
    if (!Array.isArray(values) || values.length === 0)
      throw new TypeError(
        `"${name}" expected an array of at least one ciphertext, got ${values?.length ?? typeof values}`,
      )
    values.forEach((value, i) => own(`${name}[${i}]`, value))
    return values
  }
  const message = <T>(name: string, value: Plaintext, use: (b: Message) => T): T => withMessage(form, name, value, use)
  const integer = (name: string, value: number | bigint): bigint => {
    const x = typeof value === 'bigint' ? Number(value) : value
    if (!Number.isInteger(x) || x < -Math.floor(t / 2) || x >= t)
      throw new RangeError(`"${name}" expected an integer from ${-Math.floor(t / 2)} to ${t - 1} (modulo t = ${t})`)
    return BigInt(2 * x > t ? x - t : x)
  }
  const options = <T extends object>(value: T): T => {
    requireObject('options', 'an object', value)
    return value
  }
  const place = (o: IntegerEncodeOptions): number => options(o).level ?? top
  const usable = (keys: EvaluationKeys): EvaluationKeys => {
    if (keys === null || typeof keys !== 'object' || typeof keys.galois?.get !== 'function')
      throw new TypeError(
        `"keys" expected evaluation keys { relinearisation, galois }, got ${keys === null ? 'null' : typeof keys}${keys && typeof keys === 'object' ? ' without a map "galois", as createGaloisKeys makes' : ''}`,
      )
    return keys
  }
  const product =
    (keys: EvaluationKeys): Product =>
    (a, b) =>
      products.product(a, b, usable(keys))
  const messages = <T>(values: readonly Plaintext[], count: number, use: (b: readonly Message[]) => T): T => {
    if (!Array.isArray(values) || values.length !== count)
      throw new RangeError(`"b" expected as many plaintexts as "a" has ciphertexts, ${count}, got ${values?.length}`)
    return withMessages(form, 'b', values, use)
  }

  return {
    ring,
    params,
    plaintextModulus: t,
    get memory() {
      return ring.memory
    },
    get threads() {
      return ring.threads
    },
    threadsStarted: ring.threadsStarted,
    together: ring.together,
    interruptible: ring.interruptible,
    [Symbol.dispose]: ring[Symbol.dispose],
    encode: (values, o = {}) => encodeSlots(form, order, values, place(o)),
    decode: (plaintext, o = {}) => decodeSlots(form, order, plaintext, options(o)),
    encodeCoefficients: (values, o = {}) => encodeCoefficients(form, values, place(o)),
    decodeCoefficients: (plaintext, o = {}) => decodeCoefficients(form, plaintext, options(o)),
    encrypt: (key, plaintext) => message('plaintext', plaintext, (m) => encryptPublic({ ring }, key, m)),
    add: (a, b) => arithmetic.add(form, own('a', a), own('b', b)),
    subtract: (a, b) => arithmetic.subtract(form, own('a', a), own('b', b)),
    negate: (a) => arithmetic.negate(own('a', a)),
    addPlain: (a, b) => message('b', b, (m) => arithmetic.addPlain(own('a', a), m)),
    subtractPlain: (a, b) => message('b', b, (m) => arithmetic.subtractPlain(own('a', a), m)),
    multiplyPlain: (a, b) => message('b', b, (m) => arithmetic.multiplyPlain(own('a', a), m)),
    addConstant: (a, value) => arithmetic.addConstant(form, own('a', a), integer('value', value)),
    multiplyConstant: (a, value) => arithmetic.multiplyConstant(own('a', a), integer('value', value)),
    encodeWeights: (rows, o = {}) => encodeWeights(form, order, rows, options(o).of ?? 'slots', place(o)),
    dotPlain: (a, b) => messages(b, all('a', a).length, (m) => dotPlain(form, a, m)),
    multiply: (a, b) => products.multiply(own('a', a), own('b', b)),
    square: (a) => products.multiply(own('a', a), a),
    relinearise: (a, keys) => relinearise(own('a', a), usable(keys)),
    multiplyMany: (factors, keys) => multiplyMany(all('factors', factors), product(keys)),
    exponentiate: (a, exponent, keys) => exponentiate(own('a', a), exponent, product(keys)),
    evaluatePolynomial: (a, coefficients, keys) => {
      requireArrayLike('coefficients', 'an array of integers', coefficients)
      const c = Array.from(coefficients as ArrayLike<number>, (value, i) => integer(`coefficients[${i}]`, value))
      if (c.length < 2 || c.at(-1) === 0n)
        throw new RangeError(
          `"coefficients" expected at least two, the last of which is not 0 modulo t, got ${c.length}${c.length < 2 ? '' : ', the last of which is'}`,
        )
      return evaluatePolynomial(own('a', a), c, {
        product: product(keys),
        multiply: (x, y) => products.partial(x, y, usable(keys)),
        relinearise: (x) => relinearise(x, usable(keys)),
        add: (x, y) => arithmetic.add(form, x, y),
        sumOfMultiples: (terms, weights) => sumOfMultiples(form, terms, weights),
        addConstant: (x, value) => arithmetic.addConstant(form, x, value),
      })
    },
    switchModulus: (a, level) => switchModulus(form, own('a', a), level),
    rotateRows: (a, steps, keys) => rotate(own('a', a), steps, usable(keys)),
    rotateColumns: (a, keys) => conjugate(own('a', a), usable(keys)),
    hoist: (a) => hoist(own('a', a)),
    rotateRowsHoisted: (hoisted, steps, keys) => {
      requireRing(ring, 'hoisted', hoisted)
      return rotateHoisted(hoisted, steps, usable(keys))
    },
  }
}
