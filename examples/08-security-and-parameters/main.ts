// 08 — Security and parameters
//
// Every other example begins with a line of parameters. This one says where such a line comes from, what holds it to a standard, and what a wrong
// one is told.
//
//     npm run example -- 08

import {
  createParams,
  formatSecurity,
  openCkks,
  planKeySwitching,
  planKeys,
  planPreset,
  presets,
  security,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { bytes, check, refused, section, show, title } from '../print.ts'

title('08  Security and parameters')

// Four numbers pull at each other:
//
//     depth      how many products follow each other. Each takes a prime of about `scale`, so log2 Q ≈ base + depth · log2 scale.
//     precision  how large the scale is above the noise. More precision, larger primes.
//     security   how large log2 of the modulus may be for a given N. The tables say: about 27 bits for each 1024 of N at 128 bits.
//     price      time and bytes grow with N · (number of primes), and key switching with the square of the latter.
//
// The order to decide in: depth comes from the circuit, precision from its purpose, security is not negotiable, and the price follows.
section('what is checked')
const params = createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] })
// What an attacker sees are ciphertexts and public keys modulo Q, and evaluation keys modulo Q·P with the special primes. The larger modulus
// is the easier one to attack, so it decides. Two standards are asked and the stricter one is believed: the Homomorphic Encryption Security Standard
// of 2018, and the Security Guidelines of 2024 (eprint 2024/463), which know better attacks.
console.log(formatSecurity(params))
const { tightest } = security(params)
show('tightest', `${tightest.object}, ${tightest.margin.toFixed(1)} bits to spare`)

// A margin of 34 bits is not "more secure" in any way that one should want: it is room. A level with a prime of 34 bits would fit, or a larger
// special prime against noise.
section('what a wrong choice is told')
refused('too many primes', () =>
  createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40, 40], specialBits: [50] }),
)
refused('a special prime that is too small', () =>
  createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [40] }),
)
refused('256 bits of security at this size', () => createParams({ ...params.literal, security: '256-classical' }))
refused('a prime beyond what a double can hold', () =>
  createParams({ scheme: 'ckks', ringDegree: 8192, modulusBits: [60, 40], specialBits: [50] }),
)
// Tests want small rings. They can have them under a name that nobody writes by accident, and nothing made with them can leave the process.
const toy = createParams({
  scheme: 'ckks',
  ringDegree: 1024,
  modulusBits: [50, 40],
  specialBits: [50],
  security: 'INSECURE',
})
refused('a report on INSECURE parameters', () => security(toy))

// Presets do the arithmetic: a depth, and a scale or a precision. The primes are chosen so that the scale stays near where it began.
section('presets')
const planned = planPreset({ depth: 6, precision: 16 })
show('depth 6, 16 bits after six squarings', `N = ${planned.literal.ringDegree}, scale 2^${planned.scaleBits}`)
show('chain, special primes', `${planned.literal.modulusBits.join('+')}, ${planned.literal.specialBits.join('+')}`)
show('log2 QP', `${planned.bits.toFixed(1)} of ${planned.limit}`)
show(
  'bits left: six squarings, seven factors',
  [planned.precision.squarings, planned.precision.products].map((b) => b.toFixed(1)).join(', '),
)
show('the same by name', presets['ckks-depth-6-scale-40']!.modulusBits.join('+'))
refused('what fits nowhere', () => planPreset({ depth: 6, precision: 16, ringDegree: 8192 }))

// Digits. Key switching cuts a polynomial into digits of α primes and multiplies each by its part of the key. Few wide digits mean few
// transforms and small keys, and special primes as wide as a digit, which count against the security limit. There is an optimum, and it moves with the room.
section('digits of a chain of 7 primes at N = 16384')
const chain = [50, 40, 40, 40, 40, 40, 40]
const digits = planKeySwitching({ ringDegree: 16384, modulusBits: chain })
console.log(digits.why)
show('chosen', `α = ${digits.digitSize}, special primes ${digits.specialBits.join('+')}`)

// Keys. A rotation is paid for in bytes before it is paid for in time. A plan knows the sizes before anything is made, and a key for a lower level is
// smaller: fewer primes and fewer digits.
section('keys, planned')
const context = openCkks({
  scheme: 'ckks',
  ringDegree: 16384,
  modulusBits: chain,
  specialBits: digits.specialBits,
  digitSize: digits.digitSize,
})
const rotations = [1, 2, 4, 8]
const everywhere = planKeys(context.params, { relinearisation: true, rotations: rotations.map((steps) => ({ steps })) })
const needed = planKeys(context.params, {
  relinearisation: true,
  rotations: rotations.map((steps) => ({ steps, level: 1 })),
})
console.log(needed.describe())
show('for any level, for the levels used', [everywhere, needed].map((plan) => bytes(plan.bytes())).join(', '))

// And the proof that the parameters do what they are for: (x²)² and a sum of 16 neighbours.
section('use them')
using secret = createSecretKey(context)
using relinearisation = createRelinearisationKey(context, secret, needed.relinearisation!)
const galois = createGaloisKeys(context, secret, needed.requests)
const keys = { relinearisation, galois }
const x = Float64Array.from({ length: context.params.slots }, (_, i) => Math.sin(i))
using encoded = context.encode(x, { scale: 2 ** 40 })
let value = encryptSymmetric(context, secret, encoded)
for (let i = 0; i < 2; i++) {
  using before = value
  using product = context.square(before)
  using shorter = context.relinearise(product, keys)
  value = context.rescale(shorter)
}
{
  // The keys for rotations were made for level 1.
  using before = value
  value = context.dropLevel(before, 1)
}
for (const steps of rotations) {
  using before = value
  using turned = context.rotate(before, steps, keys)
  value = context.add(before, turned)
}
using result = value
using opened = decrypt(context, secret, result)
const expected = x.map((_, i) => {
  let sum = 0
  for (let k = 0; k < 16; k++) sum += x[(i + k) % x.length]! ** 4
  return sum
})
check('sum of x⁴', context.decode(opened), expected, 2 ** -14)
for (const key of galois.values()) key[Symbol.dispose]()
