// 01 — Hello, encrypted vector
//
// A client has a vector of numbers, encrypts it, lets somebody else compute on it, and decrypts the result. This program plays
// both sides and walks through every step once; the later examples take one step each and look closer.
//
//     npm run example -- 01

import { ciphertextBytes, createParams, openCkks } from '@glovebox/he'
import { createRelinearisationKey, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
import { bytes, check, numbers, section, show, showCiphertext, timed, title } from '../print.ts'

title('01  Hello, encrypted vector')

// The scheme is CKKS (Cheon, Kim, Kim and Song 2016, eprint 2016/421): approximate arithmetic on vectors of real numbers. One
// ciphertext holds a whole vector, and an operation on it is an operation on all of its numbers at once. "Approximate" means
// what it means for floating point: results are right up to a relative error that you choose.
//
// Everything begins with parameters. Both sides must have the same, and they are public.
//
// - `ringDegree`, N: a ciphertext is a pair of polynomials of N coefficients, and a vector has N/2 places, its *slots*. A larger
//   N is slower and safer.
// - `modulusBits`: the sizes of the primes q_0, q_1, q_2 whose product Q is the modulus of those coefficients. Each multiplication uses up one
//   prime, from the last to the first, so three primes are good for two multiplications in a row. The first prime is never used
//   up: it has to hold the result, and is a little larger than the others.
// - `specialBits`: primes that only keys use; see 03. None is needed for sums, at least one for products and rotations.
//
// The larger Q is for a given N, the easier is breaking the encryption. A table of the Homomorphic Encryption Standard bounds log2 Q, and
// `createParams` refuses what exceeds it. The default is 128 bits of security.
section('parameters')
const params = createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] })
show('slots', params.slots)
show('primes of the chain', params.primes.join(', '))
show('log2 of the modulus: ciphertexts, keys', `${params.logQ.toFixed(1)}, ${params.logQP.toFixed(1)}`)
for (const row of params.security) {
  show(
    `security of ${row.object}`,
    `${row.bits.toFixed(1)} of ${row.limit} bits allowed (${row.standard}, ${row.target})`,
  )
}

// A context has the tables that the arithmetic needs, and the memory in which all its values live: one WebAssembly memory, which
// JavaScript's garbage collector knows little about. Plaintexts, ciphertexts and keys are therefore declared with `using`, which
// gives their memory back at the end of the block. Forgetting it is no disaster: a finalizer is the net below.
section('context and keys')
const ckks = timed('openCkks', () => openCkks(params))

// The secret key encrypts and decrypts. What needs it comes from `@glovebox/he/secret`, so that a glance at the imports of a file tells
// whether it can read what is encrypted. A server has no reason to import it.
using secret = timed('createSecretKey', () => createSecretKey(ckks))

// A product of two ciphertexts is longer than its operands, and the relinearisation key makes it short again (below). It is
// made from the secret key, yet public: it is what the client gives to the server.
using relinearisation = timed('createRelinearisationKey', () => createRelinearisationKey(ckks, secret))
const keys = { relinearisation, galois: new Map() }

// Encoding turns numbers into a polynomial with *integer* coefficients. So that digits behind the point survive, the numbers are
// multiplied by a *scale* first and then rounded: at 2^40, the rounding error is about 2^-40 of a unit. It is an art to choose a
// scale (see 02); about the size of the primes behind the first is right.
section('encode and encrypt')
const scale = 2 ** 40
const x = Float64Array.from({ length: params.slots }, (_, i) => Math.sin(i / 10))
const y = Float64Array.from({ length: params.slots }, (_, i) => 1 / (1 + (i % 8)))
show('x', numbers(x))
show('y', numbers(y))
using encodedX = timed('encode', () => ckks.encode(x, { scale }))
using encodedY = ckks.encode(y, { scale })

// Encryption hides the polynomial m behind a·s, a product of a random polynomial and the secret, and a small random error e:
// (c_0, c_1) = (−a·s + e + m, a). Without e, linear algebra would find s; with it, nobody knows how (the RLWE problem). The error
// lies in the last few of the scale's 40 bits and is why CKKS is approximate.
//
// The second part is uniformly random, so only the 32-byte seed that it was grown from has to be sent: half the size.
using encryptedX = timed('encryptSymmetric', () => encryptSymmetric(ckks, secret, encodedX))
using encryptedY = encryptSymmetric(ckks, secret, encodedY)
showCiphertext('encrypted x', encryptedX)
show(
  'bytes to send, with and without the seed',
  [true, false].map((s) => bytes(ciphertextBytes(params, 2, s))).join(', '),
)

// ---- From here on, the server: it has `ckks`, `keys` and the two ciphertexts, and not the secret. ----

// Sums work part by part and cost nothing to speak of. Their operands must have the same scale, like fractions the same denominator.
section('add')
using sum = timed('add', () => ckks.add(encryptedX, encryptedY))
showCiphertext('x + y', sum)

// A product has the product of the scales: 2^40 · 2^40 = 2^80. It has a third part, the coefficient of s², because
// (c_0 + c_1 s)(d_0 + d_1 s) is quadratic in s.
section('multiply')
using product = timed('multiply', () => ckks.multiply(encryptedX, encryptedY))
showCiphertext('x · y', product)

// Relinearisation brings three parts back to two by means of the key. It is the most expensive operation here, and sums of products
// need it only once.
using shorter = timed('relinearise', () => ckks.relinearise(product, keys))
showCiphertext('relinearised', shorter)

// Rescaling divides the message, the scale and the error alike by the last prime, about 2^40, and drops that prime: one *level* down. The scale is
// back near 2^40. Near, not at: primes are no powers of two. Example 02 is about that.
using rescaled = timed('rescale', () => ckks.rescale(shorter))
showCiphertext('rescaled', rescaled)
show('2^80 / q_2, in units of 2^40', (scale / params.primes[2]!).toFixed(9))

// One more product is possible; after that, level 0 is reached and only sums are left. Operands at different levels meet at the
// lower one: the second factor is still at level 2.
using cubic = ckks.multiply(rescaled, encryptedX)
using cubicShort = ckks.relinearise(cubic, keys)
using cubicRescaled = ckks.rescale(cubicShort)
showCiphertext('x² · y', cubicRescaled)

// ---- The client again. ----

// Decryption computes c_0 + c_1·s = m + e, decoding divides by the scale and turns the polynomial into slots again.
section('decrypt and compare with plain arithmetic')
using decryptedSum = timed('decrypt', () => decrypt(ckks, secret, sum))
const sums = timed('decode', () => ckks.decode(decryptedSum))
using decryptedProduct = decrypt(ckks, secret, rescaled)
using decryptedCubic = decrypt(ckks, secret, cubicRescaled)
show('x + y', numbers(sums))
show('x · y', numbers(ckks.decode(decryptedProduct)))
check(
  'x + y',
  sums,
  x.map((v, i) => v + y[i]!),
  2 ** -24,
)
check(
  'x · y',
  ckks.decode(decryptedProduct),
  x.map((v, i) => v * y[i]!),
  2 ** -20,
)
check(
  'x² · y',
  ckks.decode(decryptedCubic),
  x.map((v, i) => v * v * y[i]!),
  2 ** -20,
)

// One warning, and it is the only one that breaks keys: the low bits of what was just decrypted are the error e, and e tells about the secret key.
// Whoever gets decrypted CKKS values at full precision from you, above all the server that computed them, may find the key
// (Li and Micciancio, eprint 2020/1533). Use results; do not send them back.
