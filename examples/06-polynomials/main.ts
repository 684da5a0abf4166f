// 06 — Polynomials
//
// Sums and products are all that there is under encryption. Everything else, a sigmoid, a division, a comparison, is a polynomial that comes close
// enough on an interval. This example chooses them, pays for them in levels, and says what happens outside the interval.
//
//     npm run example -- 06

import {
  type Ciphertext,
  chebyshevInterpolation,
  compare,
  composeSign,
  createEvaluator,
  evaluatePolynomial,
  inverse,
  openCkks,
  planInverse,
  planPreset,
  polynomialAt,
  polynomialDepth,
} from '@glovebox/he'
import { createPublicKey, createRelinearisationKey, createSecretKey, decrypt } from '@glovebox/he/secret'
import { check, numbers, refused, section, show, showCiphertext, timed, title } from '../print.ts'

title('06  Polynomials')

// Twelve levels, which a comparison will need. An evaluator sits on the context and looks after levels, scales and relinearisation: each
// ciphertext that it returns is on the ladder of example 02, so anything can be added to anything.
const planned = planPreset({ depth: 12, scaleBits: 40 })
const ckks = openCkks(planned.literal)
const { params } = ckks
show(
  'parameters',
  `N = ${params.ringDegree}, ${params.primes.length} primes, log2 QP ${planned.bits.toFixed(0)} of ${planned.limit}`,
)
using secret = createSecretKey(ckks)
using publicKey = createPublicKey(ckks, secret)
using relinearisation = timed('relinearisation key', () => createRelinearisationKey(ckks, secret))
const evaluator = createEvaluator(ckks, { scale: 2 ** planned.scaleBits, keys: { relinearisation, galois: new Map() } })
const open = (value: Ciphertext): Float64Array => {
  using plaintext = decrypt(ckks, secret, value)
  return ckks.decode(plaintext)
}

// Which polynomial? Taylor's is good at one point and bad at the ends. Interpolation at Chebyshev nodes is within a small factor of the best one
// over a whole interval, for any function that one can write down. The error falls by a constant factor with each degree.
section('sigmoid on [−8, 8]')
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
for (const degree of [7, 15, 31]) {
  const p = chebyshevInterpolation(sigmoid, [-8, 8], degree)
  show(`degree ${degree}`, `error ${p.error.toExponential(1)}, ${polynomialDepth(p)} levels`)
}

// The depth is ⌈log2(degree + 1)⌉, and one more to map the interval to [−1, 1]. It is reached by splitting a polynomial p = q·T_m + r at powers of two, and
// the number of products, which is the price, by sharing baby steps T_1 … T_k: about √(2·degree) + log2(degree) of them (Paterson and Stockmeyer 1973).
// Coefficients of Chebyshev's basis are small where those of powers of x explode and cancel, which noise would not forgive.
const x = Float64Array.from({ length: params.slots }, (_, i) => 8 * Math.sin(i))
using ct = evaluator.encrypt(publicKey, x)
const p15 = chebyshevInterpolation(sigmoid, [-8, 8], 15)
using smooth = timed('sigmoid of every slot, degree 15', () => evaluatePolynomial(evaluator, ct, p15))
showCiphertext('before', ct)
showCiphertext('after', smooth)
show('sigmoid', numbers(open(smooth)))
check(
  'against the polynomial',
  open(smooth),
  x.map((v) => polynomialAt(p15, v)),
  2 ** -14,
)
check('against the sigmoid', open(smooth), x.map(sigmoid), p15.error + 2 ** -14)

// Outside of its interval a polynomial does not saturate, it explodes. Nothing under encryption can notice, so the range of the
// inputs is part of the contract, with some room to spare.
section('outside of the interval')
for (const at of [8, 9, 12]) show(`at x = ${at}`, polynomialAt(p15, at).toFixed(3))

// Division: Goldschmidt's iteration squares the error of a first guess, and needs a range away from 0. The wider the range in terms of its
// smaller end, the more levels.
section('1/x on [0.5, 4]')
const options = { range: [0.5, 4], precision: 16 } as const
const plan = planInverse(options)
show('planned', `${plan.iterations} iterations, ${plan.depth} levels, error ${plan.error.toExponential(1)}`)
const d = x.map((v) => 2.25 + (1.75 * v) / 8)
using denominator = evaluator.encrypt(publicKey, d)
using quotient = timed('inverse', () => inverse(evaluator, denominator, options))
showCiphertext('after', quotient)
check(
  '1/x',
  open(quotient),
  d.map((v) => 1 / v),
  2 ** -11,
)
using both = timed('sigmoid(x) / d, levels met by themselves', () => evaluator.multiply(smooth, quotient))
check(
  'sigmoid(x) / d',
  open(both),
  x.map((v, i) => sigmoid(v) / d[i]!),
  2 ** -5,
)

// Comparison: sign(x) jumps, and no polynomial jumps. A composition of minimax polynomials of low degree gets steep fast: each one takes what the
// one before leaves closer to ±1. α bits say how near to 0 a value may be and still be told (Lee, Lee, No and Kim, eprint 2020/834).
section('a > b')
const composition = composeSign({ alpha: 6, range: 16 })
show('degrees', composition.degrees.join(' ∘ '))
show('levels, products of ciphertexts', `${composition.depth}, ${composition.multiplications}`)
show('tells differences from', (16 * 2 ** -6).toFixed(3))
const other = x.map((_, i) => 8 * Math.cos(3 * i))
using second = evaluator.encrypt(publicKey, other)
using greater = timed('compare every slot', () => compare(evaluator, ct, second, composition))
showCiphertext('after', greater)
const told = open(greater)
const clear = [...x.keys()].filter((i) => Math.abs(x[i]! - other[i]!) >= 16 * 2 ** -6)
show('slots far enough apart', `${clear.length} of ${params.slots}`)
check(
  'a > b',
  clear.map((i) => told[i]!),
  clear.map((i) => (x[i]! > other[i]! ? 1 : 0)),
  2 ** -6,
)

refused('a comparison of the result', () => compare(evaluator, greater, 0.5, composition))
// A comparison costs as much as a small network. Where a decision is all that is wanted, decrypt the number and let the client decide.
