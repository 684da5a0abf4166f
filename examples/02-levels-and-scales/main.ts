// 02 — Levels and scales
//
// A CKKS ciphertext carries two numbers besides its polynomials: a *level*, which counts the primes that are left, and a *scale*, by which
// its message was multiplied. This example follows both through x² + x and x⁸, meets the error that everybody meets first, and mends it in
// three ways, and then lets somebody else do it.
//
//     npm run example -- 02

import { type Ciphertext, createEvaluator, openCkks } from '@glovebox/he'
import { createRelinearisationKey, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
import { check, refused, section, show, showCiphertext, title } from '../print.ts'

title('02  Levels and scales')

// Three primes of 40 bits above the base prime: three multiplications deep.
const ckks = openCkks({ scheme: 'ckks', ringDegree: 16384, modulusBits: [50, 40, 40, 40], specialBits: [50] })
const { params } = ckks
using secret = createSecretKey(ckks)
using relinearisation = createRelinearisationKey(ckks, secret)
const keys = { relinearisation, galois: new Map() }
const scale = 2 ** 40

const x = Float64Array.from({ length: params.slots }, (_, i) => Math.sin(i))
using encoded = ckks.encode(x, { scale })
using ct = encryptSymmetric(ckks, secret, encoded)
const open = (value: Ciphertext): Float64Array => {
  using plaintext = decrypt(ckks, secret, value)
  return ckks.decode(plaintext)
}
/** Multiply, relinearise, rescale: the three that belong together. */
const times = (a: Ciphertext, b: Ciphertext): Ciphertext => {
  using product = ckks.multiply(a, b)
  using shorter = ckks.relinearise(product, keys)
  return ckks.rescale(shorter)
}

// The modulus at level ℓ is q_0 · q_1 ⋯ q_ℓ. It is the room for scale times message: with 170 bits at the top and a scale of 2^40 there is no hurry,
// but every product doubles the bits of the scale, so it has to come down again. Rescaling divides by q_ℓ and gives that prime up.
section('the primes')
show('q_0 … q_3', params.primes.join(', '))
// The primes must be 1 modulo 2N, so none is 2^40 exactly, and no two are alike. That is the whole trouble:
show('q_3 / 2^40', (params.primes[3]! / scale).toFixed(12))
show('q_2 / 2^40', (params.primes[2]! / scale).toFixed(12))

section('x², one level down')
using square = times(ct, ct)
showCiphertext('x', ct)
showCiphertext('x²', square)
show('scale of x² / scale of x', (square.scale / ct.scale).toFixed(12))
check(
  'x²',
  open(square),
  x.map((v) => v * v),
  2 ** -20,
)

// The scale of x² is 2^80 / q_3: off by some 2^-18 from 2^40. Adding x and x² at different scales adds 2^40·x to 1.0000036·2^40·x², and
// nobody could tell afterwards which unit the sum is in. So it is refused; some libraries let it pass and lose 20 bits in silence.
section('x² + x')
refused('as it comes', () => ckks.add(square, ct))

// First way: bring x to the level and the scale of x², by a multiplication with 1. The constant 1 is encoded at just the scale that makes
// the result right: (scale of x) · c / q_3 = scale of x². It costs x a level that it had to spare.
const one = (square.scale * params.primes[3]!) / ct.scale
using raised = ckks.multiplyConstant(ct, 1, one)
using brought = ckks.rescale(raised)
showCiphertext('x brought to x²', brought)
using firstWay = ckks.add(square, brought)
check(
  'first way',
  open(firstWay),
  x.map((v) => v * v + v),
  2 ** -20,
)

// Second way: choose the scale of what is encoded. A plaintext can have any scale, so encode it with the scale of its partner; and a factor
// encoded at scale q_ℓ leaves the scale as it was, exactly: s · q_ℓ / q_ℓ = s.
using weights = ckks.encode(new Float64Array(params.slots).fill(0.5), { scale: params.primes[3]! })
using weighted = ckks.multiplyPlain(ct, weights)
using half = ckks.rescale(weighted)
show('scale of x/2 / scale of x', (half.scale / ct.scale).toFixed(12))
using bias = ckks.encode(new Float64Array(params.slots).fill(3), { level: half.level, scale: half.scale })
using affine = ckks.addPlain(half, bias)
check(
  'x/2 + 3',
  open(affine),
  x.map((v) => v / 2 + 3),
  2 ** -20,
)

// Third way: let every level have one scale, S_(ℓ-1) = S_ℓ² / q_ℓ. A product of two values on this ladder, rescaled, is on it again, one
// rung down, whatever their history. Only a value that skips a level has to be brought (first way). (Kim, Papadimitriou and Polyakov,
// eprint 2020/1118, section 4.)
section('a ladder of scales')
const ladder = [scale]
for (let level = params.maxLevel; level > 0; level--) ladder.unshift(ladder[0]! ** 2 / params.primes[level]!)
ladder.forEach((rung, level) => show(`level ${level}: scale / 2^40`, (rung / scale).toFixed(12)))
using fourth = times(square, square)
using eighth = times(fourth, fourth)
showCiphertext('x⁸', eighth)
for (const value of [ct, square, fourth, eighth])
  if (Math.abs(value.scale / ladder[value.level]! - 1) > 2 ** -40) throw new Error('left the ladder')
check(
  'x⁸',
  open(eighth),
  x.map((v) => v ** 8),
  2 ** -18,
)

// An evaluator does all of this by itself: whatever it returns is on the ladder, relinearised and rescaled. The rest of this library's circuits are
// written on it (06), and a program should be, too, unless it knows better.
section('the same by an evaluator')
const evaluator = createEvaluator(ckks, { scale, keys })
using automatic = evaluator.square(ct)
using sum = evaluator.add(automatic, ct)
using shifted = evaluator.subtract(sum, 0.25)
showCiphertext('x² + x − 1/4', shifted)
check(
  'x² + x − 1/4',
  open(shifted),
  x.map((v) => v * v + v - 0.25),
  2 ** -20,
)

section('the end of the chain')
// x⁸ took three multiplications and three levels, by squaring; x·x·x⋯ would take seven of each. Depth is the currency of
// homomorphic encryption: it decides on the number of primes, they on log2 Q, and that on N and the price of everything.
refused('one more product', () => times(eighth, eighth))

// Why relinearise before rescaling, and not after, when the key switch one level down is cheaper? Rescaling rounds every part, and the rounding
// of the third part is multiplied by s², which makes it 2^7 times as large here. Where precision is to spare, the other order is allowed:
section('the other order')
using product = ckks.multiply(ct, ct)
using rescaledFirst = ckks.rescale(product)
using thenRelinearised = ckks.relinearise(rescaledFirst, keys)
check(
  'relinearise, rescale',
  open(square),
  x.map((v) => v * v),
  2 ** -20,
)
check(
  'rescale, relinearise',
  open(thenRelinearised),
  x.map((v) => v * v),
  2 ** -14,
)

// How large the scale should be: rescaling leaves a rounding error of about 2^12 in each slot at this N, 2^14 in the worst of them, and the message stands
// at 2^40, so 26 bits are right. A scale of 2^30 would leave 16 bits and shorten every prime by ten. docs/noise.md counts.
