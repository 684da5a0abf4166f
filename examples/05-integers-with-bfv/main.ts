// 05 — Integers with BFV
//
// CKKS is for measurements, BFV is for counting: arithmetic modulo t, exact to the last digit, until it is not exact at all. What decides is the *noise
// budget*, and this example watches it go.
//
//     npm run example -- 05

import {
  ByteReader,
  ByteWriter,
  ciphertextBytes,
  openBfv,
  plaintextModulus,
  planPreset,
  readReply,
  replyBits,
  writeReply,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
  noiseBudget,
} from '@glovebox/he/secret'
import { bytes, check, numbers, section, show, timed, title } from '../print.ts'

title('05  Integers with BFV')

// t, the plaintext modulus, is what a result is right modulo. If it is a prime that is 1 modulo 2N, polynomials modulo t fall apart into N *slots*,
// and operations are slot by slot as in CKKS. There are N of them here, not N/2, since nothing has to be complex.
section('parameters')
const t = plaintextModulus(20, 8192)
const planned = planPreset({ scheme: 'bfv', depth: 2, plaintextModulus: t })
const bfv = openBfv(planned.literal)
const { params } = bfv
show('N, slots', `${params.ringDegree}, ${params.slots}`)
show('t', t)
show('chain, special primes', `${params.literal.modulusBits.join('+')}, ${params.literal.specialBits.join('+')}`)
// The chain has no primes "for each level": messages sit at the top of the modulus, in units of Q/t, noise grows from below, and products need no
// rescaling. There are only log2 Q − log2 t bits between the two, to be spent on whatever one likes.
show('budgets planned: fresh, after products', planned.budgets.map((b) => b.toFixed(0)).join(', '))

section('keys and a message')
using secret = createSecretKey(bfv)
using relinearisation = createRelinearisationKey(bfv, secret)
const galois = createGaloisKeys(bfv, secret, [{ steps: 1 }, { steps: 'conjugate' }])
const keys = { relinearisation, galois }
const x = Float64Array.from({ length: params.slots }, (_, i) => i % 1000)
using plain = bfv.encode(x)
using ct = encryptSymmetric(bfv, secret, plain)
const open = (value: typeof ct): Float64Array => {
  using opened = decrypt(bfv, secret, value)
  return bfv.decode(opened)
}
const modulo = (value: number): number => ((value % t) + t) % t
// The holder of the key can ask how many bits are left. It is a function of the secret key: keep it to yourself.
show('noise budget, fresh', `${noiseBudget(bfv, secret, ct)} bits`)

// Sums cost next to nothing, products with plaintexts about log2 t + log2 N bits, products of ciphertexts a little more.
section('compute, and watch the budget')
using doubled = bfv.add(ct, ct)
show('x + x', `${noiseBudget(bfv, secret, doubled)} bits`)
using plus = bfv.addConstant(doubled, 7)
check(
  '2x + 7',
  open(plus),
  x.map((v) => 2 * v + 7),
  0,
)
using weights = bfv.encode(x.map((_, i) => i % 3))
using weighted = bfv.multiplyPlain(ct, weights)
show('x · w', `${noiseBudget(bfv, secret, weighted)} bits`)
check(
  'x · w',
  open(weighted),
  x.map((v, i) => v * (i % 3)),
  0,
)

const square = timed('square', () => bfv.square(ct))
using shorter = timed('relinearise', () => bfv.relinearise(square, keys))
square[Symbol.dispose]()
show('x²', `${noiseBudget(bfv, secret, shorter)} bits`)
check(
  'x²',
  open(shorter),
  x.map((v) => modulo(v * v)),
  0,
)
using cubeLong = bfv.multiply(shorter, ct)
using cube = bfv.relinearise(cubeLong, keys)
show('x³', `${noiseBudget(bfv, secret, cube)} bits`)
// 999³ is far beyond t: results are right modulo t, which is the whole promise. For larger numbers compute modulo several t and
// put the results together (Chinese remainders).
check(
  'x³ modulo t',
  open(cube),
  x.map((v) => Number(BigInt(v) ** 3n % BigInt(t))),
  0,
)

// Slots are a matrix of two rows: rotating goes around within each row, and another automorphism exchanges the rows.
section('rotate')
const half = params.slots / 2
using turned = bfv.rotateRows(ct, 1, keys)
check(
  'rows by 1',
  open(turned),
  x.map((_, i) => x[i < half ? (i + 1) % half : half + ((i + 1) % half)]!),
  0,
)
using swapped = bfv.rotateColumns(ct, keys)
check(
  'rows exchanged',
  open(swapped),
  x.map((_, i) => x[(i + half) % params.slots]!),
  0,
)

// No budget, no result. Squaring once more than planned leaves nothing, and decryption then gives numbers like any other: nothing fails, nothing warns. The
// budget is the only witness, and the server has not got it. That is why parameters are planned with a bound and not by trial.
section('too far')
let value = bfv.relinearise(cube, keys)
let products = 2
while (noiseBudget(bfv, secret, value) > 0 && products < 20) {
  using before = value
  using long = bfv.multiply(before, ct)
  value = bfv.relinearise(long, keys)
  products++
  show(`x^${products + 1}`, `${noiseBudget(bfv, secret, value)} bits`)
}
using lost = value
const expected = x.map((v) => Number(BigInt(v) ** BigInt(products + 1) % BigInt(t)))
const right = open(lost).reduce((count, v, i) => count + (v === expected[i] ? 1 : 0), 0)
show('slots that are still right', `${right} of ${params.slots}`)
if (right > params.slots / 2) throw new Error('expected a ruined result')

// A result is not computed on any more, so it needs no modulus but one that decrypts. Modulus switching divides ciphertext, noise and modulus alike,
// down to one prime; a reply is then rounded to the fewest bits, with every coefficient of c_0, as all of them matter here.
section('the reply')
using small = bfv.switchModulus(shorter, 0)
show('x² at level 0', `${noiseBudget(bfv, secret, small)} bits of budget`)
const writer = new ByteWriter()
writeReply(writer, small, { bits: replyBits(params), stride: 1 })
const reply = writer.done()
show(
  'top level, level 0, trimmed',
  [ciphertextBytes(params, params.maxLevel, false), ciphertextBytes(params, 0, false), reply.length]
    .map(bytes)
    .join(', '),
)
using received = readReply(new ByteReader(reply, 'the reply'), bfv.ring)
check(
  'x² from the reply',
  open(received),
  x.map((v) => modulo(v * v)),
  0,
)
show('x²', numbers(open(received), 6, 0))

for (const key of galois.values()) key[Symbol.dispose]()
