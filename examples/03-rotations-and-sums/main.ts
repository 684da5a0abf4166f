// 03 — Rotations and sums
//
// Sums and products work slot by slot: slot 5 of the result knows nothing but slot 5 of the operands. What brings slots together is a *rotation*,
// and every rotation has a key of its own. This example says why, sums up a vector in log2 n rotations, and shows what *hoisting* saves
// where one ciphertext is rotated many times.
//
//     npm run example -- 03

import { ciphertextBytes, openCkks, rotationElement, switchingKeyBytes } from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { bytes, check, numbers, refused, section, show, showCiphertext, timed, title } from '../print.ts'

title('03  Rotations and sums')

const ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] })
const { params } = ckks
const scale = 2 ** 40
using secret = createSecretKey(ckks)

// A polynomial m(X) has its slots at the powers of a root of unity: slot j is m(ζ^(3^j)). Replacing X by X^(3^k) therefore moves slot
// j + k to slot j: a rotation to the left by k, around the end. The map X → X^g is called a Galois automorphism, and g = 3^k modulo 2N its *Galois element*.
//
// Applied to a ciphertext under s it gives a ciphertext under s(X^g), which is another secret. A *Galois key* leads back to s; it exists
// per element, so the client has to know which rotations the server will want.
section('keys for rotations')
show('Galois elements of 1, 2, 3, −1', [1, 2, 3, -1].map((k) => rotationElement(ckks.ring, k)).join(', '))
const steps = [1, -1, 'conjugate'] as const
const few = timed('three Galois keys', () =>
  createGaloisKeys(
    ckks,
    secret,
    steps.map((k) => ({ steps: k })),
  ),
)
show('one key at level 2, as sent', bytes(switchingKeyBytes(params, 2)))
show('one key at level 0, as sent', bytes(switchingKeyBytes(params, 0)))
// A key for level ℓ serves level ℓ and everything below. Most programs rotate some way down, so asking for the level at which a rotation
// happens, `{ steps, level }`, saves bytes and time. Keys are the largest thing that a client ever sends.

section('rotate')
const ramp = Float64Array.from({ length: params.slots }, (_, i) => i / params.slots)
using encoded = ckks.encode(ramp, { scale })
using ct = encryptSymmetric(ckks, secret, encoded)
const keys = { relinearisation: undefined, galois: few }
using left = timed('rotate by 1', () => ckks.rotate(ct, 1, keys))
using right = ckks.rotate(ct, -1, keys)
// A rotation keeps level and scale. It adds a little noise and costs as much as a relinearisation: both are *key switching*.
showCiphertext('rotated', left)
const open = (value: typeof ct): Float64Array => {
  using plaintext = decrypt(ckks, secret, value)
  return ckks.decode(plaintext)
}
show('x', numbers(ramp))
show('x, one to the left', numbers(open(left)))
show('x, one to the right', numbers(open(right)))
check(
  'left',
  open(left),
  ramp.map((_, i) => ramp[(i + 1) % ramp.length]!),
  2 ** -20,
)
check(
  'right',
  open(right),
  ramp.map((_, i) => ramp.at(i - 1)!),
  2 ** -20,
)
refused('a rotation without its key', () => ckks.rotate(ct, 5, keys))

// The sum over all slots, in every slot: add the vector to itself rotated by 1, then by 2, 4, 8, … After r rounds each slot holds the sum
// of 2^r neighbours, so log2(4096) = 12 rotations do. The product before it makes it an inner product, the heart of linear algebra.
section('inner product of 4096 numbers')
const powers = Array.from({ length: Math.log2(params.slots) }, (_, r) => 2 ** r)
// The product comes first and takes a level: these rotations happen at level 1, and so do their keys.
const sumKeys = timed('12 Galois keys at level 1', () =>
  createGaloisKeys(
    ckks,
    secret,
    powers.map((k) => ({ steps: k, level: 1 })),
  ),
)
using relinearisation = createRelinearisationKey(ckks, secret)
const innerKeys = { relinearisation, galois: sumKeys }
const weights = Float64Array.from({ length: params.slots }, (_, i) => Math.cos(i) / 64)
using encodedWeights = ckks.encode(weights, { scale })
using encryptedWeights = encryptSymmetric(ckks, secret, encodedWeights)

const total = timed('multiply, relinearise, rescale, 12 rotations', () => {
  using product = ckks.multiply(ct, encryptedWeights)
  using shorter = ckks.relinearise(product, innerKeys)
  let sum = ckks.rescale(shorter)
  for (const k of powers) {
    using before = sum
    using turned = ckks.rotate(before, k, innerKeys)
    sum = ckks.add(before, turned)
  }
  return sum
})
const inner = ramp.reduce((s, v, i) => s + v * weights[i]!, 0)
show('inner product, plain and encrypted', `${inner.toFixed(6)}, ${open(total)[0]!.toFixed(6)}`)
check('in every slot', open(total), new Float64Array(params.slots).fill(inner), 2 ** -10)
total[Symbol.dispose]()

// Hoisting. Most of a rotation is work on the ciphertext that does not depend on the rotation: c_1 is cut into digits, and each digit is brought
// into the extended modulus by number-theoretic transforms. `hoist` does that once, and `rotateHoisted` only what is left: an inner product with the
// key and one division. (Halevi and Shoup 2018, eprint 2018/244.)
section('sixteen rotations of one ciphertext')
const sixteen = Array.from({ length: 16 }, (_, k) => k + 1)
const manyKeys = {
  relinearisation: undefined,
  galois: createGaloisKeys(
    ckks,
    secret,
    sixteen.map((k) => ({ steps: k })),
  ),
}
// The sum of them in the same way twice, so that both are checked too. Each way runs once before it is timed.
const oneByOne = (): typeof ct => {
  let sum = ckks.rotate(ct, 1, manyKeys)
  for (const k of sixteen.slice(1)) {
    using before = sum
    using turned = ckks.rotate(ct, k, manyKeys)
    sum = ckks.add(before, turned)
  }
  return sum
}
const hoistedOnce = (): typeof ct => {
  using hoisted = ckks.hoist(ct)
  let sum = ckks.rotateHoisted(hoisted, 1, manyKeys)
  for (const k of sixteen.slice(1)) {
    using before = sum
    using turned = ckks.rotateHoisted(hoisted, k, manyKeys)
    sum = ckks.add(before, turned)
  }
  return sum
}
oneByOne()[Symbol.dispose]()
hoistedOnce()[Symbol.dispose]()
using slow = timed('one by one', oneByOne)
using fast = timed('hoisted', hoistedOnce)
const expected = ramp.map((_, i) => sixteen.reduce((s, k) => s + ramp[(i + k) % ramp.length]!, 0))
check('one by one', open(slow), expected, 2 ** -18)
check('hoisted', open(fast), expected, 2 ** -18)
show('ciphertext, whole', bytes(ciphertextBytes(params, 2, false)))

// The two sums above go by different ways. log2 n rotations in a chain cannot be hoisted, as each needs the one before; n rotations of one
// ciphertext can. Example 04 uses both: √n hoisted *baby steps* and √n chained *giant steps* multiply a matrix by a vector.
for (const key of [...few.values(), ...sumKeys.values(), ...manyKeys.galois.values()]) key[Symbol.dispose]()
